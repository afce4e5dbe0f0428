#pragma once

#include <siprec/config.hpp>
#include <siprec/result.hpp>

#include <string>
#include <vector>

namespace siprec::server {

/// Reads a file of `NAME:PASSWORD`, `NAME:md5=HASH` and `NAME:sha256=HASH` lines; `#` starts a
/// comment line. Lines of one name are put together.
/// @return an error for a file that others than its owner may read, and for a line that is neither
[[nodiscard]] Result<std::vector<DigestUser>> load_digest_users(const std::string& file);

}  // namespace siprec::server
