#include "packets.hpp"

#include <siprec/rtp.hpp>

#include <catch2/catch.hpp>

using siprec::parse_rtp;
using siprec::test::bytes;
using siprec::test::Bytes;

TEST_CASE("rtp packet: the fields of the fixed header are read", "[unit][rtp][rfc3550]") {
    const Bytes wire =
        bytes({0x80, 0x88, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0x55, 0x66});
    const auto packet = parse_rtp(wire);
    REQUIRE(packet);
    CHECK(packet->marker);
    CHECK(packet->payload_type == 8);
    CHECK(packet->sequence == 0x1234);
    CHECK(packet->timestamp == 0x01020304);
    CHECK(packet->ssrc == 0xA1B2C3D4);
    CHECK(packet->csrcs.empty());
    CHECK(packet->payload.size() == 2);
    CHECK(packet->payload.data() == wire.data() + 12);
    CHECK(packet->bytes.size() == wire.size());
}

TEST_CASE("rtp packet: CSRC list and extension and padding are no payload",
          "[unit][rtp][rfc3550][7866-8.1.4-1][7866-8.2.2-1]") {
    // P, X, two CSRCs; an extension of one word; three bytes of payload; three of padding.
    const Bytes wire = bytes({0xB2, 0x00, 0, 1,    0,    0, 0, 160,  0,    0, 0, 9, 0, 0, 0, 1, 0,
                              0,    0,    2, 0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0, 1, 2, 3, 0, 0, 3});
    const auto packet = parse_rtp(wire);
    REQUIRE(packet);
    CHECK(packet->csrcs.size() == 8);
    CHECK(Bytes(packet->payload.begin(), packet->payload.end()) == bytes({1, 2, 3}));
}

TEST_CASE("rtp packet: an empty payload is a packet", "[unit][rtp]") {
    const Bytes wire = siprec::test::rtp({.payload_bytes = 0});
    const auto packet = parse_rtp(wire);
    REQUIRE(packet);
    CHECK(packet->payload.empty());
}

TEST_CASE("rtp packet: padding may fill the whole payload", "[unit][rtp]") {
    Bytes wire = siprec::test::rtp({.payload_bytes = 4});
    wire[0] = std::byte{0xA0};
    wire.back() = std::byte{4};
    const auto packet = parse_rtp(wire);
    REQUIRE(packet);
    CHECK(packet->payload.empty());
}

TEST_CASE("rtp packet: bytes that break the format are refused", "[unit][rtp][rfc3550]") {
    const Bytes good = siprec::test::rtp({.payload_bytes = 4});
    SECTION("every cut of the header") {
        for (std::size_t size = 0; size < 12; ++size) {
            CHECK_FALSE(parse_rtp(std::span(good).first(size)));
        }
    }
    SECTION("version 1") {
        Bytes wire = good;
        wire[0] = std::byte{0x40};
        CHECK_FALSE(parse_rtp(wire));
    }
    SECTION("more CSRCs than bytes") {
        Bytes wire = good;
        wire[0] = std::byte{0x82};
        CHECK_FALSE(parse_rtp(wire));
    }
    SECTION("an extension longer than the packet") {
        Bytes wire = good;
        wire[0] = std::byte{0x90};
        wire[14] = std::byte{0};
        wire[15] = std::byte{1};
        CHECK_FALSE(parse_rtp(wire));
    }
    SECTION("padding longer than the payload") {
        Bytes wire = good;
        wire[0] = std::byte{0xA0};
        wire.back() = std::byte{5};
        CHECK_FALSE(parse_rtp(wire));
    }
    SECTION("padding of no bytes") {
        Bytes wire = good;
        wire[0] = std::byte{0xA0};
        wire.back() = std::byte{0};
        CHECK_FALSE(parse_rtp(wire));
    }
}
