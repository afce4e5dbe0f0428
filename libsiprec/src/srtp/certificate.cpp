#include "srtp/certificate.hpp"

#include "base/secret_bytes.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <span>
#include <utility>

namespace siprec::srtp {

namespace {

const EVP_MD* digest_of(Hash hash) noexcept {
    switch (hash) {
        case Hash::Sha1:
            return EVP_sha1();
        case Hash::Sha256:
            return EVP_sha256();
        case Hash::Sha384:
            return EVP_sha384();
        case Hash::Sha512:
            return EVP_sha512();
    }
    return nullptr;
}

/// Says nothing of the machine; whose it is, the fingerprint says.
X509Ptr sign_itself(EVP_PKEY* key) {
    constexpr long kDay = 24 * 60 * 60;
    X509Ptr certificate(X509_new());
    if (!certificate) {
        return nullptr;
    }
    X509* x509 = certificate.get();
    std::uint32_t serial = 0;
    base::fill_random(std::as_writable_bytes(std::span(&serial, 1)));
    X509_NAME* name = X509_get_subject_name(x509);
    constexpr std::array<unsigned char, 6> kName{'s', 'i', 'p', 'r', 'e', 'c'};
    const bool done =
        X509_set_version(x509, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(x509), static_cast<long>(serial >> 1U)) == 1 &&
        // A day back: clocks of others may be behind.
        X509_gmtime_adj(X509_getm_notBefore(x509), -kDay) != nullptr &&
        X509_gmtime_adj(X509_getm_notAfter(x509), 3650 * kDay) != nullptr &&
        X509_NAME_add_entry_by_txt(
            name, "CN", MBSTRING_ASC, kName.data(), static_cast<int>(kName.size()), -1, 0) == 1 &&
        X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1 &&
        X509_sign(x509, key, EVP_sha256()) > 0;
    return done ? std::move(certificate) : nullptr;
}

}  // namespace

std::optional<Fingerprint> fingerprint_of(const X509* certificate, Hash hash) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (X509_digest(certificate, digest_of(hash), digest.data(), &size) != 1) {
        return std::nullopt;
    }
    const auto bytes = std::as_bytes(std::span(digest)).first(size);
    return Fingerprint{.hash = hash, .digest = {bytes.begin(), bytes.end()}};
}

std::string take_openssl_error() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (code == 0) {
        return "no reason given";
    }
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

Certificate::Certificate(std::unique_ptr<State> state, Fingerprint fingerprint) noexcept
    : state_(std::move(state)), fingerprint_(std::move(fingerprint)) {}

Certificate::~Certificate() = default;

Result<std::shared_ptr<const Certificate>> Certificate::generate() {
    const auto failed = [] {
        return Error(ErrorCode::Internal,
                     fmt::format("cannot make a certificate for DTLS: {}", take_openssl_error()));
    };
    auto state = std::make_unique<State>();
    state->key = KeyPtr(EVP_EC_gen("P-256"));
    if (!state->key) {
        return failed();
    }
    state->x509 = sign_itself(state->key.get());
    state->context = SslContextPtr(SSL_CTX_new(DTLS_method()));
    if (!state->x509 || !state->context) {
        return failed();
    }
    SSL_CTX* context = state->context.get();
    auto fingerprint = fingerprint_of(state->x509.get(), Hash::Sha256);
    // RFC 8827 6.5: no DTLS below 1.2.
    if (!fingerprint || SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate(context, state->x509.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, state->key.get()) != 1) {
        return failed();
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    return std::shared_ptr<const Certificate>(
        new Certificate(std::move(state), *std::move(fingerprint)));
}

}  // namespace siprec::srtp
