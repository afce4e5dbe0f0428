#include "transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

namespace srcsim {

using siprec::Endpoint;
using siprec::Error;
using siprec::ErrorCode;
using siprec::Transport;

namespace {

constexpr int kSocketBuffer = 4 << 20;
constexpr std::size_t kReadSize = 65536;

Result<void> watch(int epoll_fd, int fd, std::uint32_t events, int operation = EPOLL_CTL_ADD) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_fd, operation, fd, &event) != 0) {
        return system_error("epoll_ctl");
    }
    return {};
}

// Larger buffers carry a burst of calls; the default ones work too, so a refusal does no harm.
void widen_buffers(const Fd& fd) {
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
}

}  // namespace

SipTransport::SipTransport(Transport kind, Fd socket, int epoll_fd, std::unique_ptr<TlsContext> tls)
    : kind_(kind),
      tls_(std::move(tls)),
      socket_(std::move(socket)),
      epoll_fd_(epoll_fd),
      local_(local_endpoint(socket_)) {}

Result<std::unique_ptr<SipTransport>> SipTransport::open(Transport kind,
                                                         const Endpoint& local,
                                                         int epoll_fd,
                                                         std::unique_ptr<TlsContext> tls) {
    const bool is_udp = kind == Transport::Udp;
    auto socket = open_bound(is_udp ? SOCK_DGRAM : SOCK_STREAM, local);
    if (!socket) {
        return std::move(socket).error();
    }
    if (is_udp) {
        widen_buffers(*socket);
    } else if (::listen(socket->get(), SOMAXCONN) != 0) {
        return system_error("listen on " + local.to_string());
    }
    if (auto watched = watch(epoll_fd, socket->get(), EPOLLIN); !watched) {
        return std::move(watched).error();
    }
    return std::unique_ptr<SipTransport>{
        new SipTransport{kind, std::move(*socket), epoll_fd, std::move(tls)}};
}

Result<void> SipTransport::send(const Endpoint& to, const std::string& text) {
    if (kind_ == Transport::Udp) {
        SocketAddress address = SocketAddress::from(to);
        if (::sendto(socket_.get(), text.data(), text.size(), 0, address.get(), address.length) <
            0) {
            return system_error("send to " + to.to_string());
        }
        return {};
    }
    auto connection = connection_to(to);
    if (!connection) {
        return std::move(connection).error();
    }
    (*connection)->unsent += text;
    return flush(**connection);
}

Result<SipTransport::Connection*> SipTransport::connection_to(const Endpoint& to) {
    if (const auto known = by_peer_.find(to); known != by_peer_.end()) {
        return &connections_.at(known->second);
    }
    auto fd = open_bound(SOCK_STREAM, {local_.address, 0});
    if (!fd) {
        return std::move(fd).error();
    }
    if (auto connected = connect_to(*fd, to); !connected) {
        return std::move(connected).error();
    }
    auto adopted = adopt(std::move(*fd), to);
    if (adopted && tls_) {
        (*adopted)->tls = tls_->connect((*adopted)->fd.get());
    }
    return adopted;
}

Result<SipTransport::Connection*> SipTransport::adopt(Fd fd, const Endpoint& peer) {
    const int on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (auto watched = watch(epoll_fd_, fd.get(), EPOLLIN); !watched) {
        return std::move(watched).error();
    }
    const int key = fd.get();
    Connection& connection = connections_[key];
    connection.fd = std::move(fd);
    connection.peer = peer;
    by_peer_[peer] = key;
    return &connection;
}

Result<void> SipTransport::flush(Connection& connection) {
    while (!connection.unsent.empty()) {
        const std::string& unsent = connection.unsent;
        const ssize_t sent =
            connection.tls
                ? connection.tls->send(unsent.data(), unsent.size())
                : ::send(connection.fd.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != ENOTCONN) {
                return system_error("send to " + connection.peer.to_string());
            }
            break;
        }
        connection.unsent.erase(0, static_cast<std::size_t>(sent));
    }
    const bool wants_write = !connection.unsent.empty();
    if (wants_write == connection.wants_write) {
        return {};
    }
    connection.wants_write = wants_write;
    return watch(
        epoll_fd_, connection.fd.get(), wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

bool SipTransport::handle(int fd, std::uint32_t events, const Handlers& handlers) {
    if (fd == socket_.get()) {
        if (kind_ == Transport::Udp) {
            receive_datagrams(handlers);
        } else {
            accept_connections();
        }
        return true;
    }
    const auto found = connections_.find(fd);
    if (found == connections_.end()) {
        return false;
    }
    bool is_alive = true;
    if ((events & EPOLLOUT) != 0U) {
        is_alive = flush(found->second).has_value();
    }
    if (is_alive && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0U) {
        is_alive = receive_stream(found->second, handlers);
    }
    if (!is_alive) {
        const Endpoint peer = found->second.peer;
        by_peer_.erase(peer);
        connections_.erase(found);
        handlers.on_connection_lost(peer);
    }
    return true;
}

void SipTransport::receive_datagrams(const Handlers& handlers) {
    std::array<char, kReadSize> buffer{};
    for (;;) {
        SocketAddress source;
        const ssize_t size = ::recvfrom(
            socket_.get(), buffer.data(), buffer.size(), 0, source.get(), &source.length);
        if (size < 0) {
            return;
        }
        const std::string_view text{buffer.data(), static_cast<std::size_t>(size)};
        if (trimmed(text).empty()) {
            continue;  // a keep-alive
        }
        if (const auto message = parse_message(text)) {
            handlers.on_message(*message, source.endpoint());
        } else {
            ++malformed_;
        }
    }
}

void SipTransport::accept_connections() {
    for (;;) {
        SocketAddress peer;
        const int accepted =
            ::accept4(socket_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        Fd owned{accepted};
        if (!owned.is_open()) {
            return;
        }
        if (tls_) {
            continue;  // we are no TLS server
        }
        if (!adopt(std::move(owned), peer.endpoint())) {
            return;
        }
    }
}

bool SipTransport::receive_stream(Connection& connection, const Handlers& handlers) {
    std::array<char, kReadSize> buffer{};
    bool is_open = true;
    for (;;) {
        const ssize_t size = connection.tls
                                 ? connection.tls->receive(buffer.data(), buffer.size())
                                 : ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
        if (size > 0) {
            connection.framer.push({buffer.data(), static_cast<std::size_t>(size)});
            continue;
        }
        is_open = size < 0 && errno == EAGAIN;
        break;
    }
    for (;;) {
        auto message = connection.framer.next();
        if (!message) {
            ++malformed_;
            return false;
        }
        const std::optional<Message>& complete = *message;
        if (!complete) {
            return is_open;
        }
        handlers.on_message(*complete, connection.peer);
    }
}

}  // namespace srcsim
