#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>

namespace srcsim {

using siprec::Error;
using siprec::ErrorCode;

TlsSession::TlsSession(ssl_ctx_st* context, int fd) : session_(SSL_new(context)) {
    if (session_ != nullptr && SSL_set_fd(session_, fd) == 1) {
        SSL_set_connect_state(session_);
    }
}

TlsSession::~TlsSession() {
    SSL_free(session_);
}

ssize_t TlsSession::result_of(int result) {
    if (result > 0) {
        return result;
    }
    const int error = SSL_get_error(session_, result);
    ERR_clear_error();
    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

ssize_t TlsSession::send(const char* data, std::size_t size) {
    return result_of(SSL_write(session_, data, static_cast<int>(size)));
}

ssize_t TlsSession::receive(char* data, std::size_t size) {
    return result_of(SSL_read(session_, data, static_cast<int>(size)));
}

siprec::Result<std::unique_ptr<TlsContext>> TlsContext::load(const TlsFiles& files) {
    auto context = std::make_unique<TlsContext>(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* native = context->context_;
    if (native == nullptr || SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1) {
        return Error(ErrorCode::Internal, "TLS cannot be set up");
    }
    SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!files.ca.empty()) {
        if (SSL_CTX_load_verify_locations(native, files.ca.c_str(), nullptr) != 1) {
            return Error(ErrorCode::Io, "--ca " + files.ca + ": no certificates");
        }
        SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
    }
    if (!files.certificate.empty() &&
        (SSL_CTX_use_certificate_chain_file(native, files.certificate.c_str()) != 1 ||
         SSL_CTX_use_PrivateKey_file(native, files.certificate.c_str(), SSL_FILETYPE_PEM) != 1)) {
        return Error(ErrorCode::Io,
                     "--cert " + files.certificate + ": no certificate with its key");
    }
    return context;
}

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
}

}  // namespace srcsim
