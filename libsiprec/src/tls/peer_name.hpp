#pragma once

// Which server a client's TLS connection is to reach.

#include <siprec/result.hpp>

#include <string>

struct ssl_st;  // OpenSSL's own tag, so that this header needs none of its headers

namespace siprec::tls {

/// Names the server in the handshake (RFC 6066 3, not for an address) and takes only a certificate
/// that has this name or address (RFC 9525). To be called before the handshake.
/// @param host  a DNS name or an IP address, without brackets
[[nodiscard]] Result<void> expect_peer(ssl_st* connection, const std::string& host);

}  // namespace siprec::tls
