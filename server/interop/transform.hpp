#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// A step from what a client wrote to what is kept: none, one or several values.
using Transform = std::vector<std::string> (*)(const std::string& value);

/// @return null when there is none of that name
[[nodiscard]] Transform find_transform(std::string_view name);

/// For the message about a name that is none: "trim, unquote, ...".
[[nodiscard]] std::string transform_names();

}  // namespace siprec::server
