// RTCP of a running engine, seen from the client's sockets.
#include "engine_fixture.hpp"
#include "rtp/rtcp.hpp"

#include <siprec/rtp.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <vector>

using siprec::StreamInfo;
using siprec::rtp::MediaThread;
using siprec::rtp::sender_of;
using siprec::rtp::take_part;
using siprec::test::Bytes;
using siprec::test::Client;
using siprec::test::EngineFixture;
using siprec::test::eventually;
using siprec::test::sender_report;
using siprec::test::TestStream;

namespace {

/// A part with bytes of its own: the compound is mostly a temporary.
struct OwnedPart {
    int count = 0;
    int type = 0;
    Bytes body;
    std::optional<std::uint32_t> sender;
};

std::vector<OwnedPart> parts_of(const Bytes& compound) {
    REQUIRE(siprec::rtp::is_valid_compound(compound));
    std::vector<OwnedPart> parts;
    std::span<const std::byte> rest = compound;
    while (const auto part = take_part(rest)) {
        parts.push_back({.count = part->count,
                         .type = part->type,
                         .body = Bytes(part->body.begin(), part->body.end()),
                         .sender = sender_of(*part)});
    }
    return parts;
}

Bytes packet(int sequence, std::uint32_t ssrc) {
    return siprec::test::rtp({.sequence = static_cast<std::uint16_t>(sequence),
                              .timestamp = static_cast<std::uint32_t>(sequence) * 160,
                              .ssrc = ssrc});
}

}  // namespace

TEST_CASE("engine: RTCP on the odd port reaches the sink",
          "[unit][rtp][rtcp][5761-5.1.1-1][7866-8.1.1-1]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    const Bytes report = sender_report(7, 1ULL << 63U, 160);
    client.send(stream.info.local_rtcp, report);
    REQUIRE(eventually([&] { return stream.notes->reports().size() == 1; }));
    const auto received = stream.notes->reports().front();
    CHECK(received.bytes == report);
    CHECK(received.source == client.endpoint());
    CHECK(received.local == stream.info.local_rtcp);
    CHECK(f.close(stream).rtcp_packets == 1);
}

TEST_CASE("engine: reports leave the media port itself under rtcp-mux",
          "[unit][rtp][rfc5761][rfc6263][4961-4-1][6263-5-1]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream =
        f.open([&](StreamInfo& info) { info.remote_rtcp = client.endpoint(); }, true);
    CHECK(parts_of(client.receive())[0].type == 201);
    CHECK(client.received_from() == stream.info.local_rtp.port);
    f.close(stream);
}

TEST_CASE("engine: RTP and RTCP share a port under rtcp-mux",
          "[unit][rtp][rfc5761][5761-5.1.1-1]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open({}, true);
    CHECK(stream.info.local_rtcp == stream.info.local_rtp);
    client.send(stream.info.local_rtp, packet(1, 7));
    client.send(stream.info.local_rtp, sender_report(7, 2, 3));
    client.send(stream.info.local_rtp, packet(2, 7));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 2; }));
    CHECK(stream.notes->reports().size() == 1);
    CHECK(stream.notes->reports().front().local == stream.info.local_rtp);
    f.close(stream);
}

TEST_CASE("engine: RTCP on the RTP port is RTCP without rtcp-mux too", "[unit][rtp][rfc5761]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    client.send(stream.info.local_rtp, sender_report(7, 2, 3));
    REQUIRE(eventually([&] { return stream.notes->reports().size() == 1; }));
    const auto stats = f.close(stream);
    CHECK(stats.rtcp_packets == 1);
    CHECK(stats.packets == 0);
    CHECK(stats.dropped_malformed == 0);
}

TEST_CASE("engine: receiver reports tell the client what was lost",
          "[unit][rtp][rfc3550][7866-8.1.1-1][3550-6.1-1][7866-8.2-1][8068-R1]") {
    EngineFixture f;
    const Client rtp;
    const Client rtcp;
    const TestStream stream = f.open([&](StreamInfo& info) {
        info.remote_rtp = rtp.endpoint();
        info.remote_rtcp = rtcp.endpoint();
    });
    const auto first = parts_of(rtcp.receive());
    REQUIRE(first.size() == 2);
    CHECK(first[0].type == 201);
    CHECK(first[0].count == 0);

    rtcp.send(stream.info.local_rtcp, sender_report(7, 0x0000AABBCCDD0000ULL, 3));
    for (const int sequence : {1, 2, 4}) {
        rtp.send(stream.info.local_rtp, packet(sequence, 7));
    }
    REQUIRE(eventually([&] {
        return stream.notes->packets().size() == 3 && stream.notes->reports().size() == 1;
    }));
    f.clock.advance(std::chrono::seconds(10));
    f.on_thread(0, [](MediaThread&) {});
    const Bytes second = rtcp.receive();
    const auto parts = parts_of(second);
    CHECK(parts[0].count == 1);
    REQUIRE(parts[0].body.size() == 28);
    const Bytes block(parts[0].body.begin() + 4, parts[0].body.end());
    Bytes expected;
    siprec::test::put(expected, 7, 4);
    siprec::test::put(expected, 64U << 24U | 1U, 4);  // 1 of 4, 1 in all
    siprec::test::put(expected, 4, 4);
    CHECK(Bytes(block.begin(), block.begin() + 12) == expected);
    Bytes last_report;
    siprec::test::put(last_report, 0xAABBCCDD, 4);
    CHECK(Bytes(block.begin() + 16, block.begin() + 20) == last_report);
    // The delay is the ten seconds that the clock was set forward, and a little.
    CHECK(std::to_integer<int>(block[21]) == 10);

    f.close(stream);
    const auto last = parts_of(rtcp.receive());
    REQUIRE(last.size() == 3);
    CHECK(last[2].type == 203);
    CHECK(last[2].sender == first[0].sender);
}

TEST_CASE("engine: reports follow the client's RTCP and come from our RTCP port",
          "[unit][rtp][rfc4961][4961-4-1][7866-8.1.8-1]") {
    EngineFixture f;
    const Client offered;
    const Client actual;
    const TestStream stream =
        f.open([&](StreamInfo& info) { info.remote_rtcp = offered.endpoint(); });
    static_cast<void>(offered.receive());
    actual.send(stream.info.local_rtcp, sender_report(7, 2, 3));
    REQUIRE(eventually([&] { return stream.notes->reports().size() == 1; }));
    f.clock.advance(std::chrono::seconds(10));
    f.on_thread(0, [](MediaThread&) {});
    CHECK(parts_of(actual.receive())[0].type == 201);
    CHECK(actual.received_from() == stream.info.local_rtcp.port);
}

TEST_CASE("engine: media with our own SSRC makes us take another",
          "[unit][rtp][rfc3550][7866-8.2-3][3550-8.2-1][7866-8.1.3-1][7866-8.3.2-10]") {
    EngineFixture f;
    const Client rtp;
    const Client rtcp;
    const TestStream stream = f.open([&](StreamInfo& info) {
        info.remote_rtp = rtp.endpoint();
        info.remote_rtcp = rtcp.endpoint();
    });
    const auto ours = parts_of(rtcp.receive())[0].sender;
    REQUIRE(ours);
    rtp.send(stream.info.local_rtp, packet(1, *ours));
    const auto bye = parts_of(rtcp.receive());
    REQUIRE(bye.size() == 3);
    CHECK(bye[2].type == 203);
    CHECK(bye[2].sender == ours);
    CHECK(eventually([&] { return stream.notes->packets().size() == 1; }));
    f.clock.advance(std::chrono::seconds(10));
    f.on_thread(0, [](MediaThread&) {});
    CHECK(parts_of(rtcp.receive())[0].sender != ours);
}
