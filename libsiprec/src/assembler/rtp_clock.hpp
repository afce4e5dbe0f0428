#pragma once

#include "assembler/drift_meter.hpp"

#include <chrono>
#include <cstdint>

namespace siprec::assembler {

/// Position of an instant on a track. @param time  from the track's zero
[[nodiscard]] std::int64_t position_of(std::chrono::nanoseconds time, std::uint32_t sample_rate);

[[nodiscard]] std::chrono::nanoseconds time_of(std::int64_t position, std::uint32_t sample_rate);

/// The RTP clock of one source: extends 32-bit time stamps and puts them on the track. Arrival
/// fixed where it starts, its ticks carry it on.
class RtpClock {
  public:
    RtpClock(std::uint32_t rate,
             std::uint32_t track_rate,
             std::uint32_t timestamp,
             std::chrono::nanoseconds arrival);

    [[nodiscard]] std::uint32_t rate() const noexcept { return rate_; }

    /// The time stamp without wrap-around, the nearest to those seen lately.
    [[nodiscard]] std::int64_t extend(std::uint32_t timestamp) const noexcept;

    void saw(std::int64_t timestamp) noexcept { latest_ = timestamp; }

    [[nodiscard]] std::int64_t latest() const noexcept { return latest_; }

    /// How much later than the time stamp says something arrived; negative: earlier.
    [[nodiscard]] std::chrono::nanoseconds delay(std::int64_t timestamp,
                                                 std::chrono::nanoseconds arrival) const noexcept;

    /// Where on the track the time stamp belongs, in samples.
    [[nodiscard]] std::int64_t position(std::int64_t timestamp) const noexcept;

    /// The first packet was itself late by so much: everything moves to the front.
    void set_earlier(std::chrono::nanoseconds by) noexcept;

    /// Moves what is still to come on the track, so that it joins what is there.
    void move(std::int64_t samples) noexcept { shift_ += samples; }

    /// Feeds the drift meter; what it finds becomes `slips()`.
    void observe(std::int64_t timestamp, std::chrono::nanoseconds arrival);

    /// Ticks to be put in (negative: left out) to keep up with our clock.
    [[nodiscard]] std::int64_t slips() const noexcept { return pending_slips_; }

    /// So many of them have been.
    void slipped(std::int64_t ticks) noexcept;

  private:
    std::uint32_t rate_;
    std::uint32_t track_rate_;
    std::int64_t reference_;  // the time stamp that arrived at reference_time_
    std::chrono::nanoseconds reference_time_;
    std::int64_t latest_;
    std::int64_t shift_ = 0;    // samples
    std::int64_t slipped_ = 0;  // ticks
    std::int64_t pending_slips_ = 0;
    std::chrono::nanoseconds start_;
    DriftMeter drift_;
};

}  // namespace siprec::assembler
