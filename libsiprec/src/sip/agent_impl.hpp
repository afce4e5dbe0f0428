#pragma once

// The user agent behind `UserAgent`: what its files (user_agent, listeners, dialog, responses)
// share.

#include "sip/sofia.hpp"
#include "sip/user_agent.hpp"

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
    std::vector<PendingAck> pending_acks;
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
        : root_(root), settings_(std::move(settings)), handler_(handler), logger_(logger) {}

    UserAgentImpl(const UserAgentImpl&) = delete;
    UserAgentImpl& operator=(const UserAgentImpl&) = delete;

    ~UserAgentImpl() override {
        if (timer_ != nullptr) {
            su_timer_destroy(timer_);
        }
        // What waits for an answer must not be told that there is none: its listener is going too.
        dialogs_.clear();
        ended_.clear();
        default_leg_.reset();
    }

    Result<void> open();

    [[nodiscard]] const std::vector<Listener>& listeners() const override { return listeners_; }

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
        return stats;
    }

    // What sofia-sip calls.
    void receive_outside_dialog(nta_incoming_t* incoming, const sip_t& sip);
    void receive_in_dialog(Dialog& dialog, nta_incoming_t* incoming, const sip_t& sip);
    void receive_ack(Dialog& dialog, nta_incoming_t* incoming, const sip_t* sip);
    void receive_answer(ClientTransaction& transaction, const sip_t* sip);
    void tick();

  private:
    Result<Listener> open_listener(const Listener& wanted);
    Request make_request(nta_incoming_t* incoming, const sip_t& sip);
    [[nodiscard]] Endpoint local_endpoint(Transport transport, const Endpoint& remote) const;
    void reply(Dialog* dialog,
               nta_incoming_t* incoming,
               const Request& request,
               const Response& response);
    void accept_invite(IncomingPtr incoming, const sip_t& sip, Request request);
    [[nodiscard]] std::optional<ReplacesMatch> find_replaced(const Request& request,
                                                             const sip_t& sip) const;
    bool send_client(Dialog& dialog,
                     const ClientRequest& request,
                     OnAnswer on_answer,
                     const std::string& target);
    void acknowledge(Dialog& dialog, const ClientTransaction& transaction, const std::string& sdp);
    [[nodiscard]] std::string contact(Transport transport, const Endpoint& local) const;
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
    LegPtr default_leg_;
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
