#pragma once

#include <siprec/export.hpp>
#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace siprec {

/// One block of a payload of redundant data (RFC 2198), such as RED for audio or for T.140 text.
struct RedundantBlock {
    std::uint8_t payload_type = 0;
    std::uint32_t offset = 0;  ///< how far its time stamp lies before the packet's; 0: the primary
    std::size_t begin = 0;     ///< where its data starts in the payload
    std::size_t size = 0;
};

/// @return the blocks in the order of the payload, oldest first; the last one is the primary.
///         Malformed when the headers promise more than there is, or more than 32 blocks
[[nodiscard]] SIPREC_EXPORT Result<std::vector<RedundantBlock>> parse_redundancy(
    std::span<const std::byte> payload);

}  // namespace siprec
