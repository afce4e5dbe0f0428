#pragma once

#include <cstdint>
#include <string_view>

namespace siprec::server {

enum class RangeOutcome : std::uint8_t { Whole, Part, Unsatisfiable };

struct RangeSelection {
    RangeOutcome outcome = RangeOutcome::Whole;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// What a Range field (RFC 9110 14.2) selects from `size` bytes. A field that is malformed, of
/// another unit or of several ranges is ignored, as the RFC allows.
[[nodiscard]] RangeSelection select_range(std::string_view field, std::uint64_t size) noexcept;

}  // namespace siprec::server
