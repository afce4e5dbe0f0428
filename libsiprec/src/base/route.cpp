#include "base/route.hpp"

#include "base/unique_fd.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace siprec::base {

IpAddress address_towards(const Endpoint& peer) {
    const int family = peer.address.is_v6() ? AF_INET6 : AF_INET;
    const UniqueFd probe(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!probe) {
        return {};
    }
    if (family == AF_INET6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(peer.port);
        std::memcpy(&address.sin6_addr, peer.address.bytes().data(), 16);
        socklen_t size = sizeof address;
        if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            return {};
        }
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), &address.sin6_addr, bytes.size());
        return IpAddress::v6(bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(peer.port);
    std::memcpy(&address.sin_addr, peer.address.bytes().data(), 4);
    socklen_t size = sizeof address;
    if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return {};
    }
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &address.sin_addr, bytes.size());
    return IpAddress::v4(bytes);
}

}  // namespace siprec::base
