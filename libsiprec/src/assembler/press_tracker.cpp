#include "assembler/press_tracker.hpp"

#include "base/byte_reader.hpp"

#include <algorithm>

namespace siprec::assembler {

std::optional<EventPayload> EventPayload::parse(std::span<const std::byte> payload) {
    constexpr unsigned kEndBit = 0x80;
    base::ByteReader reader(payload);
    const auto event = reader.u8();
    const auto flags = reader.u8();
    const auto duration = reader.u16();
    if (!event || !flags || !duration) {
        return std::nullopt;
    }
    return EventPayload{.event = *event, .end = (*flags & kEndBit) != 0, .duration = *duration};
}

/// RFC 4733 2.5.1.3: an event too long for the duration field goes on in a segment whose time stamp
/// is the end of the one before, without marker.
/// Interop(senders that move the time stamp with every packet, observed): the same rule joins
/// these.
bool PressTracker::continues(std::int64_t timestamp,
                             const EventPayload& payload,
                             bool marker) const {
    if (!has_press_ || payload.event != press_.event) {
        return false;
    }
    constexpr std::int64_t kLongestSegment = 0xFFFF;
    const std::int64_t end = press_.start + press_.duration;
    return timestamp == press_.start || timestamp == segment_ ||
           (!marker && timestamp > press_.start &&
            (timestamp <= end || timestamp == segment_ + kLongestSegment));
}

std::optional<Press> PressTracker::take(std::int64_t timestamp,
                                        const EventPayload& payload,
                                        bool marker) {
    std::optional<Press> over;
    if (!continues(timestamp, payload, marker)) {
        over = finish();
        press_ = Press{.event = payload.event, .start = timestamp, .duration = 0};
        has_press_ = true;
        reported_ = false;
    }
    segment_ = timestamp;
    press_.duration = std::max(press_.duration, timestamp + payload.duration - press_.start);
    // RFC 4733 2.5.1.4: the last packet is sent three times; one of them ends the event.
    if (payload.end && !over) {
        over = finish();
    }
    return over;
}

std::optional<Press> PressTracker::finish() {
    if (!is_open()) {
        return std::nullopt;
    }
    reported_ = true;
    return press_;
}

}  // namespace siprec::assembler
