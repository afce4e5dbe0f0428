#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::server {

/// RFC 3986 2.1. @return nothing when a `%` is not followed by two hex digits
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank);

/// The pairs of a query, decoded, in order; a `+` means itself.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(
    std::string_view query);

}  // namespace siprec::server
