#pragma once

// The TLS front: a thread that takes TLS clients and hands their messages to the SIP stack on
// plain connections over loopback.
//
// sofia-sip could do TLS itself, but Debian 12's cannot reload a certificate, sends no chain, knows
// no optional client certificate, loses memory with each connection, and shakes hands on the SIP
// thread, where a flood of handshakes would hold up every call.

#include "base/mutex.hpp"
#include "base/source_log.hpp"
#include "base/unique_fd.hpp"
#include "tls/bridge.hpp"
#include "tls/context.hpp"

#include <siprec/config.hpp>
#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace siprec::tls {

/// Who is behind a plain connection to the SIP stack.
struct Peer {
    Endpoint remote;
    Endpoint local;
    std::vector<std::string> names;  // of its certificate, proven; empty: it showed none
};

struct FrontStats {
    std::uint64_t connections = 0;  // now
    std::uint64_t accepted = 0;
    std::uint64_t handshakes_failed = 0;
    std::uint64_t refused = 0;  // one of the ceilings was reached
};

/// *Thread-safe.*
class Front {
  public:
    /// Opens the listeners and starts the thread.
    /// @param backend         where the stack listens, on loopback
    /// @param max_head_bytes  a message with a longer head ends its connection
    [[nodiscard]] static Result<std::unique_ptr<Front>> start(
        const std::vector<Listener>& listeners,
        const TlsConfig& config,
        const Endpoint& backend,
        std::size_t max_head_bytes,
        Logger& logger);
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;
    ~Front();

    /// With the ports that were really opened.
    [[nodiscard]] const std::vector<Listener>& listeners() const { return opened_; }

    /// For connections from now on; running ones keep what they have.
    void use(std::shared_ptr<const Context> context);

    /// Who connects from this port of loopback; also shortly after the end of its connection,
    /// because its last requests may still be on their way.
    [[nodiscard]] std::optional<Peer> find(std::uint16_t backend_port) const;

    [[nodiscard]] FrontStats stats() const;

  private:
    struct Session {
        std::unique_ptr<Bridge> bridge;
        std::uint16_t backend_port = 0;
        std::uint32_t client_events = 0;
        std::uint32_t backend_events = 0;
    };

    using Sessions = std::list<Session>;

    Front(const Endpoint& backend, std::size_t max_head_bytes, Logger& logger)
        : backend_(backend), max_head_bytes_(max_head_bytes), logger_(logger) {}

    Result<void> open(const std::vector<Listener>& listeners);
    Result<void> listen(const Listener& wanted);
    void run();
    void accept(int listener);
    void admit(base::UniqueFd client, const Endpoint& remote, const Endpoint& local);
    void pump(Sessions::iterator session);
    [[nodiscard]] Result<void> attach(Session& session);
    void watch(Session& session);
    void end(Sessions::iterator session);
    void sweep(SteadyTime now);
    void complain(const IpAddress& source, std::string_view what, std::string_view why);
    [[nodiscard]] std::shared_ptr<const Context> context() const;

    const Endpoint backend_;
    const std::size_t max_head_bytes_;
    Logger& logger_;
    std::vector<Listener> opened_;
    std::vector<base::UniqueFd> sockets_;
    base::UniqueFd epoll_;
    base::UniqueFd stop_;

    mutable base::Mutex mutex_;
    std::shared_ptr<const Context> context_ SIPREC_GUARDED_BY(mutex_);
    std::unordered_map<std::uint16_t, Peer> peers_ SIPREC_GUARDED_BY(mutex_);

    std::atomic<std::uint64_t> connections_{0};
    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> handshakes_failed_{0};
    std::atomic<std::uint64_t> refused_{0};

    // The thread's own:
    Sessions sessions_;
    std::unordered_map<int, Sessions::iterator> by_fd_;
    std::map<IpAddress, std::size_t> by_source_;
    std::vector<std::pair<SteadyTime, std::uint16_t>> ended_;
    base::SourceLog source_log_;

    std::thread thread_;
};

}  // namespace siprec::tls
