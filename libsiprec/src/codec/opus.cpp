// RFC 7587. Decoded to one channel: libopus averages the two of a stereo packet itself.
#include "codec/decoders.hpp"

#include <fmt/format.h>
#include <opus.h>

#include <algorithm>
#include <array>

namespace siprec::codec {

namespace {

constexpr std::uint32_t kSampleRate = 48'000;
constexpr std::size_t kLongestFrame = kSampleRate * 120 / 1000;
constexpr std::size_t kMaxFrames = 48;                     // RFC 6716 3.2.5
constexpr std::size_t kShortestFrame = kSampleRate / 400;  // 2.5 ms: concealment comes in these

struct DecoderDeleter {
    void operator()(OpusDecoder* decoder) const noexcept { opus_decoder_destroy(decoder); }
};

/// Whether the packet carries its predecessor again (LBRR), RFC 6716 4.2.3 and 4.2.4: behind the
/// flags of voice activity, one a SILK frame.
bool has_redundancy(std::span<const std::byte> packet) {
    constexpr unsigned kFirstCeltConfiguration = 0x80;
    constexpr int kSilkFrame = kSampleRate / 50;
    const unsigned toc = std::to_integer<unsigned>(packet.front());
    if ((toc & kFirstCeltConfiguration) != 0) {
        return false;
    }
    std::array<const unsigned char*, kMaxFrames> frames{};
    std::array<opus_int16, kMaxFrames> sizes{};
    const int count = opus_packet_parse(octets(packet),
                                        static_cast<opus_int32>(packet.size()),
                                        nullptr,
                                        frames.data(),
                                        sizes.data(),
                                        nullptr);
    if (count <= 0 || sizes[0] == 0) {
        return false;
    }
    const int duration = opus_packet_get_samples_per_frame(octets(packet), kSampleRate);
    const auto silk_frames = static_cast<unsigned>(std::max(1, duration / kSilkFrame));
    const unsigned flags = *frames[0];
    const bool mid = ((flags >> (7U - silk_frames)) & 1U) != 0;
    const bool side = opus_packet_get_nb_channels(octets(packet)) == 2 &&
                      ((flags >> (6U - 2 * silk_frames)) & 1U) != 0;
    return mid || side;
}

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
                                        octets(payload),
                                        static_cast<opus_int32>(payload.size()),
                                        out.data() + before,
                                        static_cast<int>(kLongestFrame),
                                        0);
        out.resize(before + static_cast<std::size_t>(std::max(samples, 0)));
        if (samples < 0) {
            return Error(ErrorCode::Malformed, fmt::format("Opus: {}", opus_strerror(samples)));
        }
        // RFC 7587 3.1.3: DTX leaves frames out behind one that has no more than its first octet.
        constexpr std::size_t kLongestDtxPayload = 2;
        is_paused_ = payload.size() <= kLongestDtxPayload;
        return {};
    }

    [[nodiscard]] bool recover(std::span<const std::byte> next,
                               std::size_t samples,
                               std::vector<std::int16_t>& out) override {
        const int duration = next.empty()
                                 ? 0
                                 : opus_packet_get_nb_samples(octets(next),
                                                              static_cast<opus_int32>(next.size()),
                                                              static_cast<opus_int32>(kSampleRate));
        const auto frame = static_cast<std::size_t>(std::max(duration, 0));
        if (frame == 0 || samples < frame || !has_redundancy(next)) {
            conceal(samples, out);
            return false;
        }
        conceal(samples - frame, out);
        const std::size_t before = out.size();
        out.resize(before + frame);
        const int made = opus_decode(decoder_.get(),
                                     octets(next),
                                     static_cast<opus_int32>(next.size()),
                                     out.data() + before,
                                     duration,
                                     1);
        return made == duration;
    }

    [[nodiscard]] bool pause(std::size_t samples, std::vector<std::int16_t>& out) override {
        if (is_paused_) {
            conceal(samples, out);
        }
        return is_paused_;
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
    bool is_paused_ = false;
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
