#pragma once

// The decoders that come with the library. What needs a third-party library stays in its own file.

#include <siprec/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace siprec::codec {

[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_pcmu(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_pcma(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_l16(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_opus(const PayloadFormat& format);

/// Appends one mono sample for each frame of `channels` interleaved values (RFC 3551 4.1).
/// @param sample  gives the n-th value of the payload
template <typename Sample>
void append_mono(std::size_t values,
                 std::size_t channels,
                 std::vector<std::int16_t>& out,
                 Sample sample) {
    const std::size_t frames = values / channels;
    const std::size_t before = out.size();
    out.resize(before + frames);
    for (std::size_t frame = 0; frame < frames; ++frame) {
        std::int64_t sum = 0;
        for (std::size_t channel = 0; channel < channels; ++channel) {
            sum += sample(frame * channels + channel);
        }
        out[before + frame] = static_cast<std::int16_t>(sum / static_cast<std::int64_t>(channels));
    }
}

}  // namespace siprec::codec
