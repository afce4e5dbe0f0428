#pragma once

#include <siprec/dtls.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace siprec::srtp {

template <auto Free>
struct OpensslFree {
    template <typename T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

/// What all associations with one certificate share.
struct Certificate::State {
    KeyPtr key;
    X509Ptr x509;
    SslContextPtr context;
};

/// Nothing when OpenSSL cannot hash.
[[nodiscard]] std::optional<Fingerprint> fingerprint_of(const X509* certificate, Hash hash);

/// The latest of OpenSSL's errors on this thread, which are forgotten with it.
[[nodiscard]] std::string take_openssl_error();

}  // namespace siprec::srtp
