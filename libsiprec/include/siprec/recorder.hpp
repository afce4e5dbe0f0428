#pragma once

#include <siprec/config.hpp>
#include <siprec/export.hpp>
#include <siprec/log.hpp>
#include <siprec/policy.hpp>
#include <siprec/result.hpp>
#include <siprec/session_sink.hpp>
#include <siprec/stats.hpp>

#include <chrono>
#include <cstdint>
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

    /// Takes what can change while sessions run: `tls` (certificate, key and CA are read again) and
    /// `digest`. Connections and requests from now on go by it, running sessions go on undisturbed.
    /// @return what is wrong with the TLS files; all the old settings then go on to hold
    [[nodiscard]] virtual Result<void> reload(const RecorderConfig& config) = 0;

    /// Ends one session with BYE. @return NotFound when there is none with this id
    [[nodiscard]] virtual Result<void> end_session(const Uuid& session, std::string reason) = 0;

    /// Asks the SRC to stop sending (re-INVITE with `inactive`, RFC 7866 7.2). From now on nothing
    /// of what it sends is recorded, whatever it answers.
    ///
    /// This and the calls below wait for the client's answer, at most
    /// `RecorderConfig::request_timeout`; do not call them on a thread that a sink or policy is
    /// called on. @return NotFound when there is no such session; Timeout when the SRC did not
    /// answer in time (it may still do as asked); Conflict with the status when it refused
    [[nodiscard]] virtual Result<void> pause(const Uuid& session) = 0;

    /// Takes `pause` back: re-INVITE with `recvonly`. Also the start of a session that the policy
    /// accepted paused.
    [[nodiscard]] virtual Result<void> resume(const Uuid& session) = 0;

    /// Drops one stream for good: re-INVITE with port 0 in its place (RFC 7866 7.2). The stream
    /// goes on when the SRC refuses. @param media_index  position of the m-line, from 0
    /// @return InvalidArgument when there is no such stream
    [[nodiscard]] virtual Result<void> drop_stream(const Uuid& session,
                                                   std::uint32_t media_index) = 0;

    /// Asks the SRC for a complete metadata document (RFC 7866 9.2), which it then sends in a
    /// request of its own. @return Unsupported when the SRC does not allow UPDATE: it is not asked
    /// then
    [[nodiscard]] virtual Result<void> request_snapshot(const Uuid& session,
                                                        std::string reason) = 0;

    /// Starts a recording session towards an SRC: an INVITE without SDP that requires `siprec` (RFC
    /// 7866 6.2, 7.2). There is no second try.
    /// @param src  a SIP URI @return the id of the session; errors as for `pause`
    [[nodiscard]] virtual Result<Uuid> start_session(std::string src) = 0;

    /// Adds sinks to a session that runs: `sinks` makes a session sink, which is told the metadata
    /// as one complete document, opens a media sink for each open stream, and gets all that comes
    /// from then on. Its failures are its own.
    /// @param sinks  outlives the recorder
    /// @return NotFound when there is none with this id
    [[nodiscard]] virtual Result<void> attach_sinks(const Uuid& session,
                                                    SessionSinkFactory& sinks) = 0;

    /// Refuses new sessions, ends the running ones with BYE (cause Shutdown), lets every sink
    /// finish and joins all threads. Returns when all is done; further calls do nothing.
    virtual void stop() = 0;

  protected:
    Recorder() = default;
};

}  // namespace siprec
