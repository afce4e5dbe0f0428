// GSM 06.10 full rate, RFC 3551 4.5.8: frames of 33 octets, each with the signature 0xD in front.
#include "codec/concealment.hpp"
#include "codec/decoders.hpp"

#include <fmt/format.h>
#include <spandsp.h>

namespace siprec::codec {

namespace {

constexpr std::uint32_t kSampleRate = 8000;
constexpr std::size_t kFrameBytes = 33;
constexpr std::size_t kFrameSamples = 160;

struct StateDeleter {
    void operator()(gsm0610_state_t* state) const noexcept {
        static_cast<void>(gsm0610_free(state));
    }
};

using State = std::unique_ptr<gsm0610_state_t, StateDeleter>;

class GsmDecoder final : public ConcealingDecoder {
  public:
    explicit GsmDecoder(State state) : ConcealingDecoder(kSampleRate), state_(std::move(state)) {}

  private:
    [[nodiscard]] Result<void> decode_payload(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) override {
        if (payload.size() % kFrameBytes != 0) {
            return Error(ErrorCode::Malformed,
                         fmt::format("GSM: {} bytes are no whole frames", payload.size()));
        }
        for (std::size_t at = 0; at < payload.size(); at += kFrameBytes) {
            if (std::to_integer<unsigned>(payload[at]) >> 4U != 0xDU) {
                return Error(ErrorCode::Malformed, "GSM: frame without its signature");
            }
        }
        const std::size_t before = out.size();
        out.resize(before + payload.size() / kFrameBytes * kFrameSamples);
        const int samples = gsm0610_decode(
            state_.get(), out.data() + before, octets(payload), static_cast<int>(payload.size()));
        out.resize(before + static_cast<std::size_t>(samples));
        return {};
    }

    State state_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_gsm(const PayloadFormat& format) {
    if (auto fits = expect_mono(format, kSampleRate); !fits) {
        return std::move(fits).error();
    }
    State state(gsm0610_init(nullptr, GSM0610_PACKING_VOIP));
    if (!state) {
        return Error(ErrorCode::ResourceExhausted, "GSM decoder");
    }
    return std::unique_ptr<AudioDecoder>(std::make_unique<GsmDecoder>(std::move(state)));
}

}  // namespace siprec::codec
