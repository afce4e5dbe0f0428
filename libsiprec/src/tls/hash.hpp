#pragma once

// The hashes of digest authentication (RFC 8760 2).

#include <cstdint>
#include <string>
#include <string_view>

namespace siprec::tls {

enum class Hash : std::uint8_t { Md5, Sha256 };

/// Lower-case hexadecimal.
[[nodiscard]] std::string hex_digest(Hash hash, std::string_view data);

/// HMAC-SHA-256, lower-case hexadecimal.
[[nodiscard]] std::string hex_hmac(std::string_view key, std::string_view data);

/// Random bytes fit for keys, lower-case hexadecimal.
[[nodiscard]] std::string random_hex(std::size_t bytes);

/// Compares in a time that does not tell where the difference is.
[[nodiscard]] bool equal_secrets(std::string_view a, std::string_view b) noexcept;

}  // namespace siprec::tls
