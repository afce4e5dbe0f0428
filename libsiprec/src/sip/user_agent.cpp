#include "sip/user_agent.hpp"

#include "base/route.hpp"
#include "sip/convert.hpp"
#include "sip/sofia.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <utility>

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

namespace {

constexpr const char* kAllow = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, PRACK";
constexpr const char* kAccept =
    "application/sdp, application/rs-metadata+xml, application/rs-metadata, multipart/mixed";
constexpr su_duration_t kHousekeepingMs = 500;

/// RFC 3261 21; phrases are literals because the stack keeps the pointer.
const char* phrase(int status) {
    switch (status) {
        case 420:
            return "Bad Extension";
        case 481:
            return "Call/Transaction Does Not Exist";
        case 488:
            return "Not Acceptable Here";
        case 503:
            return "Service Unavailable";
        default:
            break;
    }
    const char* known = sip_status_phrase(status);
    return known == nullptr ? "Refused" : known;
}

Transport transport_of(const char* protocol) {
    if (protocol != nullptr && ::strcasecmp(protocol, "tcp") == 0) {
        return Transport::Tcp;
    }
    if (protocol != nullptr && ::strcasecmp(protocol, "tls") == 0) {
        return Transport::Tls;
    }
    return Transport::Udp;
}

std::string listener_url(const Listener& listener) {
    // `*` asks the stack for any free port.
    const std::string port =
        listener.endpoint.port == 0 ? "*" : std::to_string(listener.endpoint.port);
    const std::string host = listener.endpoint.address.is_v6()
                                 ? fmt::format("[{}]", listener.endpoint.address.to_string())
                                 : listener.endpoint.address.to_string();
    return fmt::format("sip:{}:{};transport={}", host, port, to_string(listener.transport));
}

}  // namespace

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

// sofia-sip's own log is global to the process; its lines come on the thread of the stack that
// writes them, and the last one says why a message was dropped.
static thread_local std::string last_stack_message;

extern "C" {

static int siprec_on_request(Dialog* dialog,
                             nta_leg_t* /*leg*/,
                             nta_incoming_t* incoming,
                             const sip_t* sip) noexcept {
    try {
        if (sip == nullptr) {
            nta_incoming_destroy(incoming);
        } else if (dialog->leg != nullptr) {
            dialog->agent->receive_in_dialog(*dialog, incoming, *sip);
        } else {
            dialog->agent->receive_outside_dialog(incoming, *sip);
        }
        return 0;
    } catch (...) {
        return 500;
    }
}

static int siprec_on_ack(Dialog* dialog, nta_incoming_t* incoming, const sip_t* sip) noexcept {
    try {
        dialog->agent->receive_ack(*dialog, incoming, sip);
    } catch (...) {
        return 0;
    }
    return 0;
}

static int siprec_on_bye_response(Dialog* dialog,
                                  nta_outgoing_t* outgoing,
                                  const sip_t* sip) noexcept {
    try {
        UserAgentImpl::receive_bye_response(*dialog, outgoing, sip);
    } catch (...) {
        return 0;
    }
    return 0;
}

static void siprec_on_timer(su_root_magic_t* /*magic*/,
                            su_timer_t* /*timer*/,
                            su_timer_arg_t* argument) noexcept {
    reinterpret_cast<UserAgentImpl*>(argument)->clean_up();
}

static void siprec_on_log(void* /*stream*/, const char* format, va_list arguments) noexcept {
    std::array<char, 256> line{};
    if (std::vsnprintf(line.data(), line.size(), format, arguments) > 0) {
        last_stack_message = line.data();
    }
}
}

Result<void> UserAgentImpl::open() {
    su_log_redirect(nullptr, siprec_on_log, nullptr);
    agent_.reset(
        nta_agent_create(root_,
                         reinterpret_cast<const url_string_t*>(-1),
                         nullptr,
                         this,
                         NTATAG_UA(1),
                         NTATAG_MERGE_482(1),
                         NTATAG_CANCEL_487(1),
                         NTATAG_SERVER_RPORT(1),
                         NTATAG_TCP_RPORT(1),
                         NTATAG_MAXSIZE(static_cast<usize_t>(settings_.max_message_bytes)),
                         // A header that does not parse costs us that header, not the call:
                         // one client in six sends a Contact that breaks the grammar.
                         NTATAG_BAD_REQ_MASK(0),
                         // Parse a copy, so that the bytes stay as they were received.
                         NTATAG_SIPFLAGS(MSG_DO_EXTRACT_COPY),
                         NTATAG_BAD_RESP_MASK(0),
                         TPTAG_UDP_RMEM(4U << 20U),
                         TAG_END()));
    if (!agent_) {
        return Error(ErrorCode::Internal, "nta_agent_create failed");
    }
    for (const Listener& wanted : settings_.listeners) {
        auto opened = open_listener(wanted);
        if (!opened) {
            return std::move(opened).error();
        }
        listeners_.push_back(*opened);
    }
    auto outside = std::make_unique<Dialog>();
    outside->agent = this;
    default_leg_.reset(nta_leg_tcreate(
        agent_.get(), siprec_on_request, outside.get(), NTATAG_NO_DIALOG(1), TAG_END()));
    if (!default_leg_) {
        return Error(ErrorCode::Internal, "nta_leg_tcreate failed for the default leg");
    }
    dialogs_.emplace(DialogId{0}, std::move(outside));
    timer_ = su_timer_create(su_root_task(root_), kHousekeepingMs);
    if (timer_ == nullptr ||
        su_timer_set_for_ever(timer_, siprec_on_timer, reinterpret_cast<su_timer_arg_t*>(this)) !=
            0) {
        return Error(ErrorCode::Internal, "su_timer_create failed");
    }
    return {};
}

Result<Listener> UserAgentImpl::open_listener(const Listener& wanted) {
    const std::string url = listener_url(wanted);
    const auto find_new = [this](std::size_t before) -> const tport_t* {
        std::size_t count = 0;
        tport_t* found = nullptr;
        for (tport_t* tport = tport_primaries(nta_agent_tports(agent_.get())); tport != nullptr;
             tport = tport_next(tport)) {
            ++count;
            found = tport;
        }
        return count > before ? found : nullptr;
    };
    if (nta_agent_add_tport(agent_.get(),
                            URL_STRING_MAKE(url.c_str()),
                            // Above a full UDP datagram, whatever the platform's default.
                            TPTAG_MTU(65535),
                            TAG_END()) < 0) {
        return Error(ErrorCode::Io,
                     fmt::format("cannot listen on {}:{}: {}",
                                 to_string(wanted.transport),
                                 wanted.endpoint.to_string(),
                                 std::strerror(errno)));
    }
    Listener opened = wanted;
    if (const tport_t* tport = find_new(listeners_.size()); tport != nullptr) {
        const tp_name_t* name = tport_name(tport);
        if (name != nullptr && name->tpn_port != nullptr) {
            const auto endpoint = Endpoint::parse(fmt::format("127.0.0.1:{}", name->tpn_port));
            opened.endpoint.port = endpoint ? endpoint->port : wanted.endpoint.port;
        }
    }
    return opened;
}

Endpoint UserAgentImpl::local_endpoint(Transport transport, const Endpoint& remote) const {
    const IpAddress route = base::address_towards(remote);
    const Listener* best = nullptr;
    for (const Listener& listener : listeners_) {
        if (listener.transport != transport ||
            listener.endpoint.address.is_v6() != remote.address.is_v6()) {
            continue;
        }
        if (best == nullptr || listener.endpoint.address == route) {
            best = &listener;
        }
    }
    if (best == nullptr) {
        return Endpoint{.address = route, .port = 5060};
    }
    return best->endpoint.address.is_unspecified()
               ? Endpoint{.address = route, .port = best->endpoint.port}
               : best->endpoint;
}

Request UserAgentImpl::make_request(nta_incoming_t* incoming, const sip_t& sip) {
    Request request = to_request(sip);
    const bool is_ack = request.method == Method::Ack || request.method == Method::Cancel;
    MessagePtr message(is_ack ? nta_incoming_getrequest_ackcancel(incoming) : nullptr);
    if (!message) {
        message.reset(nta_incoming_getrequest(incoming));
    }
    request.wire.bytes = wire_bytes(message.get());
    request.wire.time = system_clock().now();
    request.wire.remote = message_source(message.get());
    tport_t* tport = nta_incoming_transport(agent_.get(), incoming, message.get());
    if (tport != nullptr) {
        request.wire.transport = transport_of(tport_name(tport)->tpn_proto);
        tport_unref(tport);
    }
    request.wire.local = local_endpoint(request.wire.transport, request.wire.remote);
    fill_from_wire(request);
    return request;
}

void UserAgentImpl::receive_outside_dialog(nta_incoming_t* incoming, const sip_t& sip) {
    IncomingPtr owned(incoming);
    const Request request = make_request(incoming, sip);
    if (request.method == Method::Ack) {
        return;  // never answered (RFC 3261 17)
    }
    Response response;
    if (request.method == Method::Invite && !request.has_to_tag) {
        accept_invite(std::move(owned), sip, request);
        return;
    }
    if (request.method == Method::Options && !request.has_to_tag) {
        response = handler_.on_options(request);
    } else if (request.has_to_tag || request.method == Method::Bye ||
               request.method == Method::Update || request.method == Method::Info ||
               request.method == Method::Prack || request.method == Method::Cancel) {
        response.status = 481;
        log(LogLevel::Warning,
            fmt::format("{} for an unknown dialog", request.method_name),
            request);
    } else {
        response.status = 405;
        log(LogLevel::Warning, fmt::format("{} is not supported", request.method_name), request);
    }
    reply(nullptr, incoming, request, response);
}

void UserAgentImpl::accept_invite(IncomingPtr incoming, const sip_t& sip, const Request& request) {
    auto dialog = std::make_unique<Dialog>();
    dialog->agent = this;
    dialog->id = DialogId{++last_id_};
    dialog->transport = request.wire.transport;
    dialog->local = request.wire.local;
    dialog->remote = request.wire.remote;
    dialog->leg.reset(nta_leg_tcreate(agent_.get(),
                                      siprec_on_request,
                                      dialog.get(),
                                      SIPTAG_CALL_ID(sip.sip_call_id),
                                      SIPTAG_FROM(sip.sip_to),
                                      SIPTAG_TO(sip.sip_from),
                                      NTATAG_REMOTE_CSEQ(sip.sip_cseq->cs_seq),
                                      TAG_END()));
    if (!dialog->leg || nta_leg_tag(dialog->leg.get(), nullptr) == nullptr ||
        nta_leg_server_route(dialog->leg.get(), sip.sip_record_route, sip.sip_contact) < 0) {
        log(LogLevel::Error, "the stack cannot make a dialog", request);
        reply(nullptr, incoming.get(), request, Response::of(500));
        return;
    }
    const Response response = handler_.on_invite(dialog->id, request);
    if (response.drop) {
        return;
    }
    nta_incoming_tag(incoming.get(), nta_leg_get_tag(dialog->leg.get()));
    const bool accepted = response.status < 300;
    Dialog* where = accepted ? dialog.get() : nullptr;
    nta_incoming_t* transaction = incoming.get();
    if (accepted) {
        nta_incoming_bind(transaction, siprec_on_ack, dialog.get());
        dialog->pending_acks.push_back({std::move(incoming), true});
        dialogs_.emplace(dialog->id, std::move(dialog));
    }
    reply(where, transaction, request, response);
}

void UserAgentImpl::receive_in_dialog(Dialog& dialog, nta_incoming_t* incoming, const sip_t& sip) {
    IncomingPtr owned(incoming);
    const Request request = make_request(incoming, sip);
    if (request.method == Method::Ack) {
        // Interop(several): an ACK whose CSeq fits no INVITE comes as a request of its own. It
        // still says that the client has our 2xx.
        const bool awaited = !dialog.pending_acks.empty();
        dialog.pending_acks.clear();
        if (awaited && !dialog.ended) {
            handler_.on_ack(dialog.id, request);
        }
        return;
    }
    if (dialog.ended && request.method == Method::Invite && !request.has_to_tag) {
        // A new call that uses the ended one's Call-ID and From tag again.
        accept_invite(std::move(owned), sip, request);
        return;
    }
    if (dialog.ended) {
        reply(nullptr, incoming, request, Response::of(481));
        return;
    }
    dialog.remote = request.wire.remote;
    if (sip.sip_contact != nullptr) {
        // Target refresh (RFC 3261 12.2.2, RFC 3311 5.1).
        nta_leg_server_route(dialog.leg.get(), nullptr, sip.sip_contact);
    }
    const Response response = handler_.on_request(dialog.id, request);
    const bool is_invite = request.method == Method::Invite;
    if (is_invite && response.status < 300) {
        nta_incoming_bind(incoming, siprec_on_ack, &dialog);
        dialog.pending_acks.push_back({std::move(owned), false});
    }
    reply(&dialog, incoming, request, response);
    if (request.method == Method::Bye) {
        end(dialog.id);
    }
}

void UserAgentImpl::receive_ack(Dialog& dialog, nta_incoming_t* incoming, const sip_t* sip) {
    if (dialog.ended) {
        return;
    }
    const auto pending = std::ranges::find_if(
        dialog.pending_acks,
        [incoming](const Dialog::PendingAck& ack) { return ack.invite.get() == incoming; });
    if (pending == dialog.pending_acks.end()) {
        return;
    }
    const bool initial = pending->initial;
    if (sip != nullptr && sip->sip_request != nullptr &&
        sip->sip_request->rq_method == sip_method_cancel) {
        return;  // too late: the final response is out (RFC 3261 9.2)
    }
    if (nta_incoming_status(incoming) >= 300) {
        sip = nullptr;  // our 2xx could not be sent; the stack refused the call in its place
    }
    if (sip == nullptr) {
        const bool superseded = pending + 1 != dialog.pending_acks.end();
        dialog.pending_acks.erase(pending);
        if (!superseded) {
            handler_.on_ack_missing(dialog.id, initial);
        }
        return;
    }
    const Request request = make_request(incoming, *sip);
    // Earlier INVITEs of this dialog are settled by a later one's ACK: some clients acknowledge
    // only the last of several overlapping ones.
    dialog.pending_acks.erase(dialog.pending_acks.begin(), pending + 1);
    handler_.on_ack(dialog.id, request);
}

void UserAgentImpl::reply(Dialog* dialog,
                          nta_incoming_t* incoming,
                          const Request& request,
                          const Response& response) {
    const Endpoint& local = request.wire.local;
    const std::string contact =
        fmt::format("<sip:siprec@{}{}>;+sip.srs",
                    local.to_string(),
                    request.wire.transport == Transport::Udp
                        ? ""
                        : fmt::format(";transport={}", to_string(request.wire.transport)));
    const std::string warning = fmt::format("399 siprec \"{}\"", response.warning);
    std::string unsupported;
    for (const std::string& tag : response.unsupported) {
        unsupported += unsupported.empty() ? tag : ", " + tag;
    }
    const std::string retry_after = std::to_string(response.retry_after_s);
    const bool good = response.status < 300;
    const bool makes_target = request.method == Method::Invite ||
                              request.method == Method::Update || request.method == Method::Options;
    HomePtr home(static_cast<su_home_t*>(su_home_new(sizeof(su_home_t))));
    sip_payload_t* payload =
        response.body.empty()
            ? nullptr
            : sip_payload_create(
                  home.get(), response.body.data(), static_cast<isize_t>(response.body.size()));
    if (nta_incoming_treply(
            incoming,
            response.status,
            phrase(response.status),
            TAG_IF(good && makes_target, SIPTAG_CONTACT_STR(contact.c_str())),
            SIPTAG_SERVER_STR(settings_.user_agent.c_str()),
            TAG_IF(good || response.status == 405, SIPTAG_ALLOW_STR(kAllow)),
            TAG_IF(request.method == Method::Options || response.status == 415,
                   SIPTAG_ACCEPT_STR(kAccept)),
            TAG_IF(!response.warning.empty(), SIPTAG_WARNING_STR(warning.c_str())),
            TAG_IF(!unsupported.empty(), SIPTAG_UNSUPPORTED_STR(unsupported.c_str())),
            TAG_IF(response.retry_after_s > 0, SIPTAG_RETRY_AFTER_STR(retry_after.c_str())),
            TAG_IF(payload != nullptr, SIPTAG_CONTENT_TYPE_STR(response.content_type.c_str())),
            TAG_IF(payload != nullptr, SIPTAG_PAYLOAD(payload)),
            TAG_END()) < 0) {
        log(LogLevel::Error, fmt::format("cannot send the {} response", response.status), request);
        return;
    }
    if (dialog != nullptr) {
        const MessagePtr sent(nta_incoming_getresponse(incoming));
        handler_.on_message(dialog->id,
                            WireMessage{.bytes = wire_bytes(sent.get()),
                                        .sent = true,
                                        .transport = request.wire.transport,
                                        .local = request.wire.local,
                                        .remote = request.wire.remote,
                                        .time = system_clock().now()});
    }
}

void UserAgentImpl::bye(DialogId id, const std::string& reason) {
    const auto found = dialogs_.find(id);
    if (found == dialogs_.end() || found->second->leg == nullptr) {
        return;
    }
    Dialog& dialog = *found->second;
    const std::string reason_header =
        fmt::format("SIP;cause=200;text=\"{}\"", reason.empty() ? "recording ended" : reason);
    // A client whose Contact did not parse is reached where its requests came from.
    const sip_contact_t* target = nullptr;
    const sip_route_t* route = nullptr;
    nta_leg_get_route(dialog.leg.get(), &route, &target);
    const std::string fallback =
        fmt::format("sip:{};transport={}", dialog.remote.to_string(), to_string(dialog.transport));
    dialog.bye.reset(
        nta_outgoing_tcreate(dialog.leg.get(),
                             siprec_on_bye_response,
                             &dialog,
                             nullptr,
                             SIP_METHOD_BYE,
                             target == nullptr ? URL_STRING_MAKE(fallback.c_str()) : nullptr,
                             SIPTAG_USER_AGENT_STR(settings_.user_agent.c_str()),
                             SIPTAG_REASON_STR(reason_header.c_str()),
                             TAG_END()));
    if (dialog.bye != nullptr) {
        const MessagePtr sent(nta_outgoing_getrequest(dialog.bye.get()));
        handler_.on_message(id,
                            WireMessage{.bytes = wire_bytes(sent.get()),
                                        .sent = true,
                                        .transport = dialog.transport,
                                        .local = dialog.local,
                                        .remote = dialog.remote,
                                        .time = system_clock().now()});
    } else {
        logger_.log(
            LogLevel::Error, "sip", "cannot send BYE", {{"source", dialog.remote.to_string()}});
    }
    end(id);
}

void UserAgentImpl::receive_bye_response(Dialog& dialog,
                                         nta_outgoing_t* outgoing,
                                         const sip_t* sip) {
    const bool is_final =
        sip == nullptr || sip->sip_status == nullptr || sip->sip_status->st_status >= 200;
    if (!is_final || dialog.bye.get() != outgoing) {
        return;
    }
    const MessagePtr received(sip == nullptr ? nullptr : nta_outgoing_getresponse(outgoing));
    // What the stack made up itself (408, 503) came from nowhere.
    if (received && message_source(received.get()).port != 0) {
        dialog.agent->handler_.on_message(dialog.id,
                                          WireMessage{.bytes = wire_bytes(received.get()),
                                                      .sent = false,
                                                      .transport = dialog.transport,
                                                      .local = dialog.local,
                                                      .remote = dialog.remote,
                                                      .time = system_clock().now()});
    }
    dialog.bye.reset();
}

void UserAgentImpl::end(DialogId id) {
    auto node = dialogs_.extract(id);
    if (!node.empty()) {
        node.mapped()->ended = true;
        ended_.push_back(std::move(node.mapped()));
    }
}

void UserAgentImpl::clean_up() {
    if (const std::uint64_t malformed = stats().malformed; malformed > malformed_reported_) {
        // At most one line each time the timer runs: a flood of junk must not become a flood of
        // log.
        while (last_stack_message.ends_with('\n')) {
            last_stack_message.pop_back();
        }
        logger_.log(LogLevel::Warning,
                    "sip",
                    "malformed messages dropped or refused by the stack",
                    {{"count", std::to_string(malformed - malformed_reported_)},
                     {"cause", last_stack_message}});
        malformed_reported_ = malformed;
    }
    // A dialog that is still acknowledging or hanging up keeps its place in the stack.
    std::erase_if(ended_, [this](const std::unique_ptr<Dialog>& dialog) {
        if (dialog->bye != nullptr) {
            return false;
        }
        handler_.on_gone(dialog->id);
        return true;
    });
}

Result<std::unique_ptr<UserAgent>> UserAgent::create(void* native_root,
                                                     Settings settings,
                                                     Handler& handler,
                                                     Logger& logger) {
    auto agent = std::make_unique<UserAgentImpl>(
        static_cast<su_root_t*>(native_root), std::move(settings), handler, logger);
    if (auto opened = agent->open(); !opened) {
        return std::move(opened).error();
    }
    return std::unique_ptr<UserAgent>(std::move(agent));
}

}  // namespace siprec::sip
