// ITU-T G.722 at 64 kbit/s. RFC 3551 4.5.2: the RTP clock runs at 8000 Hz by an old error, the
// samples at 16000.
#include "codec/concealment.hpp"
#include "codec/decoders.hpp"

#include <fmt/format.h>
#include <spandsp.h>

namespace siprec::codec {

namespace {

constexpr std::uint32_t kSampleRate = 16'000;
constexpr int kBitRate = 64'000;
constexpr std::size_t kSamplesAnOctet = 2;

struct StateDeleter {
    void operator()(g722_decode_state_t* state) const noexcept {
        static_cast<void>(g722_decode_free(state));
    }
};

using State = std::unique_ptr<g722_decode_state_t, StateDeleter>;

class G722Decoder final : public ConcealingDecoder {
  public:
    explicit G722Decoder(State state) : ConcealingDecoder(kSampleRate), state_(std::move(state)) {}

  private:
    [[nodiscard]] Result<void> decode_payload(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) override {
        const std::size_t before = out.size();
        out.resize(before + payload.size() * kSamplesAnOctet);
        const int samples = g722_decode(
            state_.get(), out.data() + before, octets(payload), static_cast<int>(payload.size()));
        out.resize(before + static_cast<std::size_t>(samples));
        return {};
    }

    State state_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_g722(const PayloadFormat& format) {
    if (format.channels != 1) {
        return Error(ErrorCode::Unsupported,
                     fmt::format("G.722 with {} channels", format.channels));
    }
    State state(g722_decode_init(nullptr, kBitRate, 0));
    if (!state) {
        return Error(ErrorCode::ResourceExhausted, "G.722 decoder");
    }
    return std::unique_ptr<AudioDecoder>(std::make_unique<G722Decoder>(std::move(state)));
}

}  // namespace siprec::codec
