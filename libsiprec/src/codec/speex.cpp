// RFC 5574: Speex at 8, 16 or 32 kHz, one or more frames of 20 ms a packet.
#include "codec/decoders.hpp"

#include <fmt/format.h>
#include <speex/speex.h>

namespace siprec::codec {

namespace {

struct StateDeleter {
    void operator()(void* state) const noexcept { speex_decoder_destroy(state); }
};

/// The bits of one payload; reads past their end give nothing.
class Bits {
  public:
    explicit Bits(std::span<const std::byte> payload) {
        speex_bits_init(&bits_);
        // The library copies them and does not write, whatever its prototype says.
        speex_bits_read_from(&bits_,
                             reinterpret_cast<const char*>(payload.data()),
                             static_cast<int>(payload.size()));
    }

    Bits(const Bits&) = delete;
    Bits& operator=(const Bits&) = delete;

    ~Bits() { speex_bits_destroy(&bits_); }

    [[nodiscard]] SpeexBits* get() noexcept { return &bits_; }

  private:
    SpeexBits bits_{};
};

class SpeexDecoder final : public AudioDecoder {
  public:
    SpeexDecoder(std::unique_ptr<void, StateDeleter> state, std::uint32_t sample_rate)
        : state_(std::move(state)), sample_rate_(sample_rate), frame_samples_(sample_rate / 50) {}

    [[nodiscard]] std::uint32_t sample_rate() const noexcept override { return sample_rate_; }

    [[nodiscard]] Result<void> decode(std::span<const std::byte> payload,
                                      std::vector<std::int16_t>& out) override {
        Bits bits(payload);
        const std::size_t before = out.size();
        while (frame_bits(bits) && out.size() - before < kMaxFrames * frame_samples_) {
            const std::size_t at = out.size();
            out.resize(at + frame_samples_);
            const int outcome = speex_decode_int(state_.get(), bits.get(), out.data() + at);
            if (outcome != 0) {
                out.resize(at);
                if (outcome == kEndOfStream) {
                    break;
                }
                out.resize(before);
                return Error(ErrorCode::Malformed, "Speex: corrupt frame");
            }
        }
        if (out.size() == before) {
            return Error(ErrorCode::Malformed,
                         fmt::format("Speex: no frame in {} bytes", payload.size()));
        }
        return {};
    }

    void conceal(std::size_t samples, std::vector<std::int16_t>& out) override {
        append_frames(samples, frame_samples_, out, [&](std::int16_t* frame) {
            static_cast<void>(speex_decode_int(state_.get(), nullptr, frame));
        });
    }

  private:
    static constexpr int kEndOfStream = -1;
    static constexpr std::size_t kMaxFrames = 50;

    /// RFC 5574 3.3: what is left is padding when no frame fits in.
    static bool frame_bits(Bits& bits) {
        constexpr int kShortestFrameBits = 5;
        return speex_bits_remaining(bits.get()) >= kShortestFrameBits;
    }

    std::unique_ptr<void, StateDeleter> state_;
    std::uint32_t sample_rate_;
    std::size_t frame_samples_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_speex(const PayloadFormat& format) {
    int mode = SPEEX_MODEID_NB;
    if (format.clock_rate == 16'000) {
        mode = SPEEX_MODEID_WB;
    } else if (format.clock_rate == 32'000) {
        mode = SPEEX_MODEID_UWB;
    } else if (format.clock_rate != 8000) {
        return Error(ErrorCode::Unsupported, fmt::format("Speex at {} Hz", format.clock_rate));
    }
    std::unique_ptr<void, StateDeleter> state(speex_decoder_init(speex_lib_get_mode(mode)));
    if (!state) {
        return Error(ErrorCode::ResourceExhausted, "Speex decoder");
    }
    return std::unique_ptr<AudioDecoder>(
        std::make_unique<SpeexDecoder>(std::move(state), format.clock_rate));
}

}  // namespace siprec::codec
