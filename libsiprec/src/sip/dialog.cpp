#include "sip/agent_impl.hpp"
#include "sip/convert.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace siprec::sip {

extern "C" {

int siprec_on_request(Dialog* dialog,
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
}

namespace {

Transport transport_of(const char* protocol) {
    if (protocol != nullptr && ::strcasecmp(protocol, "tcp") == 0) {
        return Transport::Tcp;
    }
    if (protocol != nullptr && ::strcasecmp(protocol, "tls") == 0) {
        return Transport::Tls;
    }
    return Transport::Udp;
}

}  // namespace

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

}  // namespace siprec::sip
