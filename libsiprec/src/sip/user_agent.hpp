#pragma once

// A SIP user agent for recording sessions: dialogs, transactions and transports, on sofia-sip's
// transaction layer (nta). nta and not nua, because a recorder needs what nua keeps to itself: the
// messages as they were on the wire, in both directions, and a say in what is tolerated.

#include "sip/message.hpp"
#include "sip/sip_thread.hpp"
#include "tls/context.hpp"

#include <siprec/config.hpp>
#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace siprec::sip {

/// What the user agent tells, and asks. *SIP thread only.*
class Handler {
  public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;

    /// An INVITE outside a dialog. A 2xx makes `dialog` one.
    virtual Response on_invite(DialogId dialog, const Request& request) = 0;

    /// Any request within a dialog but ACK and CANCEL. The dialog is over after a BYE.
    virtual Response on_request(DialogId dialog, const Request& request) = 0;

    /// The ACK to a 2xx of ours.
    virtual void on_ack(DialogId dialog, const Request& request) = 0;

    /// A 2xx of ours was never acknowledged (RFC 3261 13.3.1.4).
    /// @param initial  the INVITE that made the dialog
    virtual void on_ack_missing(DialogId dialog, bool initial) = 0;

    virtual Response on_options(const Request& request) = 0;

    /// A message of a dialog other than a request that was received: responses, and requests of
    /// ours.
    virtual void on_message(DialogId dialog, const WireMessage& message) = 0;

    /// Nothing more will come of this dialog: it ended a while ago.
    virtual void on_gone(DialogId dialog) = 0;

    /// Comes some ten times a second.
    virtual void on_tick() = 0;
};

struct UserAgentStats {
    std::uint64_t requests = 0;
    std::uint64_t malformed = 0;
    std::uint64_t overloaded = 0;
    std::uint64_t limited = 0;
    std::uint64_t sources = 0;  // now
    std::uint64_t challenged = 0;
    std::chrono::microseconds delay{0};  // now
    std::uint64_t tls_connections = 0;   // now
    std::uint64_t tls_handshakes_failed = 0;
    std::uint64_t tls_refused = 0;
};

/// *SIP thread only*, but for `create` and the destructor, which wait for that thread.
class UserAgent {
  public:
    struct Settings {
        std::vector<Listener> listeners;
        TlsConfig tls;
        DigestConfig digest;
        SignallingLimits limits;
        std::size_t max_message_bytes = std::size_t{1} << 20;
        std::string user_agent;
        std::chrono::milliseconds transaction_timeout{32'000};  // 64*T1
        bool ringing = false;                                   // a 180 ahead of each 200
        std::string supported;  // option tags for Supported; never `siprec` (RFC 7866 11.1.1)
    };

    /// Opens the listeners. Call on the SIP thread.
    /// @param native_root  what `SipThread::start` handed in
    /// @return Io naming the listener that cannot be opened
    [[nodiscard]] static Result<std::unique_ptr<UserAgent>> create(void* native_root,
                                                                   Settings settings,
                                                                   Handler& handler,
                                                                   Logger& logger);
    UserAgent() = default;
    UserAgent(const UserAgent&) = delete;
    UserAgent& operator=(const UserAgent&) = delete;
    virtual ~UserAgent() = default;

    /// With the ports that were really opened.
    [[nodiscard]] virtual const std::vector<Listener>& listeners() const = 0;

    /// Told of the final answer to a request of ours. When a 2xx to an INVITE is acknowledged, what
    /// it returns is the ACK's SDP; empty: an ACK without body.
    using OnAnswer = std::function<std::string(DialogId dialog, const Answer& answer)>;

    /// Sends a request within a dialog. `on_answer` is called once: with the answer, or with 481
    /// when the dialog ends before there is one.
    /// @return NotFound for a dialog that is over, Io when the request cannot be sent
    virtual Result<void> send(DialogId dialog,
                              const ClientRequest& request,
                              OnAnswer on_answer) = 0;

    /// Sends an INVITE that starts a dialog. A refusal ends that dialog again.
    /// @param target  a SIP URI
    /// @return InvalidArgument for another kind of URI, Io when the INVITE cannot be sent
    [[nodiscard]] virtual Result<DialogId> invite(const std::string& target,
                                                  const ClientRequest& request,
                                                  OnAnswer on_answer) = 0;

    /// Gives up an INVITE of `invite` that has no final answer yet; `on_answer` is told of that
    /// answer.
    virtual void cancel(DialogId dialog) = 0;

    /// For TLS connections from now on; running ones stay as they are.
    virtual void use_tls(std::shared_ptr<const tls::Context> context) = 0;

    /// For requests from now on; what was answered before has to be authenticated again.
    virtual void use_digest(DigestConfig config) = 0;

    /// Ends a dialog with BYE; it is over for the handler at once.
    virtual void bye(DialogId dialog, const std::string& reason) = 0;

    /// True while a BYE of ours waits for its answer.
    [[nodiscard]] virtual bool is_busy() const = 0;

    [[nodiscard]] virtual UserAgentStats stats() const = 0;
};

}  // namespace siprec::sip
