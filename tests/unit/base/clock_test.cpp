#include <siprec/clock.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using siprec::parse_time;
using siprec::to_rfc3339;
using siprec::WallTime;

namespace {

constexpr std::chrono::sys_days kDay{std::chrono::year{2010} / 12 / 16};

}  // namespace

TEST_CASE("clock: times of the field's shapes are read", "[unit][base][rfc7865][rfc3339]") {
    const auto [text, utc, has_zone] = GENERATE(table<std::string, std::string, bool>({
        // RFC 3339
        {"2010-12-16T23:41:07Z", "2010-12-16T23:41:07.000000Z", true},
        {"2010-12-16T23:41:07.5Z", "2010-12-16T23:41:07.500000Z", true},
        {"2010-12-16T23:41:07.040123Z", "2010-12-16T23:41:07.040123Z", true},
        {"2010-12-16T23:41:07.123456789123Z", "2010-12-16T23:41:07.123456Z", true},
        {"2010-12-16T23:41:07+01:00", "2010-12-16T22:41:07.000000Z", true},
        {"2010-12-16T23:41:07-05:30", "2010-12-17T05:11:07.000000Z", true},
        {"2010-12-16T23:41:07-00:00", "2010-12-16T23:41:07.000000Z", true},
        {"2010-12-16T23:41:07+23:59", "2010-12-15T23:42:07.000000Z", true},
        {"2010-12-16T23:41:07-23:59", "2010-12-17T23:40:07.000000Z", true},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000Z", true},
        {"2012-02-29T00:00:00Z", "2012-02-29T00:00:00.000000Z", true},
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z", true},
        {"1969-12-31T23:59:59.75Z", "1969-12-31T23:59:59.750000Z", true},
        // Beyond it
        {"2010-12-16T23:41:07", "2010-12-16T23:41:07.000000Z", false},
        {"2010-12-16T23:41:07.25", "2010-12-16T23:41:07.250000Z", false},
        {"2010-12-16t23:41:07z", "2010-12-16T23:41:07.000000Z", true},
        {"2010-12-16 23:41:07Z", "2010-12-16T23:41:07.000000Z", true},
        {"2010-12-16T23:41:07+0000", "2010-12-16T23:41:07.000000Z", true},
        {"2010-12-16T23:41:07-0530", "2010-12-17T05:11:07.000000Z", true},
        {"2010-12-16T23:41:07+01", "2010-12-16T22:41:07.000000Z", true},
        {"2010-12-16T23:41:07 +01:00", "2010-12-16T22:41:07.000000Z", true},
        {"2010-12-16T24:00:00Z", "2010-12-17T00:00:00.000000Z", true},
        {"\r\n\t 2010-12-16T23:41:07Z \n", "2010-12-16T23:41:07.000000Z", true},
    }));
    INFO(text);
    const auto parsed = parse_time(text);
    REQUIRE(parsed);
    CHECK(to_rfc3339(parsed->time) == utc);
    CHECK(parsed->has_zone == has_zone);
}

TEST_CASE("clock: what is not RFC 3339 as RFC 7865 wants it is flagged",
          "[unit][base][rfc7865][rfc3339]") {
    const auto [text, is_strict] = GENERATE(table<std::string, bool>({
        {"2010-12-16T23:41:07Z", true},
        {"2010-12-16T23:41:07.040Z", true},
        {"2010-12-16T23:41:07-05:00", true},
        {"2010-12-16T23:41:07+23:59", true},
        {"2010-12-16T23:41:07", false},
        {"2010-12-16t23:41:07Z", false},
        {"2010-12-16T23:41:07z", false},
        {"2010-12-16 23:41:07Z", false},
        {"2010-12-16T23:41:07+0000", false},
        {"2010-12-16T23:41:07+01", false},
    }));
    INFO(text);
    const auto parsed = parse_time(text);
    REQUIRE(parsed);
    CHECK(parsed->is_strict == is_strict);
}

TEST_CASE("clock: what is no time is not guessed at", "[unit][base][rfc3339]") {
    const char* text = GENERATE("",
                                " ",
                                "now",
                                "2010-12-16",
                                "2010-12-16T",
                                "2010-12-16T23",
                                "2010-13-16T23:41:07Z",
                                "2010-12-32T23:41:07Z",
                                "2010-02-29T23:41:07Z",
                                "2010-12-16T25:00:00Z",
                                "2010-12-16T24:00:01Z",
                                "2010-12-16T23:60:00Z",
                                "2010-12-16T23:59:61Z",
                                "2010-12-16T23:41:07.Z",
                                "2010-12-16T23:41:07Zjunk",
                                "2010-12-16T23:41:07+24:00",
                                "2010-12-16T23:41:07+01:60",
                                "2010-12-16T23:41:07+",
                                "10-12-16T23:41:07Z",
                                "0001-01-01T00:00:00Z",
                                "9999-12-31T23:59:59Z");
    INFO(text);
    CHECK_FALSE(parse_time(text));
}

TEST_CASE("clock: fractions are kept to the nanosecond", "[unit][base]") {
    const auto parsed = parse_time("2010-12-16T00:00:01.123456789Z");
    REQUIRE(parsed);
    CHECK(parsed->time == WallTime(kDay) + std::chrono::nanoseconds(1'123'456'789));
}

TEST_CASE("clock: printing and reading give the same time", "[unit][base][rfc3339]") {
    const auto offset = std::chrono::microseconds(GENERATE(0, 1, 999'999, 86'399'999, 1'234'567));
    const WallTime time = WallTime(kDay) + offset;
    const auto parsed = parse_time(to_rfc3339(time));
    REQUIRE(parsed);
    CHECK(parsed->time == time);
    CHECK(parsed->is_strict);
}

TEST_CASE("clock: the system's steady time never goes back", "[unit][base]") {
    const auto first = siprec::system_clock().steady_now();
    CHECK(siprec::system_clock().steady_now() >= first);
    CHECK(siprec::system_clock().now() > WallTime(kDay));
}
