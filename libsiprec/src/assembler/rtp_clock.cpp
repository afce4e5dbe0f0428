#include "assembler/rtp_clock.hpp"

namespace siprec::assembler {

namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kNanoseconds = 1'000'000'000;

/// value * to / from, rounded to the nearest, without overflow for spans of years.
std::int64_t rescale(std::int64_t value, std::int64_t from, std::int64_t to) {
    const std::int64_t whole = value / from;
    const std::int64_t scaled_rest = value % from * to;
    const std::int64_t half = scaled_rest < 0 ? -(from / 2) : from / 2;
    return whole * to + (scaled_rest + half) / from;
}

}  // namespace

std::int64_t position_of(nanoseconds time, std::uint32_t sample_rate) {
    return rescale(time.count(), kNanoseconds, sample_rate);
}

nanoseconds time_of(std::int64_t position, std::uint32_t sample_rate) {
    return nanoseconds(rescale(position, sample_rate, kNanoseconds));
}

RtpClock::RtpClock(std::uint32_t rate,
                   std::uint32_t track_rate,
                   std::uint32_t timestamp,
                   nanoseconds arrival)
    : rate_(rate),
      track_rate_(track_rate),
      reference_(timestamp),
      reference_time_(arrival),
      latest_(timestamp),
      start_(arrival) {}

std::int64_t RtpClock::extend(std::uint32_t timestamp) const noexcept {
    const auto difference =
        static_cast<std::int32_t>(timestamp - static_cast<std::uint32_t>(latest_));
    return latest_ + difference;
}

nanoseconds RtpClock::delay(std::int64_t timestamp, nanoseconds arrival) const noexcept {
    return arrival - reference_time_ -
           nanoseconds(rescale(timestamp - reference_, rate_, kNanoseconds));
}

std::int64_t RtpClock::position(std::int64_t timestamp) const noexcept {
    return position_of(start_, track_rate_) + shift_ +
           rescale(timestamp - reference_ + slipped_, rate_, track_rate_);
}

void RtpClock::set_earlier(nanoseconds by) noexcept {
    reference_time_ -= by;
    start_ -= by;
}

void RtpClock::observe(std::int64_t timestamp, nanoseconds arrival) {
    const auto lost = drift_.observe(arrival, delay(timestamp, arrival));
    if (lost) {
        reference_time_ += *lost;
        pending_slips_ += rescale(lost->count(), kNanoseconds, rate_);
    }
}

void RtpClock::slipped(std::int64_t ticks) noexcept {
    slipped_ += ticks;
    pending_slips_ -= ticks;
}

}  // namespace siprec::assembler
