#include "rtp/payload_table.hpp"

#include "packets.hpp"

#include <catch2/catch.hpp>

#include <vector>

using siprec::PayloadFormat;
using siprec::rtp::PayloadTable;
using siprec::test::format;

TEST_CASE("payload table: formats of the answer are known with their clock", "[unit][rtp]") {
    const std::vector<PayloadFormat> formats{
        format(0, "PCMU", 8000), format(111, "OPUS", 48000), format(200, "BAD", 8000)};
    const PayloadTable table(formats);
    CHECK(table.is_answered(0));
    CHECK(table.is_answered(111));
    CHECK_FALSE(table.is_answered(8));
    CHECK_FALSE(table.is_answered(200));
    CHECK(table.clock_rate(0) == 8000);
    CHECK(table.clock_rate(111) == 48000);
    CHECK(table.clock_rate(8) == 0);
}

TEST_CASE("payload table: telephone-event is known but has no part in jitter",
          "[unit][rtp][rfc4733][4733-2.1-1]") {
    const std::vector<PayloadFormat> formats{format(101, "TELEPHONE-EVENT", 8000),
                                             format(102, "telephone-event", 8000)};
    const PayloadTable table(formats);
    CHECK(table.is_answered(101));
    CHECK(table.clock_rate(101) == 0);
    CHECK(table.clock_rate(102) == 0);
}
