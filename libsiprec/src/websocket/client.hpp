#pragma once

// One WebSocket connection that is kept up: what is sent waits while it is down.

#include <siprec/log.hpp>
#include <siprec/result.hpp>
#include <siprec/websocket_sink.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace siprec::websocket {

/// The thread that does the network's work for all clients. *Thread-safe.*
class Network {
  public:
    /// @return InvalidArgument, Io as `WebSocketSinks::create` says
    [[nodiscard]] static Result<std::shared_ptr<Network>> create(const WebSocketConfig& config,
                                                                 Logger& logger);
    Network() = default;
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
    virtual ~Network() = default;

    /// Lets clients that have been told to finish send what they hold, at most `patience`; then
    /// ends the thread. To be called once, before the last reference goes.
    virtual void stop(std::chrono::milliseconds patience) = 0;

    [[nodiscard]] virtual WebSocketStats stats() const = 0;
};

/// Calls return at once; the work is done on the network's thread. *Thread-safe.*
class Client {
  public:
    /// What a connection begins with. Asked for on the network's thread at each connection.
    using Greeting = std::function<std::vector<std::string>(bool resumed)>;

    /// @param session  for the log
    [[nodiscard]] static std::shared_ptr<Client> create(std::shared_ptr<Network> network,
                                                        std::string session,
                                                        Greeting greeting);
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client() = default;

    /// A message that a later connection's greeting says again; without a connection it is not
    /// kept.
    virtual void send_text(std::string message) = 0;

    /// @param samples  of the stream that the message holds: what is counted when it is left out
    virtual void send_audio(std::uint32_t stream, std::uint64_t samples, std::string message) = 0;

    /// @param packets  of the stream that never came here, in all
    virtual void lose_packets(std::uint32_t stream, std::uint64_t packets) = 0;

    /// A last text; then the connection is closed. Only the first call counts.
    virtual void finish(std::string message) = 0;
};

}  // namespace siprec::websocket
