#pragma once

#include <siprec/audio.hpp>

#include <array>
#include <cstdint>
#include <list>
#include <vector>

namespace siprec::assembler {

enum class PayloadUse : std::uint8_t { Audio, ComfortNoise, TelephoneEvent, Redundancy };

/// A payload format and what it means for the time line.
struct Reading {
    PayloadFormat format;
    PayloadUse use = PayloadUse::Audio;
};

/// What the payload types mean now. Readings live as long as the table, for packets that still wait
/// while a new offer/answer changes their type's meaning.
class FormatTable {
  public:
    void set(const std::vector<PayloadFormat>& formats);

    /// @return null when nothing is known of the type
    [[nodiscard]] const Reading* find(std::uint8_t payload_type) const noexcept;

  private:
    const Reading* intern(const PayloadFormat& format);

    std::list<Reading> readings_;
    std::array<const Reading*, 128> by_type_{};
};

}  // namespace siprec::assembler
