#pragma once

#include "interop/profile.hpp"

#include <siprec/result.hpp>

#include <string>
#include <string_view>

namespace siprec::server {

/// Reads one profile (docs/interop.md).
/// @param file  for messages
/// @return InvalidArgument or Malformed that names file, line and key
[[nodiscard]] Result<Profile> parse_profile(std::string_view toml, const std::string& file);

}  // namespace siprec::server
