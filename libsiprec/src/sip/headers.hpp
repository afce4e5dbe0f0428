#pragma once

// Headers as text: a stack's own reading of them normalises, or gives up. Knows no SIP stack.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::sip {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// ASCII lower case.
[[nodiscard]] std::string lower(std::string_view value);

/// Splits the header section of a message into name and value, continuation lines joined.
[[nodiscard]] Headers parse_headers(std::string_view message);

/// @param full, compact  lower case; an empty `compact` means that there is no compact form
[[nodiscard]] bool is_header(std::string_view name,
                             std::string_view full,
                             std::string_view compact);

/// The first header of this name; null when there is none.
[[nodiscard]] const std::string* find_header(const Headers& headers,
                                             std::string_view full,
                                             std::string_view compact = {});

/// The members of a comma-separated list over all headers of this name, without their parameters,
/// lower case.
[[nodiscard]] std::vector<std::string> header_tokens(const Headers& headers,
                                                     std::string_view full,
                                                     std::string_view compact = {});

/// A header with a number of seconds and parameters, such as `Session-Expires` or `Retry-After`.
struct DeltaSeconds {
    std::chrono::seconds value{0};
    std::vector<std::pair<std::string, std::string>> parameters;  // names and values lower case
};

[[nodiscard]] std::optional<DeltaSeconds> parse_delta_seconds(std::string_view value);

}  // namespace siprec::sip
