// Requests of ours: within a dialog, and the INVITE that starts one.

#include "sip/agent_impl.hpp"
#include "sip/convert.hpp"
#include "sip/headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace siprec::sip {

extern "C" {

static int siprec_on_answer(ClientTransaction* transaction,
                            nta_outgoing_t* /*outgoing*/,
                            const sip_t* sip) noexcept {
    try {
        transaction->dialog->agent->receive_answer(*transaction, sip);
    } catch (...) {
        return 0;
    }
    return 0;
}
}

namespace {

struct NamedMethod {
    sip_method_t method;
    const char* name;
};

NamedMethod native(Method method) {
    switch (method) {
        case Method::Invite:
            return {SIP_METHOD_INVITE};
        case Method::Update:
            return {SIP_METHOD_UPDATE};
        case Method::Info:
            return {SIP_METHOD_INFO};
        case Method::Bye:
            return {SIP_METHOD_BYE};
        default:
            return {SIP_METHOD_OPTIONS};
    }
}

/// RFC 3261 12.2: those whose Contact becomes the peer's remote target.
bool refreshes_target(Method method) {
    return method == Method::Invite || method == Method::Update;
}

std::string joined(const Headers& headers) {
    std::string text;
    for (const auto& [name, value] : headers) {
        text += fmt::format("{}{}: {}", text.empty() ? "" : "\r\n", name, value);
    }
    return text;
}

Answer to_answer(int status, const sip_t* sip) {
    Answer answer;
    answer.status = status;
    if (sip != nullptr && sip->sip_status != nullptr && sip->sip_status->st_phrase != nullptr) {
        answer.phrase = sip->sip_status->st_phrase;
    }
    if (sip != nullptr && sip->sip_payload != nullptr && sip->sip_payload->pl_data != nullptr) {
        answer.body.assign(sip->sip_payload->pl_data, sip->sip_payload->pl_len);
    }
    return answer;
}

void fill_from_wire(Answer& answer) {
    answer.headers = parse_headers(answer.wire.bytes);
    if (const std::string* type = find_header(answer.headers, "content-type", "c")) {
        answer.content_type = *type;
    }
    if (const std::string* disposition = find_header(answer.headers, "content-disposition")) {
        answer.content_disposition = *disposition;
    }
}

}  // namespace

std::string UserAgentImpl::contact(Transport transport, const Endpoint& local, bool is_sips) const {
    // RFC 3261 12.1.1: who came by a SIPS URI is given one.
    if (is_sips) {
        return fmt::format("<sips:siprec@{}>;+sip.srs", local.to_string());
    }
    return fmt::format(
        "<sip:siprec@{}{}>;+sip.srs",
        local.to_string(),
        transport == Transport::Udp ? "" : fmt::format(";transport={}", to_string(transport)));
}

void UserAgentImpl::tell_sent(const Dialog& dialog, msg_t* message) {
    std::string bytes = wire_bytes(message);
    if (dialog.transport == Transport::Tls) {
        bytes = tls::for_client(std::move(bytes), dialog.remote, dialog.local);
    }
    handler_.on_message(dialog.id,
                        WireMessage{.bytes = std::move(bytes),
                                    .sent = true,
                                    .transport = dialog.transport,
                                    .local = dialog.local,
                                    .remote = dialog.remote,
                                    .time = system_clock().now()});
}

bool UserAgentImpl::send_client(Dialog& dialog,
                                const ClientRequest& request,
                                OnAnswer on_answer,
                                const std::string& target) {
    auto transaction = std::make_unique<ClientTransaction>();
    transaction->dialog = &dialog;
    transaction->method = request.method;
    transaction->on_answer = std::move(on_answer);
    transaction->starts_dialog = !target.empty();
    const std::string own_contact = contact(dialog.transport, dialog.local, dialog.is_sips);
    const std::string headers = joined(request.headers);
    const bool is_bye = request.method == Method::Bye;
    const HomePtr home(static_cast<su_home_t*>(su_home_new(sizeof(su_home_t))));
    sip_payload_t* payload =
        request.body.empty()
            ? nullptr
            : sip_payload_create(
                  home.get(), request.body.data(), static_cast<isize_t>(request.body.size()));
    // A client whose Contact did not parse is reached where its requests came from.
    const sip_contact_t* remote_target = nullptr;
    const sip_route_t* route = nullptr;
    nta_leg_get_route(dialog.leg.get(), &route, &remote_target);
    const std::string fallback =
        fmt::format("sip:{};transport={}", dialog.remote.to_string(), to_string(dialog.transport));
    const std::string& uri = target.empty() ? fallback : target;
    const bool names_uri = !target.empty() || remote_target == nullptr;
    const auto [method, name] = native(request.method);
    transaction->outgoing.reset(nta_outgoing_tcreate(
        dialog.leg.get(),
        siprec_on_answer,
        transaction.get(),
        nullptr,
        method,
        name,
        names_uri ? URL_STRING_MAKE(uri.c_str()) : nullptr,
        TAG_IF(dialog.connection, NTATAG_TPORT(dialog.connection.get())),
        TAG_IF(refreshes_target(request.method), SIPTAG_CONTACT_STR(own_contact.c_str())),
        SIPTAG_USER_AGENT_STR(settings_.user_agent.c_str()),
        TAG_IF(!is_bye, SIPTAG_ALLOW_STR(kAllow)),
        // RFC 4028 7.1: in every request but ACK.
        TAG_IF(!settings_.supported.empty(), SIPTAG_SUPPORTED_STR(settings_.supported.c_str())),
        TAG_IF(!is_bye, SIPTAG_ACCEPT_STR(kAccept)),
        TAG_IF(!headers.empty(), SIPTAG_HEADER_STR(headers.c_str())),
        TAG_IF(payload != nullptr, SIPTAG_CONTENT_TYPE_STR(request.content_type.c_str())),
        TAG_IF(!request.content_disposition.empty(),
               SIPTAG_CONTENT_DISPOSITION_STR(request.content_disposition.c_str())),
        TAG_IF(payload != nullptr, SIPTAG_PAYLOAD(payload)),
        TAG_END()));
    if (transaction->outgoing == nullptr) {
        logger_.log(LogLevel::Error,
                    "sip",
                    fmt::format("cannot send {}", name),
                    {{"source", dialog.remote.to_string()}});
        return false;
    }
    const MessagePtr sent(nta_outgoing_getrequest(transaction->outgoing.get()));
    dialog.transactions.push_back(std::move(transaction));
    tell_sent(dialog, sent.get());
    return true;
}

Result<void> UserAgentImpl::send(DialogId id, const ClientRequest& request, OnAnswer on_answer) {
    const auto found = dialogs_.find(id);
    if (found == dialogs_.end() || found->second->leg == nullptr) {
        return Error(ErrorCode::NotFound, "the dialog is over");
    }
    if (!send_client(*found->second, request, std::move(on_answer), {})) {
        return Error(ErrorCode::Io, "the request cannot be sent");
    }
    return {};
}

Result<DialogId> UserAgentImpl::invite(const std::string& target,
                                       const ClientRequest& request,
                                       OnAnswer on_answer) {
    const HomePtr home(static_cast<su_home_t*>(su_home_new(sizeof(su_home_t))));
    const url_t* url = url_make(home.get(), target.c_str());
    if (url == nullptr || (url->url_type != url_sip && url->url_type != url_sips) ||
        url->url_host == nullptr || *url->url_host == '\0') {
        return Error(ErrorCode::InvalidArgument, fmt::format("'{}' is no SIP URI", target));
    }
    auto dialog = std::make_unique<Dialog>();
    dialog->agent = this;
    dialog->id = DialogId{++last_id_};
    dialog->transport = url->url_type == url_sips ? Transport::Tls : Transport::Udp;
    const std::string params = lower(url->url_params == nullptr ? "" : url->url_params);
    if (params.find("transport=tcp") != std::string::npos) {
        dialog->transport = Transport::Tcp;
    } else if (params.find("transport=tls") != std::string::npos) {
        dialog->transport = Transport::Tls;
    }
    const std::string port = url->url_port == nullptr ? "5060" : url->url_port;
    // A host name leaves the address open until the answer tells it.
    if (const auto remote = Endpoint::parse(fmt::format("{}:{}", url->url_host, port))) {
        dialog->remote = *remote;
    }
    dialog->local = local_endpoint(dialog->transport, dialog->remote);
    const std::string own = fmt::format("<sip:siprec@{}>", dialog->local.to_string());
    const std::string peer = fmt::format("<{}>", target);
    dialog->leg.reset(nta_leg_tcreate(agent_.get(),
                                      siprec_on_request,
                                      dialog.get(),
                                      SIPTAG_FROM_STR(own.c_str()),
                                      SIPTAG_TO_STR(peer.c_str()),
                                      TAG_END()));
    if (!dialog->leg || nta_leg_tag(dialog->leg.get(), nullptr) == nullptr) {
        return Error(ErrorCode::Internal, "the stack cannot make a dialog");
    }
    const DialogId id = dialog->id;
    Dialog& kept = *dialogs_.emplace(id, std::move(dialog)).first->second;
    if (!send_client(kept, request, std::move(on_answer), target)) {
        end(id);
        return Error(ErrorCode::Io, "the INVITE cannot be sent");
    }
    return id;
}

void UserAgentImpl::cancel(DialogId id) {
    const auto found = dialogs_.find(id);
    if (found == dialogs_.end()) {
        return;
    }
    for (const auto& transaction : found->second->transactions) {
        if (transaction->starts_dialog) {
            // The stack sends it, or waits for a provisional answer first (RFC 3261 9.1).
            nta_outgoing_tcancel(transaction->outgoing.get(), nullptr, nullptr, TAG_END());
        }
    }
}

void UserAgentImpl::bye(DialogId id, const std::string& reason) {
    const auto found = dialogs_.find(id);
    if (found == dialogs_.end() || found->second->leg == nullptr) {
        return;
    }
    ClientRequest request;
    request.method = Method::Bye;
    std::string text = reason.empty() ? "recording ended" : reason;
    std::erase_if(text, [](char c) { return c == '"' || c == '\\' || c == '\r' || c == '\n'; });
    request.headers.emplace_back("Reason", fmt::format("SIP;cause=200;text=\"{}\"", text));
    static_cast<void>(send_client(*found->second, request, {}, {}));
    end(id);
}

void UserAgentImpl::receive_answer(ClientTransaction& transaction, const sip_t* sip) {
    Dialog& dialog = *transaction.dialog;
    const int status = sip == nullptr || sip->sip_status == nullptr
                           ? nta_outgoing_status(transaction.outgoing.get())
                           : sip->sip_status->st_status;
    const MessagePtr received(
        sip == nullptr ? nullptr : nta_outgoing_getresponse(transaction.outgoing.get()));
    Answer answer = to_answer(status, sip);
    // What the stack made up itself (408, 503) came from nowhere.
    answer.was_received = received && message_source(received.get()).port != 0;
    if (answer.was_received) {
        dialog.remote = message_source(received.get());
        answer.wire = WireMessage{.bytes = wire_bytes(received.get()),
                                  .sent = false,
                                  .transport = dialog.transport,
                                  .local = dialog.local,
                                  .remote = dialog.remote,
                                  .time = system_clock().now()};
        fill_from_wire(answer);
        handler_.on_message(dialog.id, answer.wire);
    }
    if (status < 200) {
        return;
    }
    const auto found = std::ranges::find_if(dialog.transactions, [&transaction](const auto& each) {
        return each.get() == &transaction;
    });
    if (found == dialog.transactions.end()) {
        return;
    }
    const std::unique_ptr<ClientTransaction> done = std::move(*found);
    dialog.transactions.erase(found);
    const bool is_accepted_invite = done->method == Method::Invite && answer.is_success();
    if (is_accepted_invite && sip != nullptr) {
        if (done->starts_dialog && sip->sip_to != nullptr) {
            nta_leg_rtag(dialog.leg.get(), sip->sip_to->a_tag);
        }
        nta_leg_client_route(dialog.leg.get(), sip->sip_record_route, sip->sip_contact);
    } else if (done->method == Method::Update && answer.is_success() && sip != nullptr) {
        nta_leg_client_route(dialog.leg.get(), nullptr, sip->sip_contact);
    }
    std::string sdp;
    if (done->on_answer && !dialog.ended) {
        sdp = done->on_answer(dialog.id, answer);
    }
    if (is_accepted_invite) {
        // Also for a dialog that ended meanwhile: the client waits for it (RFC 3261 13.2.2.4).
        acknowledge(dialog, *done, sdp);
    }
    if (done->starts_dialog && !answer.is_success()) {
        end(dialog.id);
    }
}

void UserAgentImpl::acknowledge(Dialog& dialog,
                                const ClientTransaction& transaction,
                                const std::string& sdp) {
    const HomePtr home(static_cast<su_home_t*>(su_home_new(sizeof(su_home_t))));
    const sip_cseq_t* cseq =
        sip_cseq_create(home.get(), nta_outgoing_cseq(transaction.outgoing.get()), SIP_METHOD_ACK);
    sip_payload_t* payload =
        sdp.empty() ? nullptr
                    : sip_payload_create(home.get(), sdp.data(), static_cast<isize_t>(sdp.size()));
    const sip_contact_t* remote_target = nullptr;
    const sip_route_t* route = nullptr;
    nta_leg_get_route(dialog.leg.get(), &route, &remote_target);
    const std::string fallback =
        fmt::format("sip:{};transport={}", dialog.remote.to_string(), to_string(dialog.transport));
    // The stack repeats it for each further 2xx, and so keeps it longer than we do.
    const OutgoingPtr ack(
        nta_outgoing_tcreate(dialog.leg.get(),
                             nullptr,
                             nullptr,
                             nullptr,
                             SIP_METHOD_ACK,
                             remote_target == nullptr ? URL_STRING_MAKE(fallback.c_str()) : nullptr,
                             TAG_IF(dialog.connection, NTATAG_TPORT(dialog.connection.get())),
                             SIPTAG_CSEQ(cseq),
                             SIPTAG_USER_AGENT_STR(settings_.user_agent.c_str()),
                             TAG_IF(payload != nullptr, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
                             TAG_IF(payload != nullptr, SIPTAG_PAYLOAD(payload)),
                             TAG_END()));
    if (ack == nullptr) {
        logger_.log(
            LogLevel::Error, "sip", "cannot send ACK", {{"source", dialog.remote.to_string()}});
        return;
    }
    const MessagePtr sent(nta_outgoing_getrequest(ack.get()));
    tell_sent(dialog, sent.get());
}

}  // namespace siprec::sip
