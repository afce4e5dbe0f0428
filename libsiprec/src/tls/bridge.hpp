#pragma once

// One TLS client and, behind it, the plain connection to the SIP stack.

#include "base/unique_fd.hpp"
#include "tls/context.hpp"
#include "tls/via_rewriter.hpp"

#include <siprec/clock.hpp>
#include <siprec/net.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace siprec::tls {

struct SslDeleter {
    void operator()(ssl_st* connection) const noexcept;
};

/// *Front's thread only.* Never blocks.
class Bridge {
  public:
    enum class State : std::uint8_t { Handshake, Ready, Running, Over };

    /// @param context  kept, because a reload replaces the front's own
    Bridge(base::UniqueFd client,
           std::shared_ptr<const Context> context,
           const Endpoint& remote,
           const Endpoint& local,
           SteadyTime deadline,
           std::size_t max_head_bytes);

    /// Moves what can be moved. State Ready asks for `attach`; Over for an end.
    State pump();

    /// The connection to the stack, connected or about to be.
    void attach(base::UniqueFd backend);

    /// What epoll should wait for; 0: nothing.
    [[nodiscard]] std::uint32_t client_events() const;
    [[nodiscard]] std::uint32_t backend_events() const;

    [[nodiscard]] int client_fd() const { return client_.get(); }

    [[nodiscard]] int backend_fd() const { return backend_.get(); }

    [[nodiscard]] const Endpoint& remote() const { return remote_; }

    [[nodiscard]] const Endpoint& local() const { return local_; }

    /// Why the handshake failed; empty when it did not.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    [[nodiscard]] bool is_shaking_hands() const { return state_ == State::Handshake; }

    [[nodiscard]] SteadyTime deadline() const { return deadline_; }

    /// The proven names of the client, after the handshake.
    [[nodiscard]] std::vector<std::string> names() const { return peer_names(ssl_.get()); }

  private:
    void shake_hands();
    void read_client();
    void write_backend();
    void read_backend();
    void write_client();
    bool retry(int result);

    base::UniqueFd client_;
    base::UniqueFd backend_;
    std::shared_ptr<const Context> context_;
    std::unique_ptr<ssl_st, SslDeleter> ssl_;
    Endpoint remote_;
    Endpoint local_;
    SteadyTime deadline_;
    StreamRewriter inbound_;
    StreamRewriter outbound_;
    std::string to_backend_;
    std::string to_client_;
    State state_ = State::Handshake;
    std::string failure_;
    bool client_done_ = false;
    bool backend_done_ = false;
    bool wants_write_ = false;
};

}  // namespace siprec::tls
