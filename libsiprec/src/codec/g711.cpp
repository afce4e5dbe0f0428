// ITU-T G.711: one table a law, 256 entries, made when the program is compiled.
#include "codec/concealment.hpp"
#include "codec/decoders.hpp"

#include <fmt/format.h>

#include <array>

namespace siprec::codec {

namespace {

using Table = std::array<std::int16_t, 256>;

/// mu-law, G.711 table 2: sign, three bits of segment, four of step, all inverted; bias 33 (132 in
/// 16-bit scale).
constexpr std::int16_t expand_mu_law(unsigned code) {
    constexpr int kBias = 0x84;
    const unsigned inverted = ~code & 0xFFU;
    const int step = static_cast<int>((inverted & 0x0FU) << 3U) + kBias;
    const int magnitude = (step << ((inverted & 0x70U) >> 4U)) - kBias;
    return static_cast<std::int16_t>((inverted & 0x80U) != 0 ? -magnitude : magnitude);
}

/// A-law, G.711 table 1: even bits inverted; segment 0 has no hidden bit.
constexpr std::int16_t expand_a_law(unsigned code) {
    const unsigned plain = code ^ 0x55U;
    const unsigned segment = (plain & 0x70U) >> 4U;
    int magnitude = static_cast<int>((plain & 0x0FU) << 4U) + 8;
    if (segment > 0) {
        magnitude = (magnitude + 0x100) << (segment - 1);
    }
    return static_cast<std::int16_t>((plain & 0x80U) != 0 ? magnitude : -magnitude);
}

template <typename Expand>
constexpr Table make_table(Expand expand) {
    Table table{};
    for (unsigned code = 0; code < table.size(); ++code) {
        table[code] = expand(code);
    }
    return table;
}

constexpr Table kMuLaw = make_table(expand_mu_law);
constexpr Table kALaw = make_table(expand_a_law);

class G711Decoder final : public ConcealingDecoder {
  public:
    G711Decoder(const Table& table, const PayloadFormat& format)
        : ConcealingDecoder(format.clock_rate), table_(&table), channels_(format.channels) {}

  private:
    [[nodiscard]] Result<void> decode_payload(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) override {
        if (payload.size() % channels_ != 0) {
            return Error(ErrorCode::Malformed,
                         fmt::format("G.711: {} bytes for {} channels", payload.size(), channels_));
        }
        append_mono(payload.size(), channels_, out, [&](std::size_t at) {
            return (*table_)[std::to_integer<std::size_t>(payload[at])];
        });
        return {};
    }

    const Table* table_;
    std::size_t channels_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_pcmu(const PayloadFormat& format) {
    return std::unique_ptr<AudioDecoder>(std::make_unique<G711Decoder>(kMuLaw, format));
}

Result<std::unique_ptr<AudioDecoder>> make_pcma(const PayloadFormat& format) {
    return std::unique_ptr<AudioDecoder>(std::make_unique<G711Decoder>(kALaw, format));
}

}  // namespace siprec::codec
