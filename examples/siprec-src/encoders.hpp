#pragma once

// The encoders that need a library. All run at a constant rate, so that a loop of sound can be cut
// at any frame.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace srcsim {

/// What each takes: whole frames of 8 kHz mono. @return the payloads, one behind the other
[[nodiscard]] std::vector<std::byte> encode_g722(std::span<const std::int16_t> samples);
[[nodiscard]] std::vector<std::byte> encode_g726_32(std::span<const std::int16_t> samples);
[[nodiscard]] std::vector<std::byte> encode_gsm(std::span<const std::int16_t> samples);
[[nodiscard]] std::vector<std::byte> encode_opus(std::span<const std::int16_t> samples);
[[nodiscard]] std::vector<std::byte> encode_amr(std::span<const std::int16_t> samples);

/// Empty when the program was built without G.729.
[[nodiscard]] std::vector<std::byte> encode_g729(std::span<const std::int16_t> samples);

inline constexpr std::size_t kOpusFrameBytes = 60;  ///< 20 ms at 24 kbit/s
inline constexpr std::size_t kAmrFrameBytes = 33;   ///< 20 ms of mode 12.2, octet-aligned
inline constexpr std::size_t kGsmFrameBytes = 33;   ///< 20 ms
inline constexpr std::size_t kG729FrameBytes = 10;  ///< 10 ms

}  // namespace srcsim
