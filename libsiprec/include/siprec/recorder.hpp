#pragma once

#include <siprec/config.hpp>
#include <siprec/export.hpp>
#include <siprec/log.hpp>
#include <siprec/policy.hpp>
#include <siprec/result.hpp>
#include <siprec/session_sink.hpp>
#include <siprec/stats.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace siprec {

/// A session recording server: answers SIPREC sessions and hands what it receives to the program's
/// sinks. Owns one SIP thread and N media threads. *Thread-safe.*
class SIPREC_EXPORT Recorder {
  public:
    /// Opens the listeners and starts the threads.
    /// @param sinks, policy, logger  outlive the recorder
    /// @return InvalidArgument for a configuration that makes no sense; Io naming the address when
    /// a
    ///         listener or no media port can be opened
    [[nodiscard]] static Result<std::unique_ptr<Recorder>> start(
        RecorderConfig config,
        SessionSinkFactory& sinks,
        SessionPolicy& policy = default_policy(),
        Logger& logger = null_logger());
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// Stops as `stop` does, if that was not called.
    virtual ~Recorder();

    /// The listeners with the ports that were really opened.
    [[nodiscard]] virtual std::vector<Listener> listeners() const = 0;

    [[nodiscard]] virtual RecorderStats stats() const = 0;

    /// The running sessions, oldest first. Asks the SIP thread; not for hot paths.
    [[nodiscard]] virtual std::vector<SessionStatus> sessions() const = 0;

    /// From now on new sessions get 503 and OPTIONS 503; running ones go on.
    virtual void drain() = 0;

    /// Ends one session with BYE. @return NotFound when there is none with this id
    [[nodiscard]] virtual Result<void> end_session(const Uuid& session, std::string reason) = 0;

    /// Refuses new sessions, ends the running ones with BYE (cause Shutdown), lets every sink
    /// finish and joins all threads. Returns when all is done; further calls do nothing.
    virtual void stop() = 0;

  protected:
    Recorder() = default;
};

}  // namespace siprec
