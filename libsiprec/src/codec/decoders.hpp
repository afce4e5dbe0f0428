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
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_g722(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_gsm(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_amr(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_amr_wb(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_speex(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_g729(const PayloadFormat& format);
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_ilbc(const PayloadFormat& format);

/// Where in an octet the first code word lies: RFC 3551's own order, or that of AAL2.
enum class G726Packing : std::uint8_t { Rfc3551, Aal2 };

/// @param bits  of a code word: 2 to 5
[[nodiscard]] Result<std::unique_ptr<AudioDecoder>> make_g726(const PayloadFormat& format,
                                                              std::size_t bits,
                                                              G726Packing packing);

/// C libraries read octets, whatever their C++ name.
[[nodiscard]] inline const std::uint8_t* octets(std::span<const std::byte> payload) {
    return reinterpret_cast<const std::uint8_t*>(payload.data());
}

/// @return Unsupported unless the format is mono at `clock_rate`
[[nodiscard]] Result<void> expect_mono(const PayloadFormat& format, std::uint32_t clock_rate);

/// Appends exactly `samples` samples of a decoder that makes them by whole frames.
/// @param frame  writes one frame to where it is told
template <typename Frame>
void append_frames(std::size_t samples,
                   std::size_t frame_samples,
                   std::vector<std::int16_t>& out,
                   Frame frame) {
    const std::size_t end = out.size() + samples;
    while (out.size() < end) {
        const std::size_t before = out.size();
        out.resize(before + frame_samples);
        frame(out.data() + before);
    }
    out.resize(end);
}

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
