#pragma once

#include <siprec/audio.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>

namespace siprec::rtp {

/// The payload types of an answer, for one look-up a packet.
class PayloadTable {
  public:
    explicit PayloadTable(std::span<const PayloadFormat> formats) {
        for (const PayloadFormat& format : formats) {
            if (format.payload_type < known_.size()) {
                known_.set(format.payload_type);
                clock_rates_[format.payload_type] = jitter_clock(format);
            }
        }
    }

    [[nodiscard]] bool is_answered(std::uint8_t payload_type) const noexcept {
        return payload_type < known_.size() && known_[payload_type];
    }

    /// Hz; 0 where the jitter cannot be told.
    [[nodiscard]] std::uint32_t clock_rate(std::uint8_t payload_type) const noexcept {
        return payload_type < clock_rates_.size() ? clock_rates_[payload_type] : 0;
    }

  private:
    static std::uint32_t jitter_clock(const PayloadFormat& format) {
        // RFC 4733 2.3: all packets of an event carry the time at which it began; their arrival
        // says nothing of the network.
        constexpr std::string_view kEvent = "TELEPHONE-EVENT";
        const bool is_event =
            std::ranges::equal(format.encoding, kEvent, [](char given, char upper) {
                return (given >= 'a' && given <= 'z' ? static_cast<char>(given - 'a' + 'A')
                                                     : given) == upper;
            });
        return is_event ? 0 : format.clock_rate;
    }

    std::bitset<128> known_;
    std::array<std::uint32_t, 128> clock_rates_{};
};

}  // namespace siprec::rtp
