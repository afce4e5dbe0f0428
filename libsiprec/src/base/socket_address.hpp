#pragma once

// Between our endpoints and the kernel's socket addresses.

#include <siprec/net.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

namespace siprec::base {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

[[nodiscard]] SocketAddress to_socket_address(const Endpoint& endpoint) noexcept;

/// @param storage  of family AF_INET or AF_INET6
[[nodiscard]] Endpoint to_endpoint(const sockaddr_storage& storage) noexcept;

}  // namespace siprec::base
