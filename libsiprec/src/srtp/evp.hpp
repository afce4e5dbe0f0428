#pragma once

#include <openssl/evp.h>

#include <memory>

namespace siprec::srtp {

struct EvpCipherContextFree {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

using EvpCipherContext = std::unique_ptr<EVP_CIPHER_CTX, EvpCipherContextFree>;

struct EvpCipherFree {
    void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
};

using EvpCipher = std::unique_ptr<EVP_CIPHER, EvpCipherFree>;

/// Looked up once: OpenSSL 3 otherwise asks its providers at each use.
[[nodiscard]] inline EvpCipher fetch_cipher(const char* name) noexcept {
    return EvpCipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
}

}  // namespace siprec::srtp
