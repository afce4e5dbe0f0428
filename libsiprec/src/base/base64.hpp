#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::base {

/// RFC 4648 4, with padding.
[[nodiscard]] std::string to_base64(std::span<const std::byte> bytes);

/// The padding may be missing. @return nothing for any other character or length
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace siprec::base
