#pragma once

#include "message.hpp"
#include "sockets.hpp"
#include "tls.hpp"

#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace srcsim {

/// Carries SIP messages (RFC 3261 18) over one UDP socket or one TCP connection a peer, and takes
/// connections that a peer opens to our Contact. *One thread*, which calls `handle` for every
/// descriptor that the epoll set given to it reports.
class SipTransport {
  public:
    struct Handlers {
        std::function<void(const Message&, const siprec::Endpoint& source)> on_message;
        std::function<void(const siprec::Endpoint& peer)> on_connection_lost;
    };

    /// @param local  port 0: any
    /// @param tls    for transport TLS, on which the peer cannot connect to us
    [[nodiscard]] static Result<std::unique_ptr<SipTransport>> open(
        siprec::Transport kind,
        const siprec::Endpoint& local,
        int epoll_fd,
        std::unique_ptr<TlsContext> tls = nullptr);

    [[nodiscard]] const siprec::Endpoint& local() const noexcept { return local_; }

    [[nodiscard]] Result<void> send(const siprec::Endpoint& to, const std::string& text);

    /// @return false when `fd` is none of ours
    bool handle(int fd, std::uint32_t events, const Handlers& handlers);

    /// Messages that could not be read as SIP.
    [[nodiscard]] std::size_t malformed_count() const noexcept { return malformed_; }

  private:
    struct Connection {
        Fd fd;
        std::unique_ptr<TlsSession> tls;
        siprec::Endpoint peer;
        StreamFramer framer;
        std::string unsent;
        bool wants_write = false;
    };

    SipTransport(siprec::Transport kind, Fd socket, int epoll_fd, std::unique_ptr<TlsContext> tls);
    [[nodiscard]] Result<Connection*> connection_to(const siprec::Endpoint& to);
    [[nodiscard]] Result<Connection*> adopt(Fd fd, const siprec::Endpoint& peer);
    [[nodiscard]] Result<void> flush(Connection& connection);
    void receive_datagrams(const Handlers& handlers);
    void accept_connections();
    [[nodiscard]] bool receive_stream(Connection& connection, const Handlers& handlers);

    siprec::Transport kind_;
    std::unique_ptr<TlsContext> tls_;  // before the connections made from it
    Fd socket_;                        // UDP, or listening
    int epoll_fd_;
    siprec::Endpoint local_;
    std::map<int, Connection> connections_;
    std::map<siprec::Endpoint, int> by_peer_;
    std::size_t malformed_ = 0;
};

}  // namespace srcsim
