#pragma once

#include <cstdint>

namespace siprec::rtp {

/// An RTP sequence number (RFC 3550 5.1). Differences and order are right across the wrap, as long
/// as the two are less than 2^15 apart.
class SeqNum {
  public:
    constexpr explicit SeqNum(std::uint16_t value) noexcept : value_(value) {}

    [[nodiscard]] constexpr std::uint16_t value() const noexcept { return value_; }

    [[nodiscard]] constexpr SeqNum plus(int count) const noexcept {
        return SeqNum(static_cast<std::uint16_t>(value_ + count));
    }

    /// How many steps forward, modulo 2^16, lead from `earlier` to this.
    [[nodiscard]] constexpr std::uint16_t steps_from(SeqNum earlier) const noexcept {
        return static_cast<std::uint16_t>(value_ - earlier.value_);
    }

    /// The signed distance from `other` to this: negative when this was sent before `other`.
    [[nodiscard]] constexpr int distance_from(SeqNum other) const noexcept {
        return static_cast<std::int16_t>(steps_from(other));
    }

    [[nodiscard]] constexpr bool is_after(SeqNum other) const noexcept {
        return distance_from(other) > 0;
    }

    constexpr bool operator==(const SeqNum&) const noexcept = default;

  private:
    std::uint16_t value_;
};

}  // namespace siprec::rtp
