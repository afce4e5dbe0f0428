#include "render/media_clock.hpp"

#include <catch2/catch.hpp>

#include <cmath>

namespace siprec::server {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

const WallTime kZero{1'795'292'717s};
const WallTime kSenderZero{1'000'000'000s};  // its wall clock is set to something else

/// One stream of a sender whose clocks, wall clock and RTP clock alike, run by some ppm too fast.
struct Stream {
    std::uint32_t ssrc;
    std::uint32_t rate;
    std::uint32_t first_timestamp;
    nanoseconds interval;
    nanoseconds way;  // through the network
    double ppm = 0;

    [[nodiscard]] double sender_seconds(nanoseconds since) const {
        return std::chrono::duration<double>(since).count() * (1 + ppm / 1e6);
    }

    [[nodiscard]] std::uint32_t timestamp(nanoseconds since) const {
        const auto ticks = std::llround(sender_seconds(since) * rate);
        return first_timestamp + static_cast<std::uint32_t>(ticks);
    }

    void send(StreamClocks& clocks, nanoseconds since) const {
        RtpPacket packet;
        packet.ssrc = ssrc;
        packet.timestamp = timestamp(since);
        packet.arrival = kZero + since + way;
        clocks.saw_packet(packet, rate);
    }

    void report(StreamClocks& clocks, nanoseconds since) const {
        const auto sender =
            std::chrono::round<nanoseconds>(std::chrono::duration<double>(sender_seconds(since)));
        clocks.saw_report(
            {.ssrc = ssrc, .ntp_time = kSenderZero + sender, .rtp_timestamp = timestamp(since)},
            kZero + since + way);
    }

    void play(StreamClocks& clocks, nanoseconds length, bool has_reports = true) const {
        nanoseconds next_report = 1s;
        for (nanoseconds since{0}; since < length; since += interval) {
            send(clocks, since);
            if (has_reports && since >= next_report) {
                report(clocks, since);
                next_report += 5s;
            }
        }
    }
};

/// How far what both sampled at one instant lies apart on our clock.
nanoseconds apart(const Stream& sound,
                  const StreamClocks& audio,
                  const Stream& light,
                  const StreamClocks& video,
                  nanoseconds since) {
    const WallTime heard =
        audio.find(sound.ssrc)->our_time(sound.timestamp(since), kZero + since + sound.way);
    const auto seen = place_by_reports(video.find(light.ssrc),
                                       audio.find(sound.ssrc),
                                       light.timestamp(since),
                                       kZero + since + light.way);
    REQUIRE(seen.has_value());
    return std::chrono::abs(*seen - heard);
}

TEST_CASE("media clock: pictures join the sound by reports when their RTP clocks differ",
          "[unit][render][rfc3550]") {
    const auto rate = GENERATE(8000U, 16'000U, 48'000U);
    const Stream sound{1, rate, 0xFFFF'FF00U, 20ms, 10ms};
    const Stream light{2, 90'000, 0x7FFF'0000U, 40ms, 310ms};
    StreamClocks audio(kZero + 10ms);
    StreamClocks video(kZero + 10ms);
    sound.play(audio, 30s);
    light.play(video, 30s);
    for (const nanoseconds since : {nanoseconds{0}, nanoseconds{10s}, nanoseconds{29s}}) {
        CHECK(apart(sound, audio, light, video, since) < 1ms);
    }
}

TEST_CASE("media clock: pictures stay in step for hours when the sender's clocks drift",
          "[unit][render][rfc3550]") {
    // The sound's source and the picture's have oscillators of their own; RTP time stamps wrap.
    const Stream sound{1, 8000, 17, 20ms, 10ms, 60};
    const Stream light{2, 90'000, 0xF000'0000U, 200ms, 200ms, 60};
    StreamClocks audio(kZero + 10ms);
    StreamClocks video(kZero + 10ms);
    sound.play(audio, 3h);
    light.play(video, 3h);
    for (const nanoseconds since : {nanoseconds{0}, nanoseconds{1h}, nanoseconds{10'700s}}) {
        CHECK(apart(sound, audio, light, video, since) < 12ms);
        // Without drift followed, it would be 0.65 s after three hours.
        const WallTime heard =
            audio.find(1)->our_time(sound.timestamp(since), kZero + since + 10ms);
        CHECK(std::chrono::abs(heard - (kZero + since + 10ms)) < 6ms);
    }
}

TEST_CASE("media clock: a sound whose RTP clock drifts against its own reports is followed",
          "[unit][render][rfc3550]") {
    // A sound card of 200 ppm; the wall clock of the reports is right.
    StreamClocks audio(kZero);
    StreamClocks video(kZero);
    const Stream light{2, 90'000, 5, 40ms, 100ms};
    light.play(video, 600s);
    RtpPacket packet;
    packet.ssrc = 1;
    for (int index = 0; index < 30'000; ++index) {
        const nanoseconds since = index * 20ms;
        const auto stamp = static_cast<std::uint32_t>(std::llround(index * 160 * 1.0002));
        packet.timestamp = stamp;
        packet.arrival = kZero + since;
        audio.saw_packet(packet, 8000);
        if (index % 250 == 50) {
            audio.saw_report({1, kSenderZero + since, stamp}, kZero + since);
        }
    }
    const auto seen =
        place_by_reports(video.find(2), audio.find(1), light.timestamp(590s), kZero + 590s + 100ms);
    REQUIRE(seen.has_value());
    CHECK(std::chrono::abs(*seen - (kZero + 590s)) < 10ms);
}

TEST_CASE("media clock: reports that cannot be are no measure", "[unit][render][rfc3550]") {
    const Stream sound{1, 8000, 0, 20ms, 0ms};
    const Stream light{2, 90'000, 0, 40ms, 0ms};
    StreamClocks audio(kZero);
    StreamClocks video(kZero);
    sound.play(audio, 5s);
    light.play(video, 5s, false);
    const WallTime now = kZero + 4s;
    const auto placed = [&] {
        return place_by_reports(video.find(2), audio.find(1), light.timestamp(4s), now);
    };
    CHECK_FALSE(placed().has_value());
    SECTION("a time stamp from elsewhere") {
        video.saw_report({2, kSenderZero + 4s, light.timestamp(4s) + 90'000 * 60}, now);
        CHECK_FALSE(placed().has_value());
    }
    SECTION("a wall clock that is another one") {
        video.saw_report({2, kSenderZero + 64s, light.timestamp(4s)}, now);
        CHECK_FALSE(placed().has_value());
    }
    SECTION("the end of time") {
        video.saw_report({2, WallTime::max(), light.timestamp(4s)}, now);
        CHECK_FALSE(placed().has_value());
    }
    SECTION("one that is right") {
        video.saw_report({2, kSenderZero + 4s, light.timestamp(4s)}, now);
        REQUIRE(placed().has_value());
        CHECK(std::chrono::abs(*placed() - now) < 1ms);
    }
    CHECK_FALSE(place_by_reports(nullptr, audio.find(1), 0, now).has_value());
    CHECK_FALSE(place_by_reports(video.find(2), nullptr, 0, now).has_value());
}

TEST_CASE("media clock: a report in front of the first packet counts", "[unit][render][rfc3550]") {
    const Stream sound{1, 8000, 0, 20ms, 0ms};
    StreamClocks audio(kZero);
    sound.report(audio, 0ms);
    CHECK(audio.find(1) == nullptr);
    sound.send(audio, 0ms);
    CHECK(audio.find(1)->sender_time(8000, kZero) == kSenderZero + 1s);
}

TEST_CASE("media clock: a late first packet and a time stamp that jumps do not move the rest",
          "[unit][render]") {
    Stream sound{1, 8000, 0, 20ms, 0ms};
    StreamClocks audio(kZero - 1s);
    sound.way = 120ms;
    sound.send(audio, 0ms);
    sound.way = 0ms;
    for (nanoseconds since = 140ms; since < 2s; since += 20ms) {
        sound.send(audio, since);
    }
    CHECK(audio.find(1)->our_time(sound.timestamp(1s), kZero + 1s) == kZero + 1s);
    sound.first_timestamp += 8000 * 3600;
    sound.send(audio, 2s);
    CHECK(audio.find(1)->our_time(sound.timestamp(3s), kZero + 3s) == kZero + 3s);
    CHECK(audio.at(kZero + 3s) == audio.find(1));
}

TEST_CASE("media clock: of several sources the one that was heard then is taken",
          "[unit][render]") {
    StreamClocks audio(kZero);
    CHECK(audio.at(kZero) == nullptr);
    const Stream first{1, 8000, 0, 20ms, 0ms};
    const Stream second{2, 8000, 0, 20ms, 5s};
    first.send(audio, 0s);
    second.send(audio, 0s);
    CHECK(audio.at(kZero - 1s) == audio.find(1));
    CHECK(audio.at(kZero + 4s) == audio.find(1));
    CHECK(audio.at(kZero + 6s) == audio.find(2));
}

}  // namespace
}  // namespace siprec::server
