#pragma once

#include <siprec/export.hpp>
#include <siprec/session.hpp>
#include <siprec/session_sink.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace siprec {

/// What to do with an INVITE that would start a session.
struct SessionDecision {
    enum class Kind : std::uint8_t { Accept, Refuse, Drop };
    Kind kind = Kind::Accept;
    int status = 200;                     ///< Refuse: the SIP status, 300 to 699
    std::string reason;                   ///< Refuse: for the log and the Warning header
    std::chrono::seconds retry_after{0};  ///< Refuse: Retry-After when above 0
    /// Accept: false answers every stream `inactive` (RFC 7866 7.2); `Recorder::resume` starts
    /// them.
    bool ready = true;
    /// Accept: sinks of this session beside the recorder's. They outlive the recorder.
    std::vector<SessionSinkFactory*> more_sinks;

    [[nodiscard]] static SessionDecision accept() { return {}; }

    /// Takes the session, but no media before `Recorder::resume`.
    [[nodiscard]] static SessionDecision accept_paused() {
        SessionDecision decision;
        decision.ready = false;
        return decision;
    }

    [[nodiscard]] static SessionDecision refuse(int status,
                                                std::string reason,
                                                std::chrono::seconds retry_after = {}) {
        SessionDecision decision;
        decision.kind = Kind::Refuse;
        decision.status = status;
        decision.reason = std::move(reason);
        decision.retry_after = retry_after;
        return decision;
    }

    /// Tells the client nothing: no Warning, no Contact. The SIP stack does not let a request go
    /// without any answer, so it gets a bare 500.
    [[nodiscard]] static SessionDecision drop() {
        SessionDecision decision;
        decision.kind = Kind::Drop;
        return decision;
    }
};

/// The program's say in which sessions are taken. *SIP thread only*; must answer at once (no disk,
/// no database) and must not throw; must outlive the recorder.
class SIPREC_EXPORT SessionPolicy {
  public:
    SessionPolicy() = default;
    SessionPolicy(const SessionPolicy&) = delete;
    SessionPolicy& operator=(const SessionPolicy&) = delete;
    virtual ~SessionPolicy();

    /// An INVITE outside a dialog. The default takes what shows any evidence of SIPREC, and refuses
    /// the rest with 403 (RFC 7866 6.1.1: decide on purpose).
    [[nodiscard]] virtual SessionDecision on_invite(const SessionInfo& session);

    /// An INVITE with a Replaces header (RFC 3891) wants to take over a running session. The
    /// default lets the address do it that the running session came from. @return false: it gets
    /// 403
    [[nodiscard]] virtual bool may_replace(const SessionInfo& running, const SessionInfo& taker);

    /// True when a new session could be recorded now; OPTIONS is answered 200 or 503 by it.
    [[nodiscard]] virtual bool is_healthy() { return true; }
};

/// The default policy. Lives for the whole program.
[[nodiscard]] SIPREC_EXPORT SessionPolicy& default_policy() noexcept;

}  // namespace siprec
