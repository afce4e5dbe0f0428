#pragma once

#include <siprec/codec.hpp>
#include <siprec/export.hpp>
#include <siprec/isolated_sinks.hpp>
#include <siprec/log.hpp>
#include <siprec/result.hpp>
#include <siprec/session_sink.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace siprec {

/// Settings of a WebSocket sink. docs/websocket.md describes what goes over the connection.
struct WebSocketConfig {
    /// `ws://HOST[:PORT][/PATH]`, or `wss://...`: TLS 1.2 or later, and the server's certificate
    /// must have the name. Credentials belong into `headers`.
    std::string url;
    /// Of the request that opens the connection, added to or instead of the usual ones:
    /// `{"Authorization", "Bearer ..."}`.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string ca_file;  ///< wss: PEM file of the authorities to trust; empty: the system's
    std::uint32_t sample_rate = 16'000;   ///< Hz of the audio, 8000 to 48000
    std::chrono::milliseconds frame{20};  ///< of audio in one message, 10 to 1000
    /// Audio of one session that waits for the network, bytes: about 30 s of one stream. When it is
    /// full the oldest is left out, and counted.
    std::size_t queue_bytes = std::size_t{1} << 20;
    /// For the TCP connection, TLS and the WebSocket handshake, each.
    std::chrono::milliseconds connect_timeout{5'000};
    /// A receiver from which nothing comes for this long, not even the answer to a ping, is gone.
    std::chrono::milliseconds idle_timeout{30'000};
    /// The pause before the second attempt; each next one is twice as long, up to `reconnect_most`.
    /// The pauses are spread by up to a half, so that sessions do not come back all at once.
    std::chrono::milliseconds reconnect_first{500};
    std::chrono::milliseconds reconnect_most{30'000};
    IsolationConfig isolation;  ///< the threads that decode
};

/// What the sinks of one factory have done since it was made.
struct WebSocketStats {
    std::uint64_t open = 0;              ///< connections that are up now
    std::uint64_t connected = 0;         ///< connections that were made
    std::uint64_t failed = 0;            ///< attempts refused, and connections lost
    std::uint64_t messages_sent = 0;     ///< text and audio
    std::uint64_t samples_sent = 0;      ///< of audio
    std::uint64_t sessions_damaged = 0;  ///< ended sessions whose receiver did not get everything
    std::uint64_t samples_lost = 0;      ///< of those: decoded, but never sent
    std::uint64_t packets_lost = 0;      ///< of those: dropped before they were decoded
};

/// Opens one WebSocket connection a session and streams its audio, decoded, beside JSON messages
/// about who speaks. It reconnects by itself as long as the session lasts; what is said meanwhile
/// waits in the queue. No media thread ever waits for it: decoding runs on the threads of
/// `isolation`, the network on one more thread of the factory.
///
/// A receiver that is slow, away or refuses costs its own audio and nothing else; how much is told
/// to it (`loss` messages), to the log when the session ends, and in `stats`. When the session ends
/// while it is away, up to three more attempts are made to deliver what waits.
///
/// There when the library was built with SIPREC_WITH_WEBSOCKET. *Thread-safe.*
class SIPREC_EXPORT WebSocketSinks : public SessionSinkFactory {
  public:
    /// @param decoders, logger  outlive the sinks
    /// @return InvalidArgument for a URL, a header or a number that makes no sense; Io naming a
    ///         `ca_file` that cannot be read. A receiver that does not answer is no error
    [[nodiscard]] static Result<std::unique_ptr<WebSocketSinks>> create(
        const WebSocketConfig& config,
        const DecoderRegistry& decoders,
        Logger& logger = null_logger());

    /// What `create` would say of the settings, before it opens any file.
    [[nodiscard]] static Result<void> check(const WebSocketConfig& config);

    /// Waits until what has ended is sent, at most three times `isolation.patience`; longer only
    /// while the system looks a host name up.
    ~WebSocketSinks() override;

    [[nodiscard]] virtual WebSocketStats stats() const = 0;

  protected:
    WebSocketSinks() = default;
};

}  // namespace siprec
