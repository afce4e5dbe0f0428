#pragma once

#include <siprec/result.hpp>

#include <cstdint>
#include <string>

namespace siprec::server {

struct FileDigest {
    std::uint64_t bytes = 0;
    std::string sha256;  ///< 64 hex digits, lower case
};

/// Reads the whole file.
[[nodiscard]] Result<FileDigest> digest_file(const std::string& path);

}  // namespace siprec::server
