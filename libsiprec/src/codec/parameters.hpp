#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace siprec::codec {

/// The value of one parameter of an fmtp line, `name=value; name=value` (RFC 4855 3): names in any
/// case, blanks and empty items forgiven. A name without a value has an empty one.
[[nodiscard]] std::optional<std::string_view> parameter(std::string_view parameters,
                                                        std::string_view name);

/// @return nothing when it is absent or no number
[[nodiscard]] std::optional<std::uint32_t> number_parameter(std::string_view parameters,
                                                            std::string_view name);

}  // namespace siprec::codec
