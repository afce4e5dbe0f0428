#pragma once

// Captures made by the server's own sink, for the tests of what reads them.

#include "capture/capture_sink.hpp"
#include "capture/events.hpp"
#include "capture/layout.hpp"
#include "capture/spool.hpp"

#include <siprec/log.hpp>
#include <siprec/rtp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace siprec::server::testing {

using namespace std::chrono_literals;

/// A folder that goes with the test.
class TempFolder {
  public:
    TempFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "siprec-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            std::abort();
        }
        path_ = name;
    }

    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

class TestClock final : public Clock {
  public:
    [[nodiscard]] WallTime now() const noexcept override { return wall; }

    [[nodiscard]] SteadyTime steady_now() const noexcept override { return steady; }

    void pass(std::chrono::nanoseconds time) {
        wall += time;
        steady += time;
    }

    WallTime wall{std::chrono::sys_days(std::chrono::year(2026) / 3 / 14) + 9h + 26min};
    SteadyTime steady{1h};
};

inline Endpoint endpoint(std::string_view text) {
    return Endpoint::parse(text).value();
}

inline SessionInfo session_info(WallTime started) {
    SessionInfo session;
    session.id = Uuid::random();
    session.call_id = "call-1@src.example";
    session.from_uri = "sip:src@192.0.2.10";
    session.from_display = "Recording \"client\"";
    session.to_uri = "sip:srs@192.0.2.20";
    session.request_uri = "sip:srs@192.0.2.20:5060";
    session.contact_uri = "sip:src@192.0.2.10:5060";
    session.user_agent = "unit-src/1";
    session.headers = {{"Require", "siprec"}, {"X-Note", "one"}, {"X-Note", "two"}};
    session.transport = Transport::Tcp;
    session.source = endpoint("192.0.2.10:40000");
    session.local = endpoint("192.0.2.20:5060");
    session.evidence = {.require_tag = true, .contact_tag = true, .metadata_part = true};
    session.started = started;
    return session;
}

inline StreamInfo stream_info(std::uint32_t index, std::string label) {
    StreamInfo stream;
    stream.id = Uuid::random();
    stream.media_index = index;
    stream.label = std::move(label);
    stream.media_type = "audio";
    stream.protocol = "RTP/AVP";
    stream.formats = {{.payload_type = 0, .encoding = "PCMU", .parameters = {}},
                      {.payload_type = 101, .encoding = "TELEPHONE-EVENT", .parameters = "0-15"}};
    const auto port = static_cast<std::uint16_t>(20000 + 2 * index);
    stream.local_rtp = {endpoint("192.0.2.20:0").address, port};
    stream.local_rtcp = {endpoint("192.0.2.20:0").address, static_cast<std::uint16_t>(port + 1)};
    stream.remote_rtp = endpoint("192.0.2.10:30000");
    return stream;
}

/// One RTP packet with its bytes.
class TestPacket {
  public:
    TestPacket(std::uint8_t payload_type,
               std::uint16_t sequence,
               std::uint32_t timestamp,
               std::uint32_t ssrc,
               std::span<const std::byte> payload) {
        const auto put = [this](std::uint32_t value, int bytes) {
            for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
                bytes_.push_back(
                    static_cast<std::byte>((value >> static_cast<unsigned>(shift)) & 0xffU));
            }
        };
        put(0x80, 1);
        put(payload_type, 1);
        put(sequence, 2);
        put(timestamp, 4);
        put(ssrc, 4);
        bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    }

    [[nodiscard]] RtpPacket view(const StreamInfo& stream, WallTime arrival) const {
        RtpPacket packet = parse_rtp(bytes_).value();
        packet.arrival = arrival;
        packet.source = *stream.remote_rtp;
        packet.local = stream.local_rtp;
        return packet;
    }

  private:
    std::vector<std::byte> bytes_;
};

/// 20 ms of one G.711 code a packet.
inline TestPacket pcmu_packet(std::uint16_t sequence, std::uint32_t ssrc, std::byte code) {
    const std::vector<std::byte> payload(160, code);
    return {0, sequence, sequence * 160U, ssrc, payload};
}

inline constexpr std::string_view kMetadata = R"(<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1">
  <datamode>complete</datamode>
  <group group_id="g1"><associate-time>2026-03-14T09:25:59Z</associate-time></group>
  <session session_id="s1"><group-ref>g1</group-ref>
    <callType xmlns="urn:example:ext">terminating</callType></session>
  <participant participant_id="p1"><nameID aor="sip:+1 (212) 555-0100@example.com"><name>Alice</name></nameID></participant>
  <participant participant_id="p2"><nameID aor="sip:bob@example.com"><name>Bob</name></nameID></participant>
  <stream stream_id="st1" session_id="s1"><label>96</label></stream>
  <stream stream_id="st2" session_id="s1"><label>97</label></stream>
  <sessionrecordingassoc session_id="s1"><associate-time>2026-03-14T09:26:00Z</associate-time></sessionrecordingassoc>
  <participantsessionassoc participant_id="p1" session_id="s1"><associate-time>2026-03-14T09:26:00Z</associate-time></participantsessionassoc>
  <participantsessionassoc participant_id="p2" session_id="s1"><associate-time>2026-03-14T09:26:00Z</associate-time></participantsessionassoc>
  <participantstreamassoc participant_id="p1"><send>st1</send><recv>st2</recv></participantstreamassoc>
  <participantstreamassoc participant_id="p2"><send>st2</send><recv>st1</recv></participantstreamassoc>
</recording>
)";

inline void send_metadata(SessionSink& sink, std::string_view document, WallTime time) {
    const Result<metadata::ParsedDocument> parsed = metadata::parse(document);
    const metadata::State state;
    sink.on_metadata({.document = document,
                      .content_type = "application/rs-metadata+xml",
                      .method = "INVITE",
                      .received = time,
                      .parsed = parsed,
                      .state = state});
}

/// A data directory with the live wing's writing half, driven by hand.
struct CaptureRig {
    explicit CaptureRig(CaptureSpool::Options options = {})
        : layout{folder.path()}, spool(layout, options, null_logger(), clock) {
        if (!layout.create()) {
            std::abort();
        }
    }

    /// Everything written and, where ended, handed over.
    void settle() {
        spool.flush();
        spool.commit();
    }

    [[nodiscard]] std::string live_path(const Uuid& id) const {
        return layout.live() + "/" + capture_name(id);
    }

    [[nodiscard]] std::string finished_path(const Uuid& id) const {
        return layout.captures() + "/" + capture_name(id);
    }

    TempFolder folder;
    TestClock clock;
    DataLayout layout;
    CaptureSpool spool;
    CaptureSinkFactory sinks{spool, "unit", clock};
};

/// Two parties for one second: label 96 sends code 0x10, label 97 from 200 ms on code 0x90.
struct TwoPartyCall {
    explicit TwoPartyCall(CaptureRig& rig)
        : session(session_info(rig.clock.wall)),
          streams{stream_info(0, "96"), stream_info(1, "97")},
          sink(rig.sinks.open_session(session)) {
        const std::string invite = "INVITE sip:srs@192.0.2.20 SIP/2.0\r\n\r\n";
        sink->on_sip({.bytes = invite,
                      .local = session.local,
                      .remote = session.source,
                      .time = session.started});
        send_metadata(*sink, kMetadata, session.started);
        for (StreamInfo& stream : streams) {
            stream.since = session.started;
            media.push_back(sink->open_stream(stream));
        }
    }

    void talk(WallTime from) {
        for (std::uint16_t i = 0; i < 50; ++i) {
            const WallTime now = from + i * 20ms;
            media[0]->on_rtp(pcmu_packet(i, 1, std::byte{0x10}).view(streams[0], now));
            if (i >= 10) {
                media[1]->on_rtp(pcmu_packet(i, 2, std::byte{0x90}).view(streams[1], now));
            }
        }
    }

    void hang_up(WallTime when) {
        for (std::size_t i = 0; i < media.size(); ++i) {
            StreamStats stats;
            stats.packets = i == 0 ? 50 : 40;
            media[i]->on_closed(stats, when);
        }
        media.clear();
        sink->on_ended({.cause = EndCause::Bye, .reason = {}, .time = when});
        sink.reset();
    }

    SessionInfo session;
    std::vector<StreamInfo> streams;
    std::unique_ptr<SessionSink> sink;
    std::vector<std::unique_ptr<MediaSink>> media;
};

}  // namespace siprec::server::testing
