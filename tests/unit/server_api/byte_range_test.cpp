#include "api/byte_range.hpp"

#include <catch2/catch.hpp>

using siprec::server::RangeOutcome;
using siprec::server::select_range;

TEST_CASE("byte range: selects bytes when one range is given", "[unit][api][rfc9110]") {
    struct Row {
        const char* field;
        std::uint64_t offset;
        std::uint64_t length;
    };

    const auto row = GENERATE(Row{"bytes=0-0", 0, 1},
                              Row{"bytes=2-5", 2, 4},
                              Row{"bytes=95-", 95, 5},
                              Row{"bytes=95-1000", 95, 5},
                              Row{"bytes=-10", 90, 10},
                              Row{"bytes=-1000", 0, 100},
                              Row{"bytes=0-18446744073709551615", 0, 100});
    const auto range = select_range(row.field, 100);
    CHECK(range.outcome == RangeOutcome::Part);
    CHECK(range.offset == row.offset);
    CHECK(range.length == row.length);
}

TEST_CASE("byte range: selects the whole when the field is not one range of bytes",
          "[unit][api][rfc9110]") {
    const auto* field = GENERATE("",
                                 "bytes",
                                 "bytes=",
                                 "bytes=-",
                                 "bytes=5-2",
                                 "bytes=a-b",
                                 "bytes=1-2,4-5",
                                 "items=0-1",
                                 "bytes=+1-2",
                                 "bytes=99999999999999999999-");
    const auto range = select_range(field, 100);
    CHECK(range.outcome == RangeOutcome::Whole);
    CHECK(range.length == 100);
}

TEST_CASE("byte range: is unsatisfiable when it begins behind the end", "[unit][api][rfc9110]") {
    CHECK(select_range("bytes=100-", 100).outcome == RangeOutcome::Unsatisfiable);
    CHECK(select_range("bytes=-0", 100).outcome == RangeOutcome::Unsatisfiable);
    CHECK(select_range("bytes=0-", 0).outcome == RangeOutcome::Unsatisfiable);
}
