#include "tls/peer_name.hpp"

#include "tls/context.hpp"

#include <siprec/net.hpp>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace siprec::tls {

Result<void> expect_peer(ssl_st* connection, const std::string& host) {
    ERR_clear_error();
    bool is_set = false;
    if (IpAddress::parse(host)) {
        is_set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str()) == 1;
    } else {
        SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        // SSL_set_tlsext_host_name without the cast in that macro; it copies the name.
        std::string name = host;
        is_set =
            SSL_set1_host(connection, host.c_str()) == 1 && SSL_ctrl(connection,
                                                                     SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                                                     TLSEXT_NAMETYPE_host_name,
                                                                     name.data()) == 1;
    }
    if (!is_set) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("TLS to {}: {}", host, openssl_error()));
    }
    return {};
}

}  // namespace siprec::tls
