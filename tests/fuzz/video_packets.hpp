#pragma once

// What the fuzzers of video do with an input: a run of hostile packets of one source, with losses,
// jumps and reports between, once through the depacketiser and once through what places the frames.

#include "render/media_clock.hpp"
#include "render/video_depacketiser.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace siprec::server::fuzzing {

inline void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// A packet in the input: flags, sequence step (signed), time step in 4 ms, length (16 bits),
/// payload.
struct Script {
    static constexpr std::size_t kHeaderBytes = 5;
    static constexpr unsigned kMarker = 0x01;
    static constexpr unsigned kFarSequence = 0x02;
    static constexpr unsigned kFarTimestamp = 0x04;
    static constexpr unsigned kReport = 0x08;

    std::span<const std::byte> rest;
    RtpPacket packet{};
    bool has_report = false;

    explicit Script(std::span<const std::byte> input) : rest(input) {
        packet.ssrc = 1;
        packet.arrival = WallTime(std::chrono::seconds(1'795'292'717));
    }

    bool next() {
        if (rest.size() < kHeaderBytes) {
            return false;
        }
        const auto flags = std::to_integer<unsigned>(rest[0]);
        const auto step = static_cast<std::int8_t>(std::to_integer<unsigned>(rest[1]));
        const auto time = std::to_integer<unsigned>(rest[2]);
        const std::size_t length = std::min(
            std::to_integer<std::size_t>(rest[3]) << 8U | std::to_integer<std::size_t>(rest[4]),
            rest.size() - kHeaderBytes);
        packet.marker = (flags & kMarker) != 0;
        packet.sequence = static_cast<std::uint16_t>(packet.sequence + step +
                                                     ((flags & kFarSequence) != 0 ? 9000 : 0));
        packet.timestamp += time * 360U + ((flags & kFarTimestamp) != 0 ? 0x7000'0000U : 0U);
        packet.arrival += std::chrono::milliseconds(4 * time);
        packet.payload = rest.subspan(kHeaderBytes, length);
        has_report = (flags & kReport) != 0;
        rest = rest.subspan(kHeaderBytes + length);
        return true;
    }
};

inline void play(VideoDepacketiser& depacketiser, std::span<const std::byte> input) {
    for (Script script(input); script.next();) {
        depacketiser.push(script.packet);
    }
    depacketiser.finish();
}

/// Frames go where their sender says, or near where they arrived.
inline void place_frames(std::span<const std::byte> input) {
    StreamClocks video{WallTime{}};
    StreamClocks audio{WallTime{}};
    for (Script script(input); script.next();) {
        const RtpPacket& packet = script.packet;
        video.saw_packet(packet, 90'000);
        audio.saw_packet(packet, 8000);
        if (script.has_report) {
            std::int64_t time = packet.sequence;
            for (const std::byte octet :
                 packet.payload.first(std::min<std::size_t>(packet.payload.size(), 8))) {
                time = static_cast<std::int64_t>(static_cast<std::uint64_t>(time) << 8U |
                                                 std::to_integer<std::uint64_t>(octet));
            }
            const SenderReport report{
                packet.ssrc, WallTime(std::chrono::nanoseconds(time)), packet.timestamp};
            video.saw_report(report, packet.arrival);
            audio.saw_report(report, packet.arrival);
        }
        const auto placed = place_by_reports(
            video.find(1), audio.at(packet.arrival), packet.timestamp, packet.arrival);
        if (placed) {
            const auto own = video.find(1)->our_time(packet.timestamp, packet.arrival);
            require(std::chrono::abs(*placed - own) <= std::chrono::seconds(1));
        }
    }
}

}  // namespace siprec::server::fuzzing
