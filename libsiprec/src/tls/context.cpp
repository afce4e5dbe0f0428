#include "tls/context.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

namespace siprec::tls {

namespace {

// RFC 9325 4.2: forward secrecy and authenticated encryption. The suites of TLS 1.3 are all of
// that kind.
constexpr const char* kTls12Suites = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM";

struct NamesDeleter {
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

std::string lower(std::string_view text) {
    std::string folded(text);
    std::ranges::transform(
        folded, folded.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return folded;
}

std::string_view text_of(const ASN1_STRING* value) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
            static_cast<std::size_t>(ASN1_STRING_length(value))};
}

/// `sip:example.com` names the domain example.com (RFC 5922 7.1).
std::string_view without_scheme(std::string_view uri) {
    for (const std::string_view scheme : {"sip:", "sips:"}) {
        if (uri.starts_with(scheme)) {
            return uri.substr(scheme.size());
        }
    }
    return uri;
}

/// RFC 5922 7.1: the subjectAltName entries; the common name only where there are none.
std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    const std::unique_ptr<GENERAL_NAMES, NamesDeleter> alternatives(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    const int count = alternatives ? sk_GENERAL_NAME_num(alternatives.get()) : 0;
    for (int i = 0; i < count; ++i) {
        int type = 0;
        const auto* value = static_cast<const ASN1_STRING*>(
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(alternatives.get(), i), &type));
        if (type == GEN_DNS) {
            names.push_back(lower(text_of(value)));
        } else if (type == GEN_URI) {
            names.emplace_back(without_scheme(lower(text_of(value))));
        }
    }
    if (names.empty()) {
        std::array<char, 256> common{};
        if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
                                      NID_commonName,
                                      common.data(),
                                      static_cast<int>(common.size())) > 0) {
            names.push_back(lower(common.data()));
        }
    }
    return names;
}

bool matches(std::string_view pattern, std::string_view name) {
    if (!pattern.starts_with("*.")) {
        return pattern == name;
    }
    const std::size_t dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 && name.substr(dot) == pattern.substr(1);
}

/// After OpenSSL's own checks of the chain: is the certificate one of those that may come?
int check_subject(int good, X509_STORE_CTX* store) {
    if (good != 1 || X509_STORE_CTX_get_error_depth(store) != 0) {
        return good;
    }
    const auto* connection =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const auto* context =
        static_cast<const Context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
    try {
        if (context->allows(names_of(X509_STORE_CTX_get_current_cert(store)))) {
            return 1;
        }
    } catch (...) {
        // Out of memory: refuse rather than let anybody in.
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

Result<void> readable(const std::string& what, const std::string& file) {
    if (file.empty()) {
        return Error(ErrorCode::InvalidArgument, fmt::format("{}: no file is given", what));
    }
    const std::ifstream stream(file);
    if (!stream) {
        return Error(ErrorCode::Io, fmt::format("{} {}: {}", what, file, std::strerror(errno)));
    }
    return {};
}

Error unusable(std::string_view what, std::string_view file) {
    return {ErrorCode::InvalidArgument, fmt::format("{} {}: {}", what, file, openssl_error())};
}

}  // namespace

std::string openssl_error() {
    std::string text;
    while (const unsigned long code = ERR_get_error()) {
        const char* reason = ERR_reason_error_string(code);
        if (text.empty()) {
            text = reason == nullptr ? "unknown TLS error" : reason;
        }
    }
    return text.empty() ? "no reason given" : text;
}

std::vector<std::string> peer_names(const ssl_st* connection) {
    X509* certificate = SSL_get0_peer_certificate(connection);
    return certificate == nullptr ? std::vector<std::string>{} : names_of(certificate);
}

bool Context::allows(const std::vector<std::string>& names) const {
    return config_.allowed_subjects.empty() ||
           std::ranges::any_of(config_.allowed_subjects, [&names](const std::string& pattern) {
               return std::ranges::any_of(names, [folded = lower(pattern)](const auto& name) {
                   return matches(folded, name);
               });
           });
}

Context::~Context() {
    SSL_CTX_free(context_);
}

Result<void> Context::open() {
    const std::string& key = config_.key.empty() ? config_.certificate : config_.key;
    for (const auto& checked :
         {readable("TLS certificate", config_.certificate), readable("TLS key", key)}) {
        if (!checked) {
            return checked;
        }
    }
    ERR_clear_error();
    context_ = SSL_CTX_new(TLS_server_method());
    if (context_ == nullptr || SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context_, kTls12Suites) != 1) {
        return Error(ErrorCode::Internal, "TLS: " + openssl_error());
    }
    SSL_CTX_set_options(
        context_,
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_app_data(context_, this);
    if (SSL_CTX_use_certificate_chain_file(context_, config_.certificate.c_str()) != 1) {
        return unusable("TLS certificate", config_.certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context_) != 1) {
        return unusable("TLS key", key);
    }
    if (config_.client_certificate == ClientCertificate::Off) {
        return {};
    }
    if (auto checked = readable("TLS client CA", config_.client_ca); !checked) {
        return checked;
    }
    STACK_OF(X509_NAME)* offered = SSL_load_client_CA_file(config_.client_ca.c_str());
    if (offered == nullptr ||
        SSL_CTX_load_verify_locations(context_, config_.client_ca.c_str(), nullptr) != 1) {
        return unusable("TLS client CA", config_.client_ca);
    }
    SSL_CTX_set_client_CA_list(context_, offered);
    int mode = SSL_VERIFY_PEER;
    if (config_.client_certificate == ClientCertificate::Required) {
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_verify(context_, mode, check_subject);
    // A session that is resumed skips the certificate, and a list that was changed since.
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context_, 0);
    return {};
}

Result<std::shared_ptr<const Context>> Context::load(TlsConfig config) {
    auto context = std::make_shared<Context>(std::move(config));
    if (auto opened = context->open(); !opened) {
        return std::move(opened).error();
    }
    return std::shared_ptr<const Context>(std::move(context));
}

}  // namespace siprec::tls
