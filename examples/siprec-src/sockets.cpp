#include "sockets.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>

namespace srcsim {

using siprec::Endpoint;
using siprec::Error;
using siprec::ErrorCode;
using siprec::IpAddress;

Fd::~Fd() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Error system_error(const std::string& what) {
    const int error = errno;
    const bool is_exhausted =
        error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    return {is_exhausted ? ErrorCode::ResourceExhausted : ErrorCode::Io,
            what + ": " + std::generic_category().message(error)};
}

SocketAddress SocketAddress::from(const Endpoint& endpoint) {
    SocketAddress out;
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v6()) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(endpoint.port);
        std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
        std::memcpy(&out.storage, &v6, sizeof v6);
        out.length = sizeof v6;
    } else {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
        std::memcpy(&out.storage, &v4, sizeof v4);
        out.length = sizeof v4;
    }
    return out;
}

Endpoint SocketAddress::endpoint() const {
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage, sizeof v6);
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        return {IpAddress::v6(bytes), ntohs(v6.sin6_port)};
    }
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return {IpAddress::v4(bytes), ntohs(v4.sin_port)};
}

Result<Fd> open_bound(int type, const Endpoint& local) {
    Fd fd{::socket(
        local.address.is_v6() ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd.is_open()) {
        return system_error("socket");
    }
    SocketAddress address = SocketAddress::from(local);
    if (::bind(fd.get(), address.get(), address.length) != 0) {
        return system_error("bind to " + local.to_string());
    }
    return fd;
}

Result<void> connect_to(const Fd& socket, const Endpoint& remote) {
    SocketAddress address = SocketAddress::from(remote);
    if (::connect(socket.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
        return system_error("connect to " + remote.to_string());
    }
    return {};
}

Endpoint local_endpoint(const Fd& socket) {
    SocketAddress address;
    if (::getsockname(socket.get(), address.get(), &address.length) != 0) {
        return {};
    }
    return address.endpoint();
}

Result<IpAddress> source_address(const Endpoint& remote) {
    const IpAddress any = remote.address.is_v6() ? IpAddress::v6({}) : IpAddress{};
    auto probe = open_bound(SOCK_DGRAM, {any, 0});
    if (!probe) {
        return std::move(probe).error();
    }
    if (auto connected = connect_to(*probe, remote); !connected) {
        return std::move(connected).error();
    }
    return local_endpoint(*probe).address;
}

Result<IpAddress> resolve(const std::string& host) {
    if (const auto address = IpAddress::parse(host)) {
        return *address;
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
        return Error{ErrorCode::NotFound, host + ": " + ::gai_strerror(error)};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
    SocketAddress address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    return address.endpoint().address;
}

std::size_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    rlimit raised = limit;
    raised.rlim_cur = raised.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

PortAllocator::PortAllocator(IpAddress address, PortRange range)
    : address_(address), range_(range), next_(range.low + range.low % 2U) {}

Result<MediaSockets> PortAllocator::open_pair() {
    constexpr std::size_t kTriesOfAny = 64;
    const bool is_any = range_.high == 0;
    const std::size_t tries =
        is_any ? kTriesOfAny : std::max<std::size_t>((range_.high - range_.low + 1U) / 2U, 1);
    for (std::size_t i = 0; i < tries; ++i) {
        if (!is_any && next_ + 1 > range_.high) {
            next_ = range_.low + range_.low % 2U;
        }
        const auto wanted = static_cast<std::uint16_t>(is_any ? 0U : next_);
        next_ += 2;
        auto rtp = open_bound(SOCK_DGRAM, {address_, wanted});
        if (!rtp) {
            if (rtp.error().code() == ErrorCode::ResourceExhausted) {
                return std::move(rtp).error();
            }
            continue;
        }
        const Endpoint local = local_endpoint(*rtp);
        if (local.port % 2 != 0) {
            continue;
        }
        auto rtcp = open_bound(SOCK_DGRAM, {address_, static_cast<std::uint16_t>(local.port + 1)});
        if (rtcp) {
            return MediaSockets{std::move(*rtp), std::move(*rtcp), local};
        }
    }
    return Error{ErrorCode::ResourceExhausted, "no free pair of media ports"};
}

}  // namespace srcsim
