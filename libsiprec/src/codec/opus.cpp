// RFC 7587. Decoded to one channel: libopus averages the two of a stereo packet itself.
#include "codec/decoders.hpp"

#include <fmt/format.h>
#include <opus.h>

#include <algorithm>

namespace siprec::codec {

namespace {

constexpr std::uint32_t kSampleRate = 48'000;
constexpr std::size_t kLongestFrame = kSampleRate * 120 / 1000;
constexpr std::size_t kShortestFrame = kSampleRate / 400;  // 2.5 ms: concealment comes in these

struct DecoderDeleter {
    void operator()(OpusDecoder* decoder) const noexcept { opus_decoder_destroy(decoder); }
};

class OpusAudioDecoder final : public AudioDecoder {
  public:
    explicit OpusAudioDecoder(std::unique_ptr<OpusDecoder, DecoderDeleter> decoder)
        : decoder_(std::move(decoder)) {}

    [[nodiscard]] std::uint32_t sample_rate() const noexcept override { return kSampleRate; }

    [[nodiscard]] Result<void> decode(std::span<const std::byte> payload,
                                      std::vector<std::int16_t>& out) override {
        if (payload.empty()) {
            return Error(ErrorCode::Malformed, "Opus: empty payload");
        }
        const std::size_t before = out.size();
        out.resize(before + kLongestFrame);
        const int samples = opus_decode(decoder_.get(),
                                        // libopus reads octets, whatever their C++ name.
                                        reinterpret_cast<const unsigned char*>(payload.data()),
                                        static_cast<opus_int32>(payload.size()),
                                        out.data() + before,
                                        static_cast<int>(kLongestFrame),
                                        0);
        out.resize(before + static_cast<std::size_t>(std::max(samples, 0)));
        if (samples < 0) {
            return Error(ErrorCode::Malformed, fmt::format("Opus: {}", opus_strerror(samples)));
        }
        return {};
    }

    void conceal(std::size_t samples, std::vector<std::int16_t>& out) override {
        const std::size_t end = out.size() + samples;
        while (out.size() < end) {
            const std::size_t before = out.size();
            const std::size_t wanted = std::min(end - before, kLongestFrame);
            const std::size_t frame =
                (wanted + kShortestFrame - 1) / kShortestFrame * kShortestFrame;
            out.resize(before + frame);
            const int made = opus_decode(
                decoder_.get(), nullptr, 0, out.data() + before, static_cast<int>(frame), 0);
            if (made <= 0) {
                std::fill(
                    out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), std::int16_t{0});
            } else {
                out.resize(before + static_cast<std::size_t>(made));
            }
        }
        out.resize(end);
    }

  private:
    std::unique_ptr<OpusDecoder, DecoderDeleter> decoder_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_opus(const PayloadFormat& /*format*/) {
    int error = OPUS_OK;
    std::unique_ptr<OpusDecoder, DecoderDeleter> decoder(
        opus_decoder_create(static_cast<opus_int32>(kSampleRate), 1, &error));
    if (!decoder || error != OPUS_OK) {
        return Error(ErrorCode::ResourceExhausted,
                     fmt::format("Opus decoder: {}", opus_strerror(error)));
    }
    return std::unique_ptr<AudioDecoder>(std::make_unique<OpusAudioDecoder>(std::move(decoder)));
}

}  // namespace siprec::codec
