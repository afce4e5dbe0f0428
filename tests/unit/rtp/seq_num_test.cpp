#include "rtp/seq_num.hpp"

#include <catch2/catch.hpp>

using siprec::rtp::SeqNum;

TEST_CASE("seq_num: order and distance hold across the wrap", "[unit][rtp][rfc3550]") {
    struct Row {
        std::uint16_t from;
        std::uint16_t to;
        int distance;
    };

    for (const Row& row : {Row{1, 2, 1},
                           Row{2, 1, -1},
                           Row{65535, 0, 1},
                           Row{0, 65535, -1},
                           Row{65000, 500, 1036},
                           Row{500, 65000, -1036},
                           Row{0, 32767, 32767},
                           Row{7, 7, 0}}) {
        CHECK(SeqNum(row.to).distance_from(SeqNum(row.from)) == row.distance);
        CHECK(SeqNum(row.to).is_after(SeqNum(row.from)) == (row.distance > 0));
    }
}

TEST_CASE("seq_num: plus wraps both ways", "[unit][rtp][rfc3550]") {
    CHECK(SeqNum(65535).plus(1) == SeqNum(0));
    CHECK(SeqNum(0).plus(-1) == SeqNum(65535));
    CHECK(SeqNum(0).steps_from(SeqNum(1)) == 65535);
}
