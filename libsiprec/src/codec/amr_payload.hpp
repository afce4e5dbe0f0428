#pragma once

#include <siprec/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace siprec::codec {

enum class AmrBand : std::uint8_t { Narrow, Wide };

/// How the payload is laid out (RFC 4867 4.3 and 4.4), from fmtp.
struct AmrLayout {
    AmrBand band = AmrBand::Narrow;
    bool octet_aligned = false;
    bool crc = false;  ///< octet-aligned only; the check sums are passed over
};

/// Frame types of both bands that stand for no speech.
inline constexpr std::uint8_t kAmrNoData = 15;
inline constexpr std::uint8_t kAmrSpeechLost = 14;  // wide band

/// One frame as the decoders take it: the storage format of RFC 4867 5.3, its header octet in
/// front.
struct AmrFrame {
    std::uint8_t type = kAmrNoData;
    std::array<std::uint8_t, 62> storage{};
};

/// @return true for a frame that describes comfort noise
[[nodiscard]] bool is_sid(AmrBand band, std::uint8_t type);

/// Takes a payload apart. A sender that uses the layout it did not negotiate is understood when the
/// size leaves no doubt; a damaged frame (Q = 0) becomes one without data.
/// @return Malformed when it fits neither layout
[[nodiscard]] Result<std::vector<AmrFrame>> parse_amr(std::span<const std::byte> payload,
                                                      const AmrLayout& layout);

}  // namespace siprec::codec
