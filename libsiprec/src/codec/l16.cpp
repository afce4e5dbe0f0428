// RFC 3551 4.5.11: 16-bit samples in network order, channels interleaved.
#include "codec/concealment.hpp"
#include "codec/decoders.hpp"

#include <fmt/format.h>

namespace siprec::codec {

namespace {

class L16Decoder final : public ConcealingDecoder {
  public:
    explicit L16Decoder(const PayloadFormat& format)
        : ConcealingDecoder(format.clock_rate), channels_(format.channels) {}

  private:
    [[nodiscard]] Result<void> decode_payload(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) override {
        constexpr std::size_t kSampleBytes = 2;
        if (payload.size() % (kSampleBytes * channels_) != 0) {
            return Error(ErrorCode::Malformed,
                         fmt::format("L16: {} bytes for {} channels", payload.size(), channels_));
        }
        append_mono(payload.size() / kSampleBytes, channels_, out, [&](std::size_t at) {
            const auto high = std::to_integer<unsigned>(payload[at * kSampleBytes]);
            const auto low = std::to_integer<unsigned>(payload[at * kSampleBytes + 1]);
            return static_cast<std::int16_t>((high << 8U) | low);
        });
        return {};
    }

    std::size_t channels_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_l16(const PayloadFormat& format) {
    return std::unique_ptr<AudioDecoder>(std::make_unique<L16Decoder>(format));
}

}  // namespace siprec::codec
