#pragma once

// The user agent behind `UserAgent`: what its files (user_agent, listeners, dialog, responses)
// share.

#include "sip/sofia.hpp"
#include "sip/user_agent.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::sip {

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
    OutgoingPtr bye;
    Transport transport = Transport::Udp;
    Endpoint local;
    Endpoint remote;
    bool ended = false;
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
        dialogs_.clear();
        ended_.clear();
        default_leg_.reset();
    }

    Result<void> open();

    [[nodiscard]] const std::vector<Listener>& listeners() const override { return listeners_; }

    void bye(DialogId dialog, const std::string& reason) override;

    [[nodiscard]] bool is_busy() const override {
        return std::ranges::any_of(ended_,
                                   [](const auto& dialog) { return dialog->bye != nullptr; });
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
    static void receive_bye_response(Dialog& dialog, nta_outgoing_t* outgoing, const sip_t* sip);
    void clean_up();

  private:
    Result<Listener> open_listener(const Listener& wanted);
    Request make_request(nta_incoming_t* incoming, const sip_t& sip);
    [[nodiscard]] Endpoint local_endpoint(Transport transport, const Endpoint& remote) const;
    void reply(Dialog* dialog,
               nta_incoming_t* incoming,
               const Request& request,
               const Response& response);
    void accept_invite(IncomingPtr incoming, const sip_t& sip, const Request& request);
    void end(DialogId id);

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
    std::uint64_t malformed_reported_ = 0;
};

/// The stack's callback for a request, within a dialog or outside any.
extern "C" int siprec_on_request(Dialog* dialog,
                                 nta_leg_t* leg,
                                 nta_incoming_t* incoming,
                                 const sip_t* sip) noexcept;

}  // namespace siprec::sip
