#pragma once

// What other programs make of a tone: ffmpeg runs in the test, nothing foreign is kept.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace siprec::test {

using Bytes = std::vector<std::byte>;
using Pcm = std::vector<std::int16_t>;

/// Standard output of a command; fails the test when the command fails.
[[nodiscard]] Bytes run(const std::string& command);

/// ffmpeg's coding of one second of a sine of an eighth of the full scale.
/// @param encode  its output options, such as "-c:a g722 -f g722"
[[nodiscard]] Bytes ffmpeg_tone(std::uint32_t rate, int frequency, const std::string& encode);

/// What ffmpeg decodes the bytes to, at the rate they have.
/// @param input  its input options, such as "-f amr"
[[nodiscard]] Pcm ffmpeg_decode(std::span<const std::byte> coded, const std::string& input);

/// The packets of an Ogg file (RFC 3533).
[[nodiscard]] std::vector<Bytes> ogg_packets(std::span<const std::byte> file);

[[nodiscard]] Pcm sine(std::uint32_t rate, int frequency, std::size_t samples);

/// The sine of a frequency that fits best.
struct Fit {
    double amplitude = 0;
    double delay = 0;   ///< in samples, behind a sine that starts at sample 0; below one period
    double snr_db = 0;  ///< of the sine above what is left without it
};

[[nodiscard]] Fit fit_sine(std::span<const std::int16_t> samples,
                           std::uint32_t rate,
                           int frequency);

/// How far two signals are the same: power of the first above that of the difference.
[[nodiscard]] double likeness_db(std::span<const std::int16_t> a, std::span<const std::int16_t> b);

[[nodiscard]] double rms(std::span<const std::int16_t> samples);

}  // namespace siprec::test
