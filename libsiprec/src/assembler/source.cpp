#include "assembler/source.hpp"

#include <algorithm>
#include <cstddef>

namespace siprec::assembler {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// RFC 3550 A.1, MAX_DROPOUT: a larger jump of the sequence number is a sender that started anew.
constexpr int kMaxDropout = 3000;
/// What is further behind is no late packet of the same run.
constexpr int kMaxDisorder = 100;
/// A time stamp further ahead of its arrival than this is wrong: no audio is sent before it is
/// spoken.
constexpr nanoseconds kMaxEarly = std::chrono::seconds(2);
/// Behind by this, a sender's clock cannot be believed whatever came between.
constexpr nanoseconds kMaxLate = std::chrono::seconds(2);
/// A number that was there before and comes again this long after its time is no packet that the
/// network held up or doubled: the sender started anew with the numbers it had begun with.
constexpr nanoseconds kStale = std::chrono::seconds(1);
/// What the network held up comes in a burst, ahead of the pace of its first packet; at most so
/// far.
constexpr nanoseconds kLongestBurst = std::chrono::seconds(10);
/// A pause in arrival this long, with a time stamp that knows nothing of it, is looked at twice.
constexpr nanoseconds kPause = milliseconds(100);
/// With few exceptions a source has two clocks: that of its audio, that of its events.
constexpr std::size_t kMaxClocks = 8;
constexpr std::size_t kMaxHeld = 2048;

std::int16_t distance(std::uint16_t from, std::uint16_t to) {
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(to - from));
}

std::size_t slot(std::int64_t sequence, std::size_t slots) {
    return static_cast<std::size_t>(sequence) % slots;
}

}  // namespace

Source::Source(std::uint32_t ssrc, std::uint32_t track_rate, const Packet& first)
    : ssrc_(ssrc),
      track_rate_(track_rate),
      first_arrival_(first.arrival),
      last_arrival_(first.arrival),
      // Room below zero for numbers that come before the first one received.
      first_(first.sequence16 + std::int64_t{0x10000}),
      highest_(first_ - 1) {}

bool Source::is_behind(std::uint32_t ssrc, const Packet& packet) const {
    const int step = distance(static_cast<std::uint16_t>(highest_), packet.sequence16);
    return playing_ && ssrc == ssrc_ && step <= 0 && step >= -kMaxDisorder &&
           packet.arrival - last_arrival_ < kMaxLate && is_plausible(packet, step);
}

bool Source::expects(std::uint32_t ssrc, const Packet& packet) const {
    if (ssrc != ssrc_) {
        return false;
    }
    const int step = distance(static_cast<std::uint16_t>(highest_), packet.sequence16);
    return step <= kMaxDropout && step >= -kMaxDropout && is_plausible(packet, step);
}

/// Sequence numbers alone do not tell a late packet from a sender that started anew.
bool Source::is_plausible(const Packet& packet, int step) const {
    if (packet.reading == nullptr || packet.reading->use == PayloadUse::TelephoneEvent ||
        newest_clock_ == nullptr || newest_clock_->rate() != packet.reading->format.clock_rate) {
        return true;
    }
    const nanoseconds delay =
        newest_clock_->delay(newest_clock_->extend(packet.timestamp32), packet.arrival);
    if (!playing_) {
        return delay > -kLongestBurst && delay < kMaxLate;
    }
    if (step <= 0) {
        return delay > -kMaxEarly && delay < kStale;
    }
    if (delay < -kMaxEarly || delay > kMaxLate) {
        return false;
    }
    return delay < kPause || packet.arrival - last_arrival_ < kPause;
}

Source::Taken Source::number(Packet& packet) {
    const std::int64_t sequence =
        highest_ + distance(static_cast<std::uint16_t>(highest_), packet.sequence16);
    packet.sequence = sequence;
    if (sequence > highest_) {
        for (std::int64_t number = highest_ + 1; number <= sequence; ++number) {
            seen_.reset(slot(number, kSeen));
        }
        highest_ = sequence;
    } else if (seen_.test(slot(sequence, kSeen))) {
        return Taken::Duplicate;
    }
    seen_.set(slot(sequence, kSeen));
    if (playing_ ? sequence < next_ : sequence < first_ - kMaxDisorder) {
        return Taken::Late;
    }
    first_ = std::min(first_, sequence);
    packet.clock = find_or_make_clock(packet);
    if (packet.clock == nullptr) {
        packet.reading = nullptr;
    } else {
        packet.timestamp = packet.clock->extend(packet.timestamp32);
        if (sequence == highest_) {
            packet.clock->saw(packet.timestamp);
            if (packet.reading->use == PayloadUse::Audio) {
                newest_clock_ = packet.clock;
                if (playing_) {
                    packet.clock->observe(packet.timestamp, packet.arrival);
                }
            }
        }
    }
    last_arrival_ = std::max(last_arrival_, packet.arrival);
    return Taken::Kept;
}

/// The clock that the packet's time stamp goes on with, if there is one. Newest first: a clock that
/// was found wrong has been followed by another of its rate.
RtpClock* Source::find_clock(const Packet& packet) {
    const Reading& reading = *packet.reading;
    const auto found = std::find_if(clocks_.rbegin(), clocks_.rend(), [&](const RtpClock& clock) {
        return clock.rate() == reading.format.clock_rate;
    });
    if (found == clocks_.rend() || &*found == newest_clock_) {
        return found == clocks_.rend() ? nullptr : &*found;
    }
    // One that has not been heard of lately may have been set meanwhile. An event's time stamp
    // stays behind while the key is held, so it is looked at only when it changes.
    const std::int64_t timestamp = found->extend(packet.timestamp32);
    const bool is_known = reading.use == PayloadUse::TelephoneEvent && timestamp == found->latest();
    const bool is_near = std::chrono::abs(found->delay(timestamp, packet.arrival)) < 2 * kPause;
    return is_known || is_near ? &*found : nullptr;
}

bool Source::is_used(const RtpClock& clock) const {
    return &clock == newest_clock_ || &clock == playing_clock || &clock == press_clock ||
           std::ranges::any_of(
               held_, [&](const auto& entry) { return entry.second.packet.clock == &clock; });
}

RtpClock* Source::find_or_make_clock(const Packet& packet) {
    if (packet.reading == nullptr) {
        return nullptr;
    }
    RtpClock* known = find_clock(packet);
    if (known != nullptr) {
        return known;
    }
    if (clocks_.size() >= kMaxClocks) {
        const auto unused = std::ranges::find_if_not(
            clocks_, [this](const RtpClock& clock) { return is_used(clock); });
        if (unused == clocks_.end()) {
            return nullptr;
        }
        clocks_.erase(unused);
    }
    return &clocks_.emplace_back(
        packet.reading->format.clock_rate, track_rate_, packet.timestamp32, packet.arrival);
}

void Source::hold(const Packet& packet) {
    Held held{.packet = packet, .payload = {packet.payload.begin(), packet.payload.end()}};
    held.packet.payload = {};
    held_.insert_or_assign(packet.sequence, std::move(held));
}

std::optional<Source::Held> Source::take_ready(nanoseconds deadline) {
    if (!playing_ || held_.empty()) {
        return std::nullopt;
    }
    const auto front = held_.begin();
    if (front->first != next_ && front->second.packet.arrival > deadline &&
        held_.size() < kMaxHeld) {
        return std::nullopt;
    }
    Held ready = std::move(front->second);
    held_.erase(front);
    ready.packet.payload = ready.payload;
    return ready;
}

std::int64_t Source::step_to(const Packet& packet) {
    const std::int64_t missing = packet.sequence - next_;
    next_ = packet.sequence + 1;
    return missing;
}

void Source::start_playing() {
    playing_ = true;
    next_ = held_.empty() ? first_ : held_.begin()->first;
}

std::optional<nanoseconds> Source::delay_of(const Source& later) const {
    const RtpClock* mine = newest_clock_;
    if (mine == nullptr || later.newest_clock_ == nullptr ||
        later.newest_clock_->rate() != mine->rate()) {
        return std::nullopt;
    }
    const int step =
        distance(static_cast<std::uint16_t>(highest_), static_cast<std::uint16_t>(later.first_));
    if (step > kMaxDropout || step < -kMaxDropout) {
        return std::nullopt;
    }
    std::optional<nanoseconds> smallest;
    const auto consider = [&](std::uint32_t timestamp, nanoseconds arrival) {
        const nanoseconds delay = mine->delay(mine->extend(timestamp), arrival);
        smallest = std::min(smallest.value_or(delay), delay);
    };
    for (const auto& [sequence, held] : later.held_) {
        if (held.packet.clock == later.newest_clock_) {
            consider(held.packet.timestamp32, held.packet.arrival);
        }
    }
    // RFC 3550 6.4.1: a report that came after the pause tells where the sender's clock really is.
    if (smallest && report_ && report_->arrival > last_arrival_) {
        consider(report_->rtp_timestamp, report_->arrival);
    }
    return smallest;
}

void Source::take_report(std::uint32_t rtp_timestamp, nanoseconds arrival) {
    report_ = Report{.rtp_timestamp = rtp_timestamp, .arrival = arrival};
}

nanoseconds Source::first_packet_delay() const {
    nanoseconds smallest{0};
    for (const auto& [sequence, held] : held_) {
        if (held.packet.clock != nullptr && held.packet.clock == newest_clock_) {
            smallest = std::min(smallest,
                                newest_clock_->delay(held.packet.timestamp, held.packet.arrival));
        }
    }
    return -smallest;
}

}  // namespace siprec::assembler
