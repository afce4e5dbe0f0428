// BUNDLE (RFC 9143): several m-lines, one port.
#include "engine_fixture.hpp"
#include "rtp/bundle_demux.hpp"
#include "rtp/rtcp.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

using siprec::BundledStream;
using siprec::StreamInfo;
using siprec::Uuid;
using siprec::rtp::BundleDemux;
using siprec::rtp::header_extension;
using siprec::rtp::MediaThread;
using siprec::rtp::StreamHandle;
using siprec::test::bytes;
using siprec::test::Bytes;
using siprec::test::Client;
using siprec::test::EngineFixture;
using siprec::test::eventually;
using siprec::test::format;
using siprec::test::joined;
using siprec::test::put;
using siprec::test::RtpFields;
using siprec::test::sender_report;
using siprec::test::TestStream;

namespace {

constexpr std::uint8_t kMidExtension = 3;
constexpr StreamHandle kFirst{1};
constexpr StreamHandle kSecond{2};

/// A packet that names its m-line.
Bytes with_mid(const RtpFields& fields, std::string_view mid) {
    Bytes packet = siprec::test::rtp(fields);
    packet[0] = std::byte{0x90};
    Bytes extension = bytes({0xBE, 0xDE, 0, 1});
    put(extension, static_cast<unsigned>(kMidExtension << 4U | (mid.size() - 1)), 1);
    for (const char c : mid) {
        put(extension, static_cast<unsigned char>(c), 1);
    }
    extension.resize(8, std::byte{0});
    packet.insert(packet.begin() + 12, extension.begin(), extension.end());
    return packet;
}

StreamInfo line(const char* mid, std::vector<std::uint32_t> ssrcs = {}) {
    StreamInfo info;
    info.formats = {format(0, "PCMU", 8000)};
    info.bundled = BundledStream{
        .transport = Uuid{}, .mid = mid, .mid_extension = kMidExtension, .ssrcs = std::move(ssrcs)};
    return info;
}

BundleDemux two_lines() {
    BundleDemux demux;
    demux.set(kFirst, line("0"));
    demux.set(kSecond, line("1"));
    return demux;
}

}  // namespace

TEST_CASE("bundle: header extensions are read in both forms", "[unit][rtp][rfc8285]") {
    const Bytes packet = with_mid({}, "a1");
    CHECK(header_extension(packet, kMidExtension) == "a1");
    CHECK(header_extension(packet, 4) == std::nullopt);
    CHECK(header_extension(packet, 0) == std::nullopt);
    CHECK(header_extension(siprec::test::rtp({}), kMidExtension) == std::nullopt);

    Bytes two_bytes = siprec::test::rtp({.payload_bytes = 0});
    two_bytes[0] = std::byte{0x90};
    two_bytes = joined(two_bytes, bytes({0x10, 0, 0, 2, 0, 1, 0, 3, 2, 'x', 'y', 0}));
    CHECK(header_extension(two_bytes, 3) == "xy");
    CHECK(header_extension(two_bytes, 1) == "");
    for (std::size_t size = 0; size < two_bytes.size(); ++size) {
        CHECK(header_extension(std::span(two_bytes).first(size), 3) == std::nullopt);
    }
}

TEST_CASE("bundle: MID in the first packets is enough for all that follow",
          "[unit][rtp][rfc9143][9143-9.2-1]") {
    BundleDemux demux = two_lines();
    CHECK(demux.route_rtp(with_mid({.ssrc = 77}, "1")) == kSecond);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 77})) == kSecond);
    CHECK(demux.route_rtp(with_mid({.ssrc = 78}, "0")) == kFirst);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 78})) == kFirst);
    // A MID says more than what was learned.
    CHECK(demux.route_rtp(with_mid({.ssrc = 77}, "0")) == kFirst);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 77})) == kFirst);
}

TEST_CASE("bundle: what names no line and fits two is nobody's",
          "[unit][rtp][rfc9143][9143-9.2-1]") {
    BundleDemux demux = two_lines();
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 77})) == std::nullopt);
    CHECK(demux.route_rtp(with_mid({.ssrc = 77}, "9")) == std::nullopt);
    CHECK(demux.route_rtp(bytes({0x80, 0})) == std::nullopt);
}

TEST_CASE("bundle: signalled SSRCs and lone payload types find their line",
          "[unit][rtp][rfc9143][9143-9.2-1]") {
    BundleDemux demux;
    demux.set(kFirst, line("0", {77}));
    StreamInfo second = line("1", {78});
    second.formats.push_back(format(96, "OPUS", 48000));
    demux.set(kSecond, second);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 77})) == kFirst);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 78})) == kSecond);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 79, .payload_type = 96})) == kSecond);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 79})) == kSecond);
    demux.remove(kSecond);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 78})) == kFirst);
}

TEST_CASE("bundle: RTCP is its sender's and names MIDs", "[unit][rtp][rfc9143][9143-9.2-1]") {
    BundleDemux demux = two_lines();
    CHECK(demux.route_rtcp(sender_report(77, 2, 3)) == std::nullopt);
    // SDES of SSRC 77: CNAME "ab", MID "1".
    const Bytes names = bytes({0x81, 202, 0, 3, 0, 0, 0, 77, 1, 2, 'a', 'b', 15, 1, '1', 0});
    REQUIRE(siprec::rtp::is_valid_compound(names));
    CHECK(demux.route_rtcp(joined(sender_report(77, 2, 3), names)) == kSecond);
    CHECK(demux.route_rtp(siprec::test::rtp({.ssrc = 77})) == kSecond);
    for (std::size_t size = 0; size < names.size(); ++size) {
        static_cast<void>(demux.route_rtcp(std::span(names).first(size)));
    }
}

TEST_CASE("engine: bundled streams share a port and keep apart",
          "[unit][rtp][rfc9143][9143-9.2-1][9143-4961][9143-9.3-1]") {
    EngineFixture f;
    const Client client;
    const auto bundled = [](StreamInfo& info, const Uuid& transport, const char* mid) {
        info.bundled = BundledStream{
            .transport = transport, .mid = mid, .mid_extension = kMidExtension, .ssrcs = {}};
    };
    const TestStream first = f.open(
        [&](StreamInfo& info) {
            info.remote_rtcp = client.endpoint();
            bundled(info, info.id, "0");
        },
        true);
    TestStream second;
    second.info = first.info;
    second.info.id = Uuid::random();
    bundled(second.info, first.info.id, "1");
    f.open_on(second, siprec::rtp::MediaSockets{});

    client.send(first.info.local_rtp, with_mid({.sequence = 1, .ssrc = 77}, "0"));
    client.send(first.info.local_rtp, with_mid({.sequence = 501, .ssrc = 78}, "1"));
    for (std::uint16_t i = 2; i < 10; ++i) {
        client.send(first.info.local_rtp, siprec::test::rtp({.sequence = i, .ssrc = 77}));
        client.send(
            first.info.local_rtp,
            siprec::test::rtp({.sequence = static_cast<std::uint16_t>(500 + i), .ssrc = 78}));
    }
    client.send(first.info.local_rtp, siprec::test::rtp({.sequence = 9, .ssrc = 99}));
    client.send(first.info.local_rtp, sender_report(78, 2, 3));
    REQUIRE(eventually([&] {
        return first.notes->packets().size() == 9 && second.notes->packets().size() == 9 &&
               second.notes->reports().size() == 1;
    }));
    CHECK(first.notes->sequences().front() == 1);
    CHECK(second.notes->sequences().front() == 501);
    CHECK(first.notes->reports().empty());

    // Both report from the shared port.
    for (int i = 0; i < 2; ++i) {
        CHECK(siprec::rtp::is_valid_compound(client.receive()));
        CHECK(client.received_from() == first.info.local_rtp.port);
    }
    CHECK(f.close(second).packets == 9);
    const auto stats = f.close(first);
    CHECK(stats.packets == 9);
    CHECK(stats.dropped_stranger == 1);
    CHECK(f.engine->stats().ports_in_use == 0);
}

TEST_CASE("engine: bundled streams may end in any order", "[unit][rtp][rfc9143]") {
    const EngineFixture f;
    const Client client;
    const TestStream first = f.open(
        [](StreamInfo& info) {
            info.bundled = BundledStream{
                .transport = info.id, .mid = "0", .mid_extension = kMidExtension, .ssrcs = {}};
        },
        true);
    TestStream second;
    second.info = first.info;
    second.info.id = Uuid::random();
    second.info.bundled->mid = "1";
    f.open_on(second, siprec::rtp::MediaSockets{});
    client.send(first.info.local_rtp, with_mid({.ssrc = 78}, "1"));
    CHECK(f.close(first).packets == 0);
    CHECK(f.close(second).packets == 1);
}
