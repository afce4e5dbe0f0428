#pragma once

// The configured sinks beside the capture: which session gets which, and what became of it.

#include "config/config.hpp"

#include <siprec/codec.hpp>
#include <siprec/log.hpp>
#include <siprec/session_sink.hpp>
#include <siprec/websocket_sink.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// Does a text match a pattern in which each `*` stands for anything? Case does not matter.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text) noexcept;

/// *Immutable*, so *thread-safe*; outlives the recorder.
class SessionSinks {
  public:
    /// @param logger  outlives the sinks
    /// @return an error that names the sink
    [[nodiscard]] static Result<std::unique_ptr<SessionSinks>> create(
        const std::vector<SinkConfig>& configs, Logger& logger);

    SessionSinks(const SessionSinks&) = delete;
    SessionSinks& operator=(const SessionSinks&) = delete;
    ~SessionSinks();

    /// Those that a session gets when it starts.
    [[nodiscard]] std::vector<SessionSinkFactory*> choose(const SessionInfo& session) const;

    /// One by its name. It makes a second sink for no session.
    /// @return NotFound, saying which there are
    [[nodiscard]] Result<SessionSinkFactory*> find(std::string_view name) const;

    /// Of all WebSocket sinks together.
    [[nodiscard]] WebSocketStats websocket_stats() const;

  private:
    struct Entry;

    SessionSinks();

    [[nodiscard]] Result<void> add(const SinkConfig& config, Logger& logger);

    const DecoderRegistry decoders_;
    std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace siprec::server
