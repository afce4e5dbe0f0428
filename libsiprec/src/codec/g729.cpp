// ITU-T G.729, Annexes A and B, by bcg729. RFC 3551 4.5.6: frames of ten octets, the last of which
// may be a description of comfort noise (SID) of two.
#include "codec/decoders.hpp"

#include <fmt/format.h>

extern "C" {
#include <bcg729/decoder.h>
}

namespace siprec::codec {

namespace {

constexpr std::uint32_t kSampleRate = 8000;
constexpr std::size_t kFrameBytes = 10;
constexpr std::size_t kSidBytes = 2;
constexpr std::size_t kFrameSamples = 80;

struct ChannelDeleter {
    void operator()(bcg729DecoderChannelContextStruct* channel) const noexcept {
        closeBcg729DecoderChannel(channel);
    }
};

using Channel = std::unique_ptr<bcg729DecoderChannelContextStruct, ChannelDeleter>;

class G729Decoder final : public AudioDecoder {
  public:
    explicit G729Decoder(Channel channel) : channel_(std::move(channel)) {}

    [[nodiscard]] std::uint32_t sample_rate() const noexcept override { return kSampleRate; }

    [[nodiscard]] Result<void> decode(std::span<const std::byte> payload,
                                      std::vector<std::int16_t>& out) override {
        const std::size_t rest = payload.size() % kFrameBytes;
        if (payload.empty() || (rest != 0 && rest != kSidBytes)) {
            return Error(ErrorCode::Malformed,
                         fmt::format("G.729: {} bytes are no whole frames", payload.size()));
        }
        const std::size_t frames = payload.size() / kFrameBytes + (rest != 0 ? 1 : 0);
        append_frames(frames * kFrameSamples, kFrameSamples, out, [&](std::int16_t* samples) {
            const bool is_sid = payload.size() == kSidBytes;
            const std::size_t size = is_sid ? kSidBytes : kFrameBytes;
            bcg729Decoder(channel_.get(),
                          octets(payload),
                          static_cast<std::uint8_t>(size),
                          0,
                          is_sid ? 1 : 0,
                          0,
                          samples);
            payload = payload.subspan(size);
        });
        is_paused_ = rest != 0;
        return {};
    }

    void conceal(std::size_t samples, std::vector<std::int16_t>& out) override {
        append_frames(samples, kFrameSamples, out, [&](std::int16_t* frame) {
            bcg729Decoder(channel_.get(), nullptr, 0, 1, 0, 0, frame);
        });
    }

    /// Behind a SID an erased frame is one that was not sent (G.729 B.4.4).
    [[nodiscard]] bool pause(std::size_t samples, std::vector<std::int16_t>& out) override {
        if (is_paused_) {
            conceal(samples, out);
        }
        return is_paused_;
    }

  private:
    Channel channel_;
    bool is_paused_ = false;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_g729(const PayloadFormat& format) {
    if (auto fits = expect_mono(format, kSampleRate); !fits) {
        return std::move(fits).error();
    }
    Channel channel(initBcg729DecoderChannel());
    if (!channel) {
        return Error(ErrorCode::ResourceExhausted, "G.729 decoder");
    }
    return std::unique_ptr<AudioDecoder>(std::make_unique<G729Decoder>(std::move(channel)));
}

}  // namespace siprec::codec
