#pragma once

// A UDP socket on loopback for tests that speak to the library over the network.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace siprec::test {

class UdpPeer {
  public:
    UdpPeer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (fd_ < 0 || ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            throw std::runtime_error("no UDP socket on loopback");
        }
        port_ = ntohs(address.sin_port);
    }

    UdpPeer(const UdpPeer&) = delete;
    UdpPeer& operator=(const UdpPeer&) = delete;

    ~UdpPeer() { ::close(fd_); }

    [[nodiscard]] std::uint16_t port() const { return port_; }

    void send(std::uint16_t to, const std::string& bytes) const {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(to);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::sendto(fd_,
                     bytes.data(),
                     bytes.size(),
                     0,
                     reinterpret_cast<const sockaddr*>(&address),
                     sizeof address) != static_cast<ssize_t>(bytes.size())) {
            throw std::runtime_error("sendto failed");
        }
    }

    /// The next datagram; empty when none comes in time.
    [[nodiscard]] std::string receive(
        std::chrono::milliseconds timeout = std::chrono::seconds(5)) const {
        pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, static_cast<int>(timeout.count())) != 1) {
            return {};
        }
        std::array<char, 65536> buffer{};
        const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
        return size < 0 ? std::string{}
                        : std::string(buffer.data(), static_cast<std::size_t>(size));
    }

  private:
    int fd_;
    std::uint16_t port_ = 0;
};

}  // namespace siprec::test
