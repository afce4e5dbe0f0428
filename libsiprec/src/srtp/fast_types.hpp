#pragma once

// Cipher and authentication types for libsrtp2 on OpenSSL's AES and SHA instructions: the packets
// come out the same as with the types that Debian's build has, several times faster.

#include <srtp2/auth.h>
#include <srtp2/cipher.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace siprec::srtp {

/// AES in counter mode as SRTP uses it (RFC 3711 4.1.1; "integer counter mode" in libsrtp2).
[[nodiscard]] const std::array<srtp_cipher_type_t, 3>& fast_counter_types() noexcept;

/// AES in Galois/counter mode (RFC 7714).
[[nodiscard]] const std::array<srtp_cipher_type_t, 2>& fast_gcm_types() noexcept;

/// Both.
[[nodiscard]] const std::array<srtp_cipher_type_t, 5>& fast_ciphers() noexcept;

/// HMAC-SHA1 (RFC 2104).
[[nodiscard]] const srtp_auth_type_t& fast_hmac_type() noexcept;

}  // namespace siprec::srtp
