#include "tls/front.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ranges>
#include <utility>
#include <vector>

namespace siprec::tls {

namespace {

constexpr int kSweepMs = 500;
constexpr std::chrono::seconds kForgetPeer{10};

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage);

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

    static SocketAddress from(const Endpoint& endpoint) {
        SocketAddress address;
        const auto bytes = endpoint.address.bytes();
        if (endpoint.address.is_v6()) {
            auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons(endpoint.port);
            std::memcpy(&v6->sin6_addr, bytes.data(), bytes.size());
            address.length = sizeof(sockaddr_in6);
        } else {
            auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
            v4->sin_family = AF_INET;
            v4->sin_port = htons(endpoint.port);
            std::memcpy(&v4->sin_addr, bytes.data(), bytes.size());
            address.length = sizeof(sockaddr_in);
        }
        return address;
    }

    [[nodiscard]] Endpoint endpoint() const {
        if (storage.ss_family == AF_INET6) {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
            std::array<std::uint8_t, 16> bytes{};
            std::memcpy(bytes.data(), &v6->sin6_addr, bytes.size());
            return {.address = IpAddress::v6(bytes), .port = ntohs(v6->sin6_port)};
        }
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &v4->sin_addr, bytes.size());
        return {.address = IpAddress::v4(bytes), .port = ntohs(v4->sin_port)};
    }
};

Endpoint local_endpoint(int fd) {
    SocketAddress address;
    return ::getsockname(fd, address.get(), &address.length) == 0 ? address.endpoint() : Endpoint{};
}

Error system_error(std::string_view what) {
    return {ErrorCode::Io, fmt::format("{}: {}", what, std::strerror(errno))};
}

bool set_watch(int epoll, int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<Front>> Front::start(const std::vector<Listener>& listeners,
                                            const TlsConfig& config,
                                            const Endpoint& backend,
                                            std::size_t max_head_bytes,
                                            Logger& logger) {
    std::unique_ptr<Front> front(new Front(backend, max_head_bytes, logger));
    auto context = Context::load(config);
    if (!context) {
        return std::move(context).error();
    }
    front->use(std::move(*context));
    if (auto opened = front->open(listeners); !opened) {
        return std::move(opened).error();
    }
    return front;
}

Result<void> Front::open(const std::vector<Listener>& listeners) {
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    stop_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!epoll_ || !stop_ || !set_watch(epoll_.get(), EPOLL_CTL_ADD, stop_.get(), EPOLLIN)) {
        return system_error("epoll");
    }
    for (const Listener& wanted : listeners) {
        if (auto opened = listen(wanted); !opened) {
            return opened;
        }
    }
    thread_ = std::thread([this] {
        // A client that is gone is an error of the write, not a reason to die.
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        run();
    });
    return {};
}

Result<void> Front::listen(const Listener& wanted) {
    const int on = 1;
    auto address = SocketAddress::from(wanted.endpoint);
    base::UniqueFd fd(
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const bool is_v6 = wanted.endpoint.address.is_v6();
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (is_v6 && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        ::bind(fd.get(), address.get(), address.length) != 0 ||
        ::listen(fd.get(), SOMAXCONN) != 0 ||
        !set_watch(epoll_.get(), EPOLL_CTL_ADD, fd.get(), EPOLLIN)) {
        return system_error("cannot listen on tls:" + wanted.endpoint.to_string());
    }
    Listener opened = wanted;
    opened.endpoint.port = local_endpoint(fd.get()).port;
    opened_.push_back(opened);
    sockets_.push_back(std::move(fd));
    return {};
}

Front::~Front() {
    if (thread_.joinable()) {
        // Cannot fail: the counter is far from its limit.
        static_cast<void>(::eventfd_write(stop_.get(), 1));
        thread_.join();
    }
}

void Front::use(std::shared_ptr<const Context> context) {
    const base::MutexLock lock(mutex_);
    context_ = std::move(context);
}

std::shared_ptr<const Context> Front::context() const {
    const base::MutexLock lock(mutex_);
    return context_;
}

std::optional<Peer> Front::find(std::uint16_t backend_port) const {
    const base::MutexLock lock(mutex_);
    const auto found = peers_.find(backend_port);
    return found == peers_.end() ? std::nullopt : std::optional(found->second);
}

FrontStats Front::stats() const {
    return {.connections = connections_,
            .accepted = accepted_,
            .handshakes_failed = handshakes_failed_,
            .refused = refused_};
}

void Front::run() {
    std::array<epoll_event, 64> ready{};
    SteadyTime swept = system_clock().steady_now();
    for (;;) {
        const int count =
            ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), kSweepMs);
        for (int i = 0; i < count; ++i) {
            const int fd = ready.at(static_cast<std::size_t>(i)).data.fd;
            if (fd == stop_.get()) {
                return;
            }
            if (std::ranges::any_of(sockets_, [fd](const auto& own) { return own.get() == fd; })) {
                accept(fd);
            } else if (const auto found = by_fd_.find(fd); found != by_fd_.end()) {
                pump(found->second);
            }
        }
        const SteadyTime now = system_clock().steady_now();
        if (now - swept >= std::chrono::milliseconds(kSweepMs)) {
            sweep(now);
            swept = now;
        }
    }
}

void Front::accept(int listener) {
    // A few at a time, so that a flood of connections does not hold up those that are there.
    constexpr int kAtOnce = 16;
    for (int i = 0; i < kAtOnce; ++i) {
        SocketAddress peer;
        base::UniqueFd client(
            ::accept4(listener, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!client) {
            return;
        }
        const Endpoint local = local_endpoint(client.get());
        admit(std::move(client), peer.endpoint(), local);
    }
}

void Front::admit(base::UniqueFd client, const Endpoint& remote, const Endpoint& local) {
    const auto context = this->context();
    const TlsConfig& config = context->config();
    std::size_t& of_source = by_source_[remote.address];
    if (sessions_.size() >= config.max_connections ||
        of_source >= config.max_connections_per_source) {
        ++refused_;
        if (of_source == 0) {
            by_source_.erase(remote.address);
        }
        complain(remote.address, "TLS connection refused", "too many connections");
        return;
    }
    ++of_source;
    const int on = 1;
    // Helpful, not needed: without them small messages wait and dead clients are found later.
    static_cast<void>(::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    static_cast<void>(::setsockopt(client.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
    const SteadyTime deadline = system_clock().steady_now() + config.handshake_timeout;
    sessions_.push_back(
        {.bridge = std::make_unique<Bridge>(
             std::move(client), context, remote, local, deadline, max_head_bytes_)});
    ++connections_;
    ++accepted_;
    const auto session = std::prev(sessions_.end());
    by_fd_[session->bridge->client_fd()] = session;
    pump(session);
}

void Front::pump(Sessions::iterator session) {
    Bridge& bridge = *session->bridge;
    Bridge::State state = bridge.pump();
    if (state == Bridge::State::Ready) {
        if (const auto attached = attach(*session); !attached) {
            complain(bridge.remote().address,
                     "TLS connection refused",
                     Result<void>(attached).error().message());
            end(session);
            return;
        }
        by_fd_[bridge.backend_fd()] = session;
        state = bridge.pump();
    }
    if (state == Bridge::State::Over) {
        if (!bridge.failure().empty()) {
            ++handshakes_failed_;
            complain(bridge.remote().address, "TLS handshake failed", bridge.failure());
        }
        end(session);
        return;
    }
    watch(*session);
}

Result<void> Front::attach(Session& session) {
    base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    auto own = SocketAddress::from({.address = backend_.address, .port = 0});
    if (!fd || ::bind(fd.get(), own.get(), own.length) != 0) {
        return system_error("connection to the SIP stack");
    }
    session.backend_port = local_endpoint(fd.get()).port;
    {
        // Before it connects: the stack may ask as soon as it does.
        const base::MutexLock lock(mutex_);
        peers_[session.backend_port] = {.remote = session.bridge->remote(),
                                        .local = session.bridge->local(),
                                        .names = session.bridge->names()};
    }
    const int on = 1;
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    auto stack = SocketAddress::from(backend_);
    if (::connect(fd.get(), stack.get(), stack.length) != 0 && errno != EINPROGRESS) {
        return system_error("connection to the SIP stack");
    }
    session.bridge->attach(std::move(fd));
    return {};
}

void Front::watch(Session& session) {
    const auto update = [this](int fd, std::uint32_t& known, std::uint32_t wanted) {
        if (fd < 0 || known == wanted) {
            return;
        }
        const int operation = known == 0    ? EPOLL_CTL_ADD
                              : wanted == 0 ? EPOLL_CTL_DEL
                                            : EPOLL_CTL_MOD;
        if (set_watch(epoll_.get(), operation, fd, wanted)) {
            known = wanted;
        }
    };
    const Bridge& bridge = *session.bridge;
    update(bridge.client_fd(), session.client_events, bridge.client_events());
    update(bridge.backend_fd(), session.backend_events, bridge.backend_events());
}

void Front::end(Sessions::iterator session) {
    const Bridge& bridge = *session->bridge;
    by_fd_.erase(bridge.client_fd());
    by_fd_.erase(bridge.backend_fd());
    if (session->backend_port != 0) {
        ended_.emplace_back(system_clock().steady_now(), session->backend_port);
    }
    const auto source = by_source_.find(bridge.remote().address);
    if (--source->second == 0) {
        by_source_.erase(source);
    }
    sessions_.erase(session);
    --connections_;
}

void Front::sweep(SteadyTime now) {
    for (auto next = sessions_.begin(); next != sessions_.end();) {
        const auto session = next++;
        if (session->bridge->is_shaking_hands() && session->bridge->deadline() <= now) {
            ++handshakes_failed_;
            complain(session->bridge->remote().address, "TLS handshake failed", "not done in time");
            end(session);
        }
    }
    std::vector<std::uint16_t> forgotten;
    std::erase_if(ended_, [&](const auto& entry) {
        if (now - entry.first < kForgetPeer) {
            return false;
        }
        const bool is_used_again = std::ranges::any_of(sessions_, [&](const Session& session) {
            return session.backend_port == entry.second;
        });
        if (!is_used_again) {
            forgotten.push_back(entry.second);
        }
        return true;
    });
    const base::MutexLock lock(mutex_);
    for (const std::uint16_t port : forgotten) {
        peers_.erase(port);
    }
}

void Front::complain(const IpAddress& source, std::string_view what, std::string_view why) {
    if (const auto swallowed = source_log_.may_log(source, system_clock().steady_now())) {
        logger_.log(LogLevel::Warning,
                    "tls",
                    what,
                    {{"source", source.to_string()},
                     {"reason", why},
                     {"swallowed", std::to_string(*swallowed)}});
    }
}

}  // namespace siprec::tls
