#include "support/udp_peer.hpp"

#include <siprec/sinks.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

std::string rtp_bytes(int sequence) {
    std::string bytes("\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07", 12);
    bytes[3] = static_cast<char>(sequence);
    return bytes + "sound";
}

void push(siprec::MediaSink& sink, const std::string& bytes) {
    const auto packet = siprec::parse_rtp(std::as_bytes(std::span(bytes)));
    REQUIRE(packet);
    sink.on_rtp(*packet);
}

siprec::StreamInfo stream(std::uint32_t number) {
    siprec::StreamInfo info;
    info.id = siprec::Uuid::random();
    info.media_index = number;
    return info;
}

/// What the forwarder complains of.
class Complaints final : public siprec::Logger {
  public:
    void write(siprec::LogLevel /*level*/,
               std::string_view /*component*/,
               std::string_view message,
               std::span<const siprec::LogField> fields) noexcept override {
        std::string line(message);
        for (const siprec::LogField& field : fields) {
            line += " " + std::string(field.name) + "=" + std::string(field.value);
        }
        lines.push_back(std::move(line));
    }

    std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("rtp forwarder: packets go on as they came and RTCP to the next port", "[unit][sinks]") {
    // Two ports side by side, as RTP has them.
    std::vector<std::unique_ptr<siprec::test::UdpPeer>> others;
    const siprec::test::UdpPeer* rtp_peer = nullptr;
    const siprec::test::UdpPeer* rtcp_peer = nullptr;
    // Of so many random ones of the kernel's 28,000, some dozen are neighbours.
    for (int i = 0; i < 600 && rtcp_peer == nullptr; ++i) {
        others.push_back(std::make_unique<siprec::test::UdpPeer>());
        const auto& latest = others.back();
        for (const auto& one : others) {
            if (one->port() + 1 == latest->port()) {
                rtp_peer = one.get();
                rtcp_peer = latest.get();
            } else if (latest->port() + 1 == one->port()) {
                rtp_peer = latest.get();
                rtcp_peer = one.get();
            }
        }
    }
    REQUIRE(rtcp_peer != nullptr);
    const auto target = siprec::Endpoint::parse("127.0.0.1:" + std::to_string(rtp_peer->port()));
    REQUIRE(target);
    const auto forwarder = siprec::make_rtp_forwarder(
        [&](const siprec::SessionInfo& session, const siprec::StreamInfo& info) {
            CHECK(session.call_id == "call-1");
            return info.media_index == 0 ? target : std::nullopt;
        });
    siprec::SessionInfo info;
    info.call_id = "call-1";
    const auto session = forwarder->open_session(info);
    REQUIRE(session);
    const auto sink = session->open_stream(stream(0));
    REQUIRE(sink);
    CHECK(session->open_stream(stream(1)) == nullptr);
    push(*sink, rtp_bytes(1));
    push(*sink, rtp_bytes(2));
    const std::string report("\x80\xC8\x00\x00", 4);
    sink->on_rtcp(
        {.bytes = std::as_bytes(std::span(report)), .arrival = {}, .source = {}, .local = {}});
    CHECK(rtp_peer->receive() == rtp_bytes(1));
    CHECK(rtp_peer->receive() == rtp_bytes(2));
    CHECK(rtcp_peer->receive() == report);
}

TEST_CASE("rtp forwarder: what could not be sent is counted and logged once", "[unit][sinks]") {
    Complaints complaints;
    const auto forwarder = siprec::make_rtp_forwarder(
        [](const siprec::SessionInfo&, const siprec::StreamInfo&) {
            return siprec::Endpoint::parse("255.255.255.255:5004");  // not without SO_BROADCAST
        },
        complaints);
    const auto session = forwarder->open_session({});
    const auto sink = session->open_stream(stream(0));
    push(*sink, rtp_bytes(1));
    push(*sink, rtp_bytes(2));
    CHECK(complaints.lines.empty());
    sink->on_tick({});
    sink->on_tick({});
    REQUIRE(complaints.lines.size() == 1);
    CHECK(complaints.lines[0].find("packets=2") != std::string::npos);
}
