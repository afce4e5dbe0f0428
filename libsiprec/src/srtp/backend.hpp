#pragma once

#include <siprec/result.hpp>

#include <srtp2/auth.h>
#include <srtp2/cipher.h>

#include <span>

namespace siprec::srtp {

/// Registers types in place of libsrtp2's own, if they pass their known answers, pass libsrtp2's,
/// and make of the same packets the same bytes in every suite; else puts libsrtp2's own back.
/// No context may exist meanwhile, and the types have to last.
/// @return Internal saying which did not
[[nodiscard]] Result<void> install(std::span<const srtp_cipher_type_t> ciphers,
                                   const srtp_auth_type_t& auth);

/// Puts libsrtp2's own types back. No context may exist meanwhile.
[[nodiscard]] Result<void> restore_builtin();

}  // namespace siprec::srtp
