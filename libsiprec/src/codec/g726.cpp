// ITU-T G.726. RFC 3551 4.5.4: "G726-*" has the first code word in the least significant bits of an
// octet, "AAL2-G726-*" (I.366.2) in the most significant ones.
#include "codec/concealment.hpp"
#include "codec/decoders.hpp"

#include <fmt/format.h>
#include <spandsp.h>

#include <numeric>

namespace siprec::codec {

namespace {

constexpr std::uint32_t kSampleRate = 8000;

struct StateDeleter {
    void operator()(g726_state_t* state) const noexcept { static_cast<void>(g726_free(state)); }
};

using State = std::unique_ptr<g726_state_t, StateDeleter>;

class G726Decoder final : public ConcealingDecoder {
  public:
    G726Decoder(State state, std::size_t bits)
        : ConcealingDecoder(kSampleRate), state_(std::move(state)), bits_(bits) {}

  private:
    [[nodiscard]] Result<void> decode_payload(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) override {
        constexpr std::size_t kOctetBits = 8;
        // RFC 3551 4.5.4: whole groups of code words. A rest would shift all that follow.
        const std::size_t group = std::lcm(bits_, kOctetBits) / kOctetBits;
        if (payload.size() % group != 0) {
            return Error(
                ErrorCode::Malformed,
                fmt::format("G.726: {} bytes of {}-bit code words", payload.size(), bits_));
        }
        const std::size_t before = out.size();
        out.resize(before + payload.size() * kOctetBits / bits_);
        const int samples = g726_decode(
            state_.get(), out.data() + before, octets(payload), static_cast<int>(payload.size()));
        out.resize(before + static_cast<std::size_t>(samples));
        return {};
    }

    State state_;
    std::size_t bits_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_g726(const PayloadFormat& format,
                                                std::size_t bits,
                                                G726Packing packing) {
    if (auto fits = expect_mono(format, kSampleRate); !fits) {
        return std::move(fits).error();
    }
    State state(g726_init(nullptr,
                          static_cast<int>(bits * kSampleRate),
                          G726_ENCODING_LINEAR,
                          packing == G726Packing::Aal2 ? G726_PACKING_LEFT : G726_PACKING_RIGHT));
    if (!state) {
        return Error(ErrorCode::ResourceExhausted, "G.726 decoder");
    }
    return std::unique_ptr<AudioDecoder>(std::make_unique<G726Decoder>(std::move(state), bits));
}

}  // namespace siprec::codec
