#include "codec/amr_payload.hpp"

#include <fmt/format.h>

#include <optional>

namespace siprec::codec {

namespace {

constexpr std::size_t kOctetBits = 8;
/// More than any maxptime; bounds what a hostile table of contents costs.
constexpr std::size_t kMaxFrames = 50;
constexpr int kForbidden = -1;

/// Bits of speech by frame type: 3GPP TS 26.101 table 1a, TS 26.201 table 1a. RFC 4867 4.3.2: other
/// types make the whole payload worthless.
constexpr std::array<int, 16> kNarrowBits = {
    95, 103, 118, 134, 148, 159, 204, 244, 39, -1, -1, -1, -1, -1, -1, 0};
constexpr std::array<int, 16> kWideBits = {
    132, 177, 253, 285, 317, 365, 397, 461, 477, 40, -1, -1, -1, -1, 0, 0};

/// Reads a payload bit by bit; the caller keeps within it.
class BitReader {
  public:
    explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() * kOctetBits - at_; }

    [[nodiscard]] unsigned take(std::size_t bits) {
        unsigned value = 0;
        for (std::size_t i = 0; i < bits; ++i, ++at_) {
            const auto octet = std::to_integer<unsigned>(bytes_[at_ / kOctetBits]);
            value = (value << 1U) | ((octet >> (kOctetBits - 1 - at_ % kOctetBits)) & 1U);
        }
        return value;
    }

    void skip(std::size_t bits) { at_ += bits; }

  private:
    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
};

struct Entry {
    std::uint8_t type = 0;
    bool is_good = true;
    std::size_t bits = 0;
};

/// RFC 4867 4.3.2 and 4.4.2: F, four bits of type, Q, and two of padding when octet-aligned.
std::optional<std::vector<Entry>> read_contents(BitReader& reader, const AmrLayout& layout) {
    const std::size_t entry_bits = layout.octet_aligned ? 8 : 6;
    const auto& sizes = layout.band == AmrBand::Narrow ? kNarrowBits : kWideBits;
    std::vector<Entry> entries;
    for (bool more = true; more;) {
        if (reader.left() < entry_bits || entries.size() == kMaxFrames) {
            return std::nullopt;
        }
        more = reader.take(1) != 0;
        const unsigned type = reader.take(4);
        const bool is_good = reader.take(1) != 0;
        reader.skip(entry_bits - 6);
        if (sizes.at(type) == kForbidden) {
            return std::nullopt;
        }
        entries.push_back({.type = static_cast<std::uint8_t>(type),
                           .is_good = is_good,
                           .bits = static_cast<std::size_t>(sizes.at(type))});
    }
    return entries;
}

AmrFrame read_frame(BitReader& reader, const Entry& entry) {
    AmrFrame frame;
    frame.type = entry.is_good ? entry.type : kAmrNoData;
    frame.storage[0] = static_cast<std::uint8_t>((unsigned{frame.type} << 3U) | 0x04U);
    std::size_t left = entry.bits;
    for (std::size_t at = 1; left > 0; ++at) {
        const std::size_t bits = std::min(left, kOctetBits);
        frame.storage.at(at) = static_cast<std::uint8_t>(reader.take(bits) << (kOctetBits - bits));
        left -= bits;
    }
    return frame;
}

/// @return nothing unless the payload is exactly as long as its table of contents says
std::optional<std::vector<AmrFrame>> parse_as(std::span<const std::byte> payload,
                                              const AmrLayout& layout) {
    BitReader reader(payload);
    const std::size_t request_bits = layout.octet_aligned ? 8 : 4;  // codec mode request
    if (reader.left() < request_bits) {
        return std::nullopt;
    }
    reader.skip(request_bits);
    const auto entries = read_contents(reader, layout);
    if (!entries) {
        return std::nullopt;
    }
    const auto padded = [&](std::size_t bits) {
        return layout.octet_aligned ? (bits + kOctetBits - 1) / kOctetBits * kOctetBits : bits;
    };
    std::size_t needed = 0;
    std::size_t check_sums = 0;
    for (const Entry& entry : *entries) {
        needed += padded(entry.bits);
        check_sums += layout.crc && entry.bits > 0 ? kOctetBits : 0;
    }
    needed += check_sums;
    if (reader.left() < needed || reader.left() - needed >= kOctetBits) {
        return std::nullopt;
    }
    reader.skip(check_sums);
    std::vector<AmrFrame> frames;
    for (const Entry& entry : *entries) {
        frames.push_back(read_frame(reader, entry));
        reader.skip(padded(entry.bits) - entry.bits);
    }
    return frames;
}

}  // namespace

bool is_sid(AmrBand band, std::uint8_t type) {
    return type == (band == AmrBand::Narrow ? 8 : 9);
}

Result<std::vector<AmrFrame>> parse_amr(std::span<const std::byte> payload,
                                        const AmrLayout& layout) {
    if (auto frames = parse_as(payload, layout)) {
        return *std::move(frames);
    }
    const AmrLayout other{
        .band = layout.band, .octet_aligned = !layout.octet_aligned, .crc = false};
    if (auto frames = parse_as(payload, other)) {
        return *std::move(frames);
    }
    return Error(ErrorCode::Malformed,
                 fmt::format("AMR: {} bytes do not hold the frames announced", payload.size()));
}

}  // namespace siprec::codec
