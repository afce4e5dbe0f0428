// AMR and AMR-WB by the opencore libraries; the payload's layout is RFC 4867's (amr_payload.hpp).
#include "codec/amr_payload.hpp"
#include "codec/decoders.hpp"
#include "codec/parameters.hpp"

#include <fmt/format.h>
#include <opencore-amrnb/interf_dec.h>
#include <opencore-amrwb/dec_if.h>

namespace siprec::codec {

namespace {

constexpr std::uint32_t kNarrowRate = 8000;
constexpr std::uint32_t kWideRate = 16'000;
constexpr std::uint32_t kFramesPerSecond = 50;

struct StateDeleter {
    AmrBand band;

    void operator()(void* state) const noexcept {
        if (band == AmrBand::Narrow) {
            Decoder_Interface_exit(state);
        } else {
            D_IF_exit(state);
        }
    }
};

using State = std::unique_ptr<void, StateDeleter>;

class AmrDecoder final : public AudioDecoder {
  public:
    AmrDecoder(State state, const AmrLayout& layout) : state_(std::move(state)), layout_(layout) {}

    [[nodiscard]] std::uint32_t sample_rate() const noexcept override {
        return layout_.band == AmrBand::Narrow ? kNarrowRate : kWideRate;
    }

    [[nodiscard]] Result<void> decode(std::span<const std::byte> payload,
                                      std::vector<std::int16_t>& out) override {
        const auto frames = parse_amr(payload, layout_);
        if (!frames) {
            return frames.error();
        }
        auto frame = frames->begin();
        append_frames(
            frames->size() * frame_samples(), frame_samples(), out, [&](std::int16_t* samples) {
                decode_frame(*frame, samples);
                ++frame;
            });
        return {};
    }

    void conceal(std::size_t samples, std::vector<std::int16_t>& out) override {
        AmrFrame lost;
        lost.storage[0] = kAmrNoData << 3U;
        append_frames(
            samples, frame_samples(), out, [&](std::int16_t* frame) { run(lost, frame); });
    }

    /// Behind a SID a frame without data is one that was not sent (3GPP TS 26.093).
    [[nodiscard]] bool pause(std::size_t samples, std::vector<std::int16_t>& out) override {
        if (is_paused_) {
            conceal(samples, out);
        }
        return is_paused_;
    }

  private:
    [[nodiscard]] std::size_t frame_samples() const noexcept {
        return sample_rate() / kFramesPerSecond;
    }

    void decode_frame(const AmrFrame& frame, std::int16_t* samples) {
        run(frame, samples);
        if (frame.type != kAmrNoData && frame.type != kAmrSpeechLost) {
            is_paused_ = is_sid(layout_.band, frame.type);
        }
    }

    void run(const AmrFrame& frame, std::int16_t* samples) {
        if (layout_.band == AmrBand::Narrow) {
            Decoder_Interface_Decode(state_.get(), frame.storage.data(), samples, 0);
        } else {
            D_IF_decode(state_.get(), frame.storage.data(), samples, _good_frame);
        }
    }

    State state_;
    AmrLayout layout_;
    bool is_paused_ = false;
};

bool is_on(const PayloadFormat& format, std::string_view name) {
    return number_parameter(format.parameters, name).value_or(0) != 0;
}

Result<std::unique_ptr<AudioDecoder>> make(const PayloadFormat& format, AmrBand band) {
    if (auto fits = expect_mono(format, band == AmrBand::Narrow ? kNarrowRate : kWideRate); !fits) {
        return std::move(fits).error();
    }
    // RFC 4867 8.1: both change the order of what is in a packet; nobody was seen to use them.
    for (const std::string_view order : {"interleaving", "robust-sorting"}) {
        if (is_on(format, order)) {
            return Error(ErrorCode::Unsupported, fmt::format("{} with {}", format.encoding, order));
        }
    }
    const bool crc = is_on(format, "crc");  // implies octet-align=1
    const AmrLayout layout{
        .band = band, .octet_aligned = crc || is_on(format, "octet-align"), .crc = crc};
    State state(band == AmrBand::Narrow ? Decoder_Interface_init() : D_IF_init(),
                StateDeleter{band});
    if (!state) {
        return Error(ErrorCode::ResourceExhausted, format.encoding + " decoder");
    }
    return std::unique_ptr<AudioDecoder>(std::make_unique<AmrDecoder>(std::move(state), layout));
}

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_amr(const PayloadFormat& format) {
    return make(format, AmrBand::Narrow);
}

Result<std::unique_ptr<AudioDecoder>> make_amr_wb(const PayloadFormat& format) {
    return make(format, AmrBand::Wide);
}

}  // namespace siprec::codec
