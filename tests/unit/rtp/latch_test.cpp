#include "rtp/latch.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using siprec::Endpoint;
using siprec::IpAddress;
using siprec::WallTime;
using siprec::rtp::Latch;
using siprec::rtp::SeqNum;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const WallTime kStart{seconds(1'700'000'000)};

Endpoint at(std::string_view text) {
    return Endpoint::parse(text).value();
}

const char* const kOffered = "192.0.2.1:4000";
const char* const kOther = "198.51.100.7:5000";
const char* const kThird = "203.0.113.9:6000";

bool takes(Latch& latch,
           std::string_view source,
           int sequence,
           milliseconds when = milliseconds(0),
           bool is_answered = true,
           std::uint32_t ssrc = 1) {
    return latch.takes_rtp(
        at(source), ssrc, SeqNum(static_cast<std::uint16_t>(sequence)), is_answered, kStart + when);
}

}  // namespace

TEST_CASE("latch: the offered address latches with its first packet", "[unit][rtp][latch]") {
    Latch latch(at(kOffered));
    CHECK(takes(latch, kOffered, 1));
    CHECK(latch.source() == at(kOffered).address);
    CHECK_FALSE(takes(latch, kOther, 1));
}

TEST_CASE("latch: the port does not count", "[unit][rtp][latch]") {
    Latch latch(at(kOffered));
    CHECK(takes(latch, "192.0.2.1:4444", 1));
    CHECK(takes(latch, "192.0.2.1:5555", 900));
    CHECK(takes(latch, kOffered, 2));
}

TEST_CASE("latch: another address latches with two packets in sequence", "[unit][rtp][latch]") {
    Latch latch(at(kOffered));
    CHECK(takes(latch, kOther, 1));
    CHECK_FALSE(latch.source());
    CHECK(takes(latch, kThird, 50));
    CHECK(takes(latch, kOther, 2));
    CHECK(latch.source() == at(kOther).address);
    CHECK_FALSE(takes(latch, kThird, 51));
}

TEST_CASE("latch: what does not count as two packets in sequence", "[unit][rtp][latch]") {
    Latch latch(std::nullopt);
    CHECK(takes(latch, kOther, 1));
    SECTION("a gap") {
        CHECK(takes(latch, kOther, 3));
    }
    SECTION("a repeated packet") {
        CHECK(takes(latch, kOther, 1));
    }
    SECTION("another SSRC") {
        CHECK(takes(latch, kOther, 2, milliseconds(0), true, 99));
    }
    SECTION("another port") {
        CHECK(takes(latch, "198.51.100.7:5002", 2));
    }
    SECTION("a payload type that was not answered") {
        CHECK(takes(latch, kOther, 2, milliseconds(0), false));
    }
    CHECK_FALSE(latch.source());
    CHECK(takes(latch, kThird, 7));
}

TEST_CASE("latch: the wrap is in sequence", "[unit][rtp][latch]") {
    Latch latch(std::nullopt);
    CHECK(takes(latch, kOther, 65535));
    CHECK(takes(latch, kOther, 0));
    CHECK(latch.source() == at(kOther).address);
}

TEST_CASE("latch: two senders in turn do not keep each other out", "[unit][rtp][latch]") {
    Latch latch(std::nullopt);
    CHECK(takes(latch, kOther, 1));
    CHECK(takes(latch, kThird, 10));
    CHECK(takes(latch, kOther, 2));
    CHECK(latch.source() == at(kOther).address);
    CHECK_FALSE(takes(latch, kThird, 11));
}

TEST_CASE("latch: the offered address wins back from another", "[unit][rtp][latch]") {
    Latch latch(at(kOffered));
    CHECK(takes(latch, kOther, 1));
    CHECK(takes(latch, kOther, 2));
    CHECK(takes(latch, kOffered, 77));
    CHECK(latch.source() == at(kOffered).address);
    CHECK_FALSE(takes(latch, kOther, 3));
}

TEST_CASE("latch: a stranger is let in after two seconds of silence", "[unit][rtp][latch]") {
    Latch latch(at(kOffered));
    CHECK(takes(latch, kOffered, 1));
    CHECK_FALSE(takes(latch, kOther, 1, milliseconds(1999)));
    CHECK(takes(latch, kOther, 2, milliseconds(2000)));
    CHECK(latch.source() == at(kOffered).address);
    SECTION("and latches with its next packet") {
        CHECK(takes(latch, kOther, 3, milliseconds(2020)));
        CHECK(latch.source() == at(kOther).address);
        CHECK_FALSE(takes(latch, kThird, 1, milliseconds(2040)));
    }
    SECTION("and not when the latched source comes back first") {
        CHECK(takes(latch, kOffered, 2, milliseconds(2010)));
        CHECK_FALSE(takes(latch, kOther, 3, milliseconds(2020)));
    }
}

TEST_CASE("latch: a new address in the offer starts all over", "[unit][rtp][latch]") {
    Latch latch(at(kOffered));
    CHECK(takes(latch, kOffered, 1));
    SECTION("the same offer changes nothing") {
        latch.on_offer(at(kOffered));
        CHECK_FALSE(takes(latch, kOther, 1));
    }
    SECTION("another address") {
        latch.on_offer(at(kThird));
        CHECK_FALSE(latch.source());
        CHECK(takes(latch, kThird, 1));
        CHECK_FALSE(takes(latch, kOffered, 2));
    }
    SECTION("another port") {
        latch.on_offer(at("192.0.2.1:4010"));
        CHECK_FALSE(latch.source());
    }
    SECTION("none") {
        latch.on_offer(std::nullopt);
        CHECK(takes(latch, kOther, 1));
    }
}

TEST_CASE("latch: RTCP is taken from the latched and the offered addresses", "[unit][rtp][latch]") {
    Latch latch(at(kOffered));
    const auto rtcp = at("203.0.113.9:4001");
    CHECK(latch.takes_rtcp(at(kOther).address, rtcp, kStart));
    CHECK(takes(latch, kOther, 1));
    CHECK(takes(latch, kOther, 2));
    CHECK(latch.takes_rtcp(at(kOther).address, rtcp, kStart));
    CHECK(latch.takes_rtcp(at(kOffered).address, rtcp, kStart));
    CHECK(latch.takes_rtcp(rtcp.address, rtcp, kStart));
    CHECK_FALSE(latch.takes_rtcp(at("10.0.0.1:1").address, rtcp, kStart));
    CHECK(latch.takes_rtcp(at("10.0.0.1:1").address, rtcp, kStart + seconds(2)));
}
