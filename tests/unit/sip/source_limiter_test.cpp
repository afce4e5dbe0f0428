#include "sip/source_limiter.hpp"

#include "base/source_log.hpp"

#include <catch2/catch.hpp>

using namespace siprec;
using namespace siprec::sip;
using namespace std::chrono_literals;

namespace {

const SteadyTime kNow{1'000s};
const IpAddress kScanner = *IpAddress::parse("198.51.100.1");
const IpAddress kClient = *IpAddress::parse("198.51.100.2");

SignallingLimits limits(std::uint32_t rate, std::uint32_t burst) {
    SignallingLimits limits;
    limits.waste_per_second = rate;
    limits.waste_burst = burst;
    return limits;
}

}  // namespace

TEST_CASE("source limiter: who wastes is not heard until tokens have grown", "[unit][sip]") {
    SourceLimiter limiter(limits(2, 3));
    for (int i = 0; i < 3; ++i) {
        CHECK(limiter.may_pass(kScanner, kNow));
        limiter.charge(kScanner, kNow);
    }
    CHECK_FALSE(limiter.may_pass(kScanner, kNow));
    CHECK(limiter.may_pass(kClient, kNow));
    CHECK(limiter.may_pass(kScanner, kNow + 600ms));
    CHECK(limiter.size() == 1);
}

TEST_CASE("source limiter: a network of IPv6 is one source", "[unit][sip]") {
    SourceLimiter limiter(limits(1, 1));
    limiter.charge(*IpAddress::parse("2001:db8::1"), kNow);
    CHECK_FALSE(limiter.may_pass(*IpAddress::parse("2001:db8::2"), kNow));
    CHECK(limiter.may_pass(*IpAddress::parse("2001:db8:0:1::1"), kNow));
}

TEST_CASE("source limiter: memory stays bounded and makes room again", "[unit][sip]") {
    SourceLimiter limiter(limits(1, 2), 100);
    for (std::uint8_t i = 0; i < 200; ++i) {
        limiter.charge(IpAddress::v4({10, 0, 0, i}), kNow);
    }
    CHECK(limiter.size() == 100);
    limiter.charge(kScanner, kNow + 5s);
    CHECK(limiter.size() == 1);
}

TEST_CASE("source limiter: rate 0 is no limit", "[unit][sip]") {
    SourceLimiter limiter(limits(0, 1));
    for (int i = 0; i < 10; ++i) {
        limiter.charge(kScanner, kNow);
    }
    CHECK(limiter.may_pass(kScanner, kNow));
    CHECK(limiter.size() == 0);
}

TEST_CASE("source log: a source has its lines, then silence, then a count", "[unit][base]") {
    base::SourceLog log(60s, 2);
    int lines = 0;
    for (int i = 0; i < 50; ++i) {
        lines += log.may_log(kScanner, kNow) ? 1 : 0;
    }
    CHECK(lines == 10);
    CHECK(log.may_log(kClient, kNow) == 0);
    CHECK_FALSE(log.may_log(*IpAddress::parse("192.0.2.1"), kNow));
    CHECK(log.may_log(kScanner, kNow + 60s) == 40);
}
