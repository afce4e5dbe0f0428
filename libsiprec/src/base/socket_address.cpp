#include "base/socket_address.hpp"

#include <array>
#include <cstring>

namespace siprec::base {

SocketAddress to_socket_address(const Endpoint& endpoint) noexcept {
    SocketAddress result;
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v6()) {
        sockaddr_in6 six{};
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(endpoint.port);
        std::memcpy(&six.sin6_addr, bytes.data(), bytes.size());
        std::memcpy(&result.storage, &six, sizeof six);
        result.length = sizeof six;
    } else {
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_port = htons(endpoint.port);
        std::memcpy(&four.sin_addr, bytes.data(), bytes.size());
        std::memcpy(&result.storage, &four, sizeof four);
        result.length = sizeof four;
    }
    return result;
}

Endpoint to_endpoint(const sockaddr_storage& storage) noexcept {
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 six{};
        std::memcpy(&six, &storage, sizeof six);
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
        return {.address = IpAddress::v6(bytes), .port = ntohs(six.sin6_port)};
    }
    sockaddr_in four{};
    std::memcpy(&four, &storage, sizeof four);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &four.sin_addr, bytes.size());
    return {.address = IpAddress::v4(bytes), .port = ntohs(four.sin_port)};
}

}  // namespace siprec::base
