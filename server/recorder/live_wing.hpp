#pragma once

// The live wing: the library's recorder with the capture as its sink, and the policy that says
// which sessions are taken.

#include "config/config.hpp"

#include <siprec/recorder.hpp>
#include <siprec/websocket_sink.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace siprec::server {

/// Counters of the capture, since the start unless stated otherwise.
struct CaptureStats {
    std::uint64_t packets = 0;  // RTP packets written
    std::uint64_t bytes_written = 0;
    std::uint64_t write_errors = 0;
    std::uint64_t packets_dropped = 0;  // the writer could not keep up
    std::uint64_t queue_bytes = 0;      // now waiting for the disk
    std::uint64_t captures_open = 0;    // now
    std::uint64_t commits = 0;          // group commits
    std::uint64_t disk_free_bytes = 0;  // now
    bool disk_alarm = false;            // now
    bool refusing = false;              // now: disk full, or the writer fails
};

/// *Thread-safe.*
class LiveWing {
  public:
    /// Finishes what an earlier run left open, then opens the listeners.
    /// @param logger  outlives the wing
    [[nodiscard]] static Result<std::unique_ptr<LiveWing>> start(const Config& config,
                                                                 Logger& logger);
    LiveWing() = default;
    LiveWing(const LiveWing&) = delete;
    LiveWing& operator=(const LiveWing&) = delete;
    virtual ~LiveWing() = default;

    [[nodiscard]] virtual std::vector<Listener> listeners() const = 0;
    [[nodiscard]] virtual RecorderStats recorder_stats() const = 0;
    [[nodiscard]] virtual CaptureStats capture_stats() const = 0;
    [[nodiscard]] virtual std::vector<SessionStatus> sessions() const = 0;
    [[nodiscard]] virtual Result<void> end_session(const Uuid& session, std::string reason) = 0;

    /// As the calls of `Recorder` with these names.
    [[nodiscard]] virtual Result<void> pause(const Uuid& session) = 0;
    [[nodiscard]] virtual Result<void> resume(const Uuid& session) = 0;
    [[nodiscard]] virtual Result<void> drop_stream(const Uuid& session,
                                                   std::uint32_t media_index) = 0;
    [[nodiscard]] virtual Result<void> request_snapshot(const Uuid& session,
                                                        std::string reason) = 0;
    [[nodiscard]] virtual Result<Uuid> start_session(std::string src) = 0;

    /// Gives a running session a further sink, by its name in the configuration; one that it has
    /// stays as it is. @return NotFound when there is no such session or no such sink
    [[nodiscard]] virtual Result<void> attach_sink(const Uuid& session,
                                                   const std::string& name) = 0;

    /// Of all WebSocket sinks.
    [[nodiscard]] virtual WebSocketStats websocket_stats() const = 0;

    /// A new session could be recorded now.
    [[nodiscard]] virtual bool is_ready() const = 0;

    /// Takes what can change while sessions run: allowed sources, TLS files, digest users.
    /// @return what is wrong with the new ones; the old ones then go on to hold
    [[nodiscard]] virtual Result<void> reload(const Config& config) = 0;

    virtual void drain() = 0;

    /// Ends every session and closes every capture.
    virtual void stop() = 0;
};

}  // namespace siprec::server
