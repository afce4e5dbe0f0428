#include <siprec/redundancy.hpp>

#include <fmt/format.h>

namespace siprec {

namespace {

constexpr std::size_t kMaxBlocks = 32;
constexpr std::size_t kHeaderBytes = 4;

}  // namespace

Result<std::vector<RedundantBlock>> parse_redundancy(std::span<const std::byte> payload) {
    std::vector<RedundantBlock> blocks;
    std::size_t at = 0;
    std::size_t promised = 0;
    const auto octet = [&](std::size_t index) {
        return std::to_integer<std::uint32_t>(payload[index]);
    };
    // RFC 2198 3: F=1, 7 bits of payload type, 14 of time stamp offset, 10 of length.
    while (at < payload.size() && (octet(at) & 0x80U) != 0) {
        if (payload.size() - at < kHeaderBytes || blocks.size() == kMaxBlocks) {
            return Error(ErrorCode::Malformed, "RED: block header cut off, or too many");
        }
        RedundantBlock block;
        block.payload_type = static_cast<std::uint8_t>(octet(at) & 0x7FU);
        block.offset = (octet(at + 1) << 6U) | (octet(at + 2) >> 2U);
        block.size = ((octet(at + 2) & 0x03U) << 8U) | octet(at + 3);
        promised += block.size;
        blocks.push_back(block);
        at += kHeaderBytes;
    }
    if (at == payload.size()) {
        return Error(ErrorCode::Malformed, "RED: no primary block");
    }
    const auto primary_type = static_cast<std::uint8_t>(octet(at));
    ++at;
    if (promised > payload.size() - at) {
        return Error(
            ErrorCode::Malformed,
            fmt::format("RED: {} bytes promised, {} there", promised, payload.size() - at));
    }
    for (RedundantBlock& block : blocks) {
        block.begin = at;
        at += block.size;
    }
    blocks.push_back(
        {.payload_type = primary_type, .offset = 0, .begin = at, .size = payload.size() - at});
    return blocks;
}

}  // namespace siprec
