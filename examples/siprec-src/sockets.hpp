#pragma once

#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace srcsim {

using siprec::Result;

/// Owns a file descriptor.
class Fd {
  public:
    Fd() = default;

    explicit Fd(int fd) : fd_(fd) {}

    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }

    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd();

    [[nodiscard]] int get() const noexcept { return fd_; }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

/// A socket address in the system's form.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage);

    [[nodiscard]] static SocketAddress from(const siprec::Endpoint& endpoint);
    [[nodiscard]] siprec::Endpoint endpoint() const;

    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API's own
    // polymorphism
    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

/// "bind: Address already in use" from errno.
[[nodiscard]] siprec::Error system_error(const std::string& what);

/// Opens a socket of `type` (SOCK_DGRAM or SOCK_STREAM), non-blocking, bound to `local`.
[[nodiscard]] Result<Fd> open_bound(int type, const siprec::Endpoint& local);
[[nodiscard]] Result<void> connect_to(const Fd& socket, const siprec::Endpoint& remote);
[[nodiscard]] siprec::Endpoint local_endpoint(const Fd& socket);

/// The address of ours from which packets to `remote` leave.
[[nodiscard]] Result<siprec::IpAddress> source_address(const siprec::Endpoint& remote);

/// Asks the resolver; an address is taken as it is.
[[nodiscard]] Result<siprec::IpAddress> resolve(const std::string& host);

/// Raises the limit of open files to the hard limit.
/// @return the limit now
[[nodiscard]] std::size_t raise_file_limit();

/// The sockets of one stream: RTP on an even port, RTCP on the next (RFC 3550 11).
struct MediaSockets {
    Fd rtp;
    Fd rtcp;
    siprec::Endpoint local;  ///< of RTP
};

struct PortRange {
    std::uint16_t low = 0;
    std::uint16_t high = 0;  ///< both 0: any port
};

/// Hands out pairs of media ports. *One thread.*
class PortAllocator {
  public:
    PortAllocator(siprec::IpAddress address, PortRange range);
    [[nodiscard]] Result<MediaSockets> open_pair();

  private:
    siprec::IpAddress address_;
    PortRange range_;
    std::uint32_t next_ = 0;
};

}  // namespace srcsim
