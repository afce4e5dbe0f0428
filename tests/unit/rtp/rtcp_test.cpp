#include "rtp/rtcp.hpp"

#include "packets.hpp"

#include <siprec/rtp.hpp>

#include <catch2/catch.hpp>

#include <chrono>

using siprec::WallTime;
using siprec::rtp::build_receiver_report;
using siprec::rtp::is_valid_compound;
using siprec::rtp::ReportBlock;
using siprec::rtp::RtcpPart;
using siprec::rtp::take_part;
using siprec::test::bytes;
using siprec::test::Bytes;
using siprec::test::joined;
using siprec::test::sender_report;

namespace {

std::vector<RtcpPart> parts_of(std::span<const std::byte> compound) {
    std::vector<RtcpPart> parts;
    while (const auto part = take_part(compound)) {
        parts.push_back(*part);
    }
    return parts;
}

}  // namespace

TEST_CASE("rtcp: the sender report ties the RTP clock to wall time", "[unit][rtp][rfc3550]") {
    // 2023-11-14T22:13:20.5Z in NTP: 1700000000 + 2208988800, and half a second.
    const Bytes wire = sender_report(77, (3'908'988'800ULL << 32U) | 0x80000000U, 4800);
    const auto report = siprec::find_sender_report(wire);
    REQUIRE(report);
    CHECK(report->ssrc == 77);
    CHECK(report->rtp_timestamp == 4800);
    CHECK(report->ntp_time == WallTime(std::chrono::milliseconds(1'700'000'000'500)));
}

TEST_CASE("rtcp: NTP times after the wrap of 2036 are in the next era", "[unit][rtp][rfc4330]") {
    // 2036-02-07T06:28:16Z is second 0 of era 1.
    CHECK(siprec::rtp::ntp_to_wall(0) == WallTime(std::chrono::seconds(2'085'978'496)));
    CHECK(siprec::rtp::ntp_to_wall(0xFFFFFFFFULL << 32U) ==
          WallTime(std::chrono::seconds(2'085'978'495)));
}

TEST_CASE("rtcp: a sender report is found behind other packets", "[unit][rtp]") {
    Bytes wire = build_receiver_report(5, "name", {}, false);
    CHECK_FALSE(siprec::find_sender_report(wire));
    wire = joined(wire, sender_report(9, 1ULL << 63U, 1));
    const auto report = siprec::find_sender_report(wire);
    REQUIRE(report);
    CHECK(report->ssrc == 9);
}

TEST_CASE("rtcp: the names of sources are read from their description", "[unit][rtp][rfc3550]") {
    // Two chunks; the first one's CNAME stands behind a NAME item (2).
    const Bytes two = bytes({0x82, 202, 0, 6,                                    //
                             0,    0,   0, 7, 2, 1, 'n', 1,   2,   'a', 'b', 0,  //
                             0,    0,   0, 9, 1, 3, 'x', '@', 'y', 0,   0,   0});
    const auto names = siprec::find_source_names(joined(sender_report(7, 2, 3), two));
    REQUIRE(names.size() == 2);
    CHECK(names[0] == siprec::SourceName{.ssrc = 7, .cname = "ab"});
    CHECK(names[1] == siprec::SourceName{.ssrc = 9, .cname = "x@y"});
    CHECK(siprec::find_source_names(sender_report(1, 2, 3)).empty());
    CHECK(siprec::find_source_names(build_receiver_report(5, "me", {}, false)).at(0).cname == "me");

    SECTION("an item longer than its packet gives nothing") {
        const Bytes cut = bytes({0x81, 202, 0, 2, 0, 0, 0, 7, 1, 200, 'a', 'b'});
        CHECK(siprec::find_source_names(cut).empty());
    }
}

TEST_CASE("rtcp: unknown types and feedback and reduced size are tolerated",
          "[unit][rtp][rfc4585][rfc5506][3550-6.1-2]") {
    Bytes feedback = bytes({0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2});
    CHECK(is_valid_compound(feedback));
    CHECK(is_valid_compound(joined(sender_report(1, 2, 3), feedback)));
    const Bytes unknown = bytes({0x80, 222, 0, 0});
    CHECK(is_valid_compound(joined(unknown, sender_report(1, 2, 3))));
    CHECK(siprec::find_sender_report(joined(unknown, sender_report(1, 2, 3))));
}

TEST_CASE("rtcp: compounds that are not whole are refused", "[unit][rtp][rfc3550]") {
    const Bytes good = joined(sender_report(1, 2, 3), siprec::test::bye(1));
    REQUIRE(is_valid_compound(good));
    CHECK_FALSE(is_valid_compound({}));
    for (std::size_t size = 1; size < good.size(); ++size) {
        if (size != 28) {
            CHECK_FALSE(is_valid_compound(std::span(good).first(size)));
            CHECK_FALSE(siprec::find_sender_report(std::span(good).first(size)));
        }
    }
    SECTION("a report with fewer blocks than it counts") {
        Bytes wire = good;
        wire[0] = std::byte{0x81};
        CHECK_FALSE(is_valid_compound(wire));
    }
    SECTION("a wrong version") {
        Bytes wire = good;
        wire[28] = std::byte{0x41};
        CHECK_FALSE(is_valid_compound(wire));
    }
    SECTION("a type below RTCP's") {
        Bytes wire = good;
        wire[29] = std::byte{96};
        CHECK_FALSE(is_valid_compound(wire));
    }
    SECTION("padding in front of another packet") {
        Bytes wire = good;
        wire[0] = std::byte{0xA0};
        CHECK_FALSE(is_valid_compound(wire));
    }
}

TEST_CASE("rtcp: padding of the last packet is no body", "[unit][rtp][rfc3550]") {
    const Bytes wire = bytes({0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4});
    REQUIRE(is_valid_compound(wire));
    std::span<const std::byte> rest = wire;
    const auto part = take_part(rest);
    REQUIRE(part);
    CHECK(part->body.size() == 4);
    CHECK(rest.empty());
}

TEST_CASE("rtcp: a receiver report is built as RFC 3550 draws it",
          "[unit][rtp][rfc3550][3550-6.1-1][3550-6.4.1-1]") {
    const ReportBlock block{.ssrc = 0x01020304,
                            .fraction_lost = 64,
                            .cumulative_lost = -2,
                            .extended_highest_sequence = 0x0001FFFF,
                            .jitter = 33,
                            .last_sender_report = 0xAABBCCDD,
                            .delay_since_last_sender_report = 65536};
    const Bytes wire = build_receiver_report(0x0A0B0C0D, "abc", std::vector{block}, true);
    const Bytes expected = bytes({
        0x81, 201,  0,    7,    0x0A, 0x0B, 0x0C, 0x0D,  // RR, one block
        0x01, 0x02, 0x03, 0x04, 64,   0xFF, 0xFF, 0xFE,  // lost is signed, 24 bits
        0x00, 0x01, 0xFF, 0xFF, 0,    0,    0,    33,    //
        0xAA, 0xBB, 0xCC, 0xDD, 0,    1,    0,    0,     //
        0x81, 202,  0,    3,    0x0A, 0x0B, 0x0C, 0x0D,  // SDES
        1,    3,    'a',  'b',  'c',  0,    0,    0,     //
        0x81, 203,  0,    1,    0x0A, 0x0B, 0x0C, 0x0D   // BYE
    });
    CHECK(wire == expected);
    CHECK(is_valid_compound(wire));
}

TEST_CASE("rtcp: SDES items end with a null byte for any length of name",
          "[unit][rtp][rfc3550][3550-6.5.1-1]") {
    for (std::size_t size = 0; size < 9; ++size) {
        const Bytes wire = build_receiver_report(1, std::string(size, 'x'), {}, false);
        REQUIRE(is_valid_compound(wire));
        CHECK(wire.size() % 4 == 0);
        CHECK(wire.back() == std::byte{0});
        const auto parts = parts_of(wire);
        REQUIRE(parts.size() == 2);
        CHECK(parts[0].type == 201);
        CHECK(parts[0].count == 0);
        CHECK(parts[1].type == 202);
    }
}

TEST_CASE("rtcp: names of 40 sources come in two packets",
          "[unit][rtp][rfc3550][7866-8.1.5-1][3550-6.1-2]") {
    Bytes wire = sender_report(1, 2, 3);
    std::uint32_t source = 100;
    for (const unsigned chunks : {31U, 9U}) {
        // Each chunk: SSRC, CNAME of one byte, the null that ends it.
        Bytes names = bytes({0x80U | chunks, 202, 0, 2 * chunks});
        for (unsigned i = 0; i < chunks; ++i) {
            siprec::test::put(names, source++, 4);
            names = joined(names, bytes({1, 1, 'a', 0}));
        }
        wire = joined(wire, names);
    }
    REQUIRE(is_valid_compound(wire));
    const auto parts = parts_of(wire);
    REQUIRE(parts.size() == 3);
    CHECK(parts[1].count == 31);
    CHECK(parts[2].count == 9);
    CHECK(siprec::rtp::sender_of(parts[2]) == 131U);
    CHECK(siprec::find_sender_report(wire));
}

TEST_CASE("rtcp: 40 sources take two receiver reports", "[unit][rtp][rfc3550][3550-6.1-2]") {
    const std::vector<ReportBlock> blocks(40);
    const Bytes wire = build_receiver_report(1, "name", blocks, false);
    REQUIRE(is_valid_compound(wire));
    const auto parts = parts_of(wire);
    REQUIRE(parts.size() == 3);
    CHECK(parts[0].count == 31);
    CHECK(parts[1].count == 9);
    CHECK(parts[1].type == 201);
    CHECK(parts[2].type == 202);
}
