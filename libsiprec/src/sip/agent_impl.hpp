#pragma once

// The user agent behind `UserAgent`: what its files (user_agent, listeners, dialog, responses)
// share.

#include "base/source_log.hpp"
#include "sip/digest.hpp"
#include "sip/load_meter.hpp"
#include "sip/sofia.hpp"
#include "sip/source_limiter.hpp"
#include "sip/user_agent.hpp"
#include "tls/front.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::sip {

/// One request of ours. Owned by its dialog.
struct ClientTransaction {
    Dialog* dialog = nullptr;
    Method method = Method::Options;
    OutgoingPtr outgoing;
    UserAgent::OnAnswer on_answer;
    bool starts_dialog = false;
};

/// One dialog with a client. Owned by the agent; sofia-sip holds plain pointers to it.
struct Dialog {
    struct PendingAck {
        IncomingPtr invite;
        bool initial = false;
    };

    UserAgentImpl* agent = nullptr;
    DialogId id{};
    LegPtr leg;
    // Over TLS: the client's connection. Our requests go there, as the stack has no way of its own.
    TportPtr connection;
    bool is_sips = false;
    std::vector<PendingAck> pending_acks;
    bool awaits_prack = false;
    std::vector<std::unique_ptr<ClientTransaction>> transactions;  // of ours, those without answer
    Transport transport = Transport::Udp;
    Endpoint local;
    Endpoint remote;
    bool ended = false;
    SteadyTime ended_at;
};

class UserAgentImpl final : public UserAgent {
  public:
    UserAgentImpl(su_root_t* root, Settings settings, Handler& handler, Logger& logger)
        : root_(root),
          settings_(std::move(settings)),
          handler_(handler),
          logger_(logger),
          digest_(settings_.digest),
          limiter_(settings_.limits) {}

    UserAgentImpl(const UserAgentImpl&) = delete;
    UserAgentImpl& operator=(const UserAgentImpl&) = delete;

    ~UserAgentImpl() override {
        if (timer_ != nullptr) {
            su_timer_destroy(timer_);
        }
        // What waits for an answer must not be told that there is none: its listener is going too.
        dialogs_.clear();
        ended_.clear();
    }

    Result<void> open();

    [[nodiscard]] const std::vector<Listener>& listeners() const override { return listeners_; }

    void use_digest(DigestConfig config) override { digest_ = DigestGuard(std::move(config)); }

    void use_tls(std::shared_ptr<const tls::Context> context) override {
        if (front_ && context) {
            front_->use(std::move(context));
        }
    }

    Result<void> send(DialogId dialog, const ClientRequest& request, OnAnswer on_answer) override;
    Result<DialogId> invite(const std::string& target,
                            const ClientRequest& request,
                            OnAnswer on_answer) override;
    void cancel(DialogId dialog) override;
    void bye(DialogId dialog, const std::string& reason) override;

    [[nodiscard]] bool is_busy() const override {
        return std::ranges::any_of(
            ended_, [](const auto& dialog) { return !dialog->transactions.empty(); });
    }

    [[nodiscard]] UserAgentStats stats() const override {
        UserAgentStats stats;
        usize_t requests = 0;
        usize_t bad_messages = 0;
        usize_t bad_requests = 0;
        nta_agent_get_stats(agent_.get(),
                            NTATAG_S_RECV_REQUEST_REF(requests),
                            NTATAG_S_BAD_MESSAGE_REF(bad_messages),
                            NTATAG_S_BAD_REQUEST_REF(bad_requests),
                            TAG_END());
        stats.requests = requests;
        stats.malformed = bad_messages + bad_requests;
        stats.overloaded = overloaded_;
        stats.limited = limited_;
        stats.sources = limiter_.size();
        stats.challenged = challenged_;
        stats.delay = load_.delay();
        if (front_) {
            const tls::FrontStats tls = front_->stats();
            stats.tls_connections = tls.connections;
            stats.tls_handshakes_failed = tls.handshakes_failed;
            stats.tls_refused = tls.refused;
        }
        return stats;
    }

    // What sofia-sip calls.
    void receive_new(MessagePtr message, sip_t& sip);
    void receive_outside_dialog(nta_incoming_t* incoming, const sip_t& sip);
    void receive_in_dialog(Dialog& dialog, nta_incoming_t* incoming, const sip_t& sip);
    void receive_ack(Dialog& dialog, nta_incoming_t* incoming, const sip_t* sip);
    void receive_prack(nta_incoming_t* incoming, const sip_t& sip);
    void receive_answer(ClientTransaction& transaction, const sip_t* sip);
    void tick();

  private:
    [[nodiscard]] IpAddress source_of(msg_t* message) const;
    [[nodiscard]] bool is_too_much(SteadyTime now);
    /// True for a request whose sender need not, or did, authenticate; else it has its answer.
    bool authenticate(nta_incoming_t* incoming, Request& request);
    /// A request came to nothing: too many of those, and its source is not heard any more.
    void waste(const Request& request, std::string_view what);
    Result<void> open_listeners();
    Result<Listener> open_listener(const Listener& wanted);
    Result<void> open_front();
    [[nodiscard]] const tport_t* newest_transport() const;
    /// Puts in who is behind the TLS front. @return false for a stranger who found the stack's door
    bool take_origin(Request& request, tport_t* transport) const;
    Request make_request(nta_incoming_t* incoming, const sip_t& sip);
    [[nodiscard]] Endpoint local_endpoint(Transport transport, const Endpoint& remote) const;
    void reply(Dialog* dialog,
               nta_incoming_t* incoming,
               const Request& request,
               const Response& response);
    void ring(Dialog& dialog, nta_incoming_t* incoming, const Request& request);
    void accept_invite(IncomingPtr incoming, const sip_t& sip, Request request);
    [[nodiscard]] std::optional<ReplacesMatch> find_replaced(const Request& request,
                                                             const sip_t& sip) const;
    bool send_client(Dialog& dialog,
                     const ClientRequest& request,
                     OnAnswer on_answer,
                     const std::string& target);
    void acknowledge(Dialog& dialog, const ClientTransaction& transaction, const std::string& sdp);
    [[nodiscard]] std::string contact(Transport transport,
                                      const Endpoint& local,
                                      bool is_sips) const;
    void tell_sent(const Dialog& dialog, msg_t* message);
    void end(DialogId id);
    void clean_up();

    void log(LogLevel level, std::string_view message, const Request& request) {
        logger_.log(level,
                    "sip",
                    message,
                    {{"call_id", request.call_id}, {"source", request.wire.remote.to_string()}});
    }

    su_root_t* root_;
    Settings settings_;
    Handler& handler_;
    Logger& logger_;
    AgentPtr agent_;
    DigestGuard digest_;
    SourceLimiter limiter_;
    LoadMeter load_;
    base::SourceLog source_log_;
    double setups_left_ = 0;  // of limits.setups_per_second
    SteadyTime setups_filled_;
    std::uint64_t overloaded_ = 0;
    std::uint64_t limited_ = 0;
    std::uint64_t challenged_ = 0;
    SteadyTime malformed_logged_;
    const tport_t* behind_front_ = nullptr;  // the stack's listener that only the front may use
    std::unique_ptr<tls::Front> front_;
    TportPtr arrival_;  // what the request that is being handled came on, if by TLS
    su_timer_t* timer_ = nullptr;
    std::vector<Listener> listeners_;
    std::map<DialogId, std::unique_ptr<Dialog>> dialogs_;
    // Over, but maybe still on the stack's call chain or waiting for an answer to our BYE.
    std::vector<std::unique_ptr<Dialog>> ended_;
    std::uint64_t last_id_ = 0;
    std::uint64_t ticks_ = 0;
    std::uint64_t malformed_reported_ = 0;
};

constexpr const char* kAllow = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, PRACK";
constexpr const char* kAccept =
    "application/sdp, application/rs-metadata+xml, application/rs-metadata, multipart/mixed";

/// The stack's callback for a request, within a dialog or outside any.
extern "C" int siprec_on_request(Dialog* dialog,
                                 nta_leg_t* leg,
                                 nta_incoming_t* incoming,
                                 const sip_t* sip) noexcept;

}  // namespace siprec::sip
