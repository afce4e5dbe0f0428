#pragma once

// Where the RTP time stamps of a stream lie on our clock and on its sender's: what keeps pictures
// in step with the sound. Pure. Learns in one pass through the capture, answers in the next.

#include <siprec/clock.hpp>
#include <siprec/rtp.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace siprec::server {

/// The clocks of one source (SSRC). Its place on our clock is that which the assembler gives to
/// sound: arrival fixes where it starts, RTP time stamps carry it on, drift is followed. Memory
/// grows by some 10 octets a second of media. One thread.
class SourceClock {
  public:
    /// @param zero  where the time line begins; nothing is put in front of it
    /// @param rate  of the RTP time stamps in Hz, above 0
    SourceClock(WallTime zero, std::uint32_t rate, std::uint32_t timestamp, WallTime arrival);

    void saw_packet(std::uint32_t timestamp, WallTime arrival);

    /// A report that does not agree with the packets is left out.
    void saw_report(const SenderReport& report, WallTime arrival);

    [[nodiscard]] std::uint32_t rate() const noexcept { return rate_; }

    [[nodiscard]] WallTime started() const noexcept { return anchors_.front().from; }

    /// When by our clock what has this time stamp belongs.
    /// @param near  when it arrived
    [[nodiscard]] WallTime our_time(std::uint32_t timestamp, WallTime near) const;

    /// When the sender sampled it, by the sender's wall clock; nothing without a sender report.
    [[nodiscard]] std::optional<WallTime> sender_time(std::uint32_t timestamp, WallTime near) const;

    /// When by our clock what the sender sampled then belongs; nothing without a sender report.
    [[nodiscard]] std::optional<WallTime> our_time_of(WallTime sender_time, WallTime near) const;

  private:
    /// From here on this time stamp lies there.
    struct Anchor {
        WallTime from;
        std::uint32_t timestamp = 0;
        WallTime time;
    };

    struct Report {
        WallTime arrival;
        std::uint32_t timestamp = 0;
        WallTime sender_time;
    };

    [[nodiscard]] std::chrono::nanoseconds between(std::uint32_t from, std::uint32_t to) const;
    [[nodiscard]] const Anchor& anchor_at(WallTime near) const;
    [[nodiscard]] const Report* report_at(WallTime near) const;
    [[nodiscard]] double speed_behind(const Report& report) const;
    void settle();
    void begin_anew(std::uint32_t timestamp, WallTime arrival);
    void close_window(std::uint32_t timestamp, WallTime arrival);

    WallTime zero_;
    std::uint32_t rate_;
    std::vector<Anchor> anchors_;          // in order of `from`, at least one
    std::vector<Report> reports_;          // in order of arrival
    std::optional<WallTime> fresh_until_;  // the last anchor may yet move
    std::chrono::nanoseconds late_{0};     // by how much its packet was
    // The smallest delay of a window is free of jitter; what moves it steadily is drift.
    WallTime window_start_;
    std::uint32_t window_packets_ = 0;
    std::chrono::nanoseconds smallest_delay_{0};
    std::optional<std::chrono::nanoseconds> last_window_;
    std::optional<std::chrono::nanoseconds> baseline_;
};

/// The clocks of all sources of one stream.
class StreamClocks {
  public:
    /// @param zero  where the time line begins
    explicit StreamClocks(WallTime zero) : zero_(zero) {}

    void saw_packet(const RtpPacket& packet, std::uint32_t rate);
    void saw_report(const SenderReport& report, WallTime arrival);

    /// Null: not heard of, or one too many.
    [[nodiscard]] const SourceClock* find(std::uint32_t ssrc) const;

    /// The source that was heard then. Null: there is none at all.
    [[nodiscard]] const SourceClock* at(WallTime time) const;

  private:
    WallTime zero_;
    std::map<std::uint32_t, SourceClock> sources_;
    std::map<std::uint32_t, std::pair<SenderReport, WallTime>> early_;  // came before a packet
};

/// Where a picture belongs on the time line of the sound, by the reports of their sender.
/// @param video, audio  their sources; null: there is none
/// @param timestamp     of the picture
/// @param arrival       of the picture
/// @return nothing where reports are missing, or say what cannot be
[[nodiscard]] std::optional<WallTime> place_by_reports(const SourceClock* video,
                                                       const SourceClock* audio,
                                                       std::uint32_t timestamp,
                                                       WallTime arrival);

}  // namespace siprec::server
