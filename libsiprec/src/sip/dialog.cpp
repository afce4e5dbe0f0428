#include "sip/agent_impl.hpp"
#include "sip/convert.hpp"
#include "sip/headers.hpp"

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
        } else {
            dialog->agent->receive_in_dialog(*dialog, incoming, *sip);
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
    TportPtr tport(nta_incoming_transport(agent_.get(), incoming, message.get()));
    arrival_.reset();
    if (tport) {
        request.wire.transport = transport_of(tport_name(tport.get())->tpn_proto);
        request.from_stranger = !take_origin(request, tport.get());
    }
    if (request.wire.transport == Transport::Tls) {
        arrival_ = std::move(tport);
    } else {
        request.wire.local = local_endpoint(request.wire.transport, request.wire.remote);
    }
    fill_from_wire(request);
    return request;
}

void UserAgentImpl::receive_outside_dialog(nta_incoming_t* incoming, const sip_t& sip) {
    IncomingPtr owned(incoming);
    Request request = make_request(incoming, sip);
    if (request.method == Method::Ack) {
        return;  // never answered (RFC 3261 17)
    }
    Response response;
    if (request.from_stranger) {
        reply(nullptr, incoming, request, Response::of(403));
        return;
    }
    if (request.method == Method::Invite && !request.has_to_tag) {
        if (!authenticate(incoming, request)) {
            return;
        }
        accept_invite(std::move(owned), sip, std::move(request));
        return;
    }
    if (request.method == Method::Options && !request.has_to_tag) {
        response = handler_.on_options(request);
        waste(request, "OPTIONS");
    } else if (request.has_to_tag || request.method == Method::Bye ||
               request.method == Method::Update || request.method == Method::Info ||
               request.method == Method::Prack || request.method == Method::Cancel) {
        response.status = 481;
        waste(request, "request for an unknown dialog");
    } else {
        response.status = 405;
        waste(request, "method that is not supported");
    }
    reply(nullptr, incoming, request, response);
}

std::optional<ReplacesMatch> UserAgentImpl::find_replaced(const Request& request,
                                                          const sip_t& sip) const {
    const auto named = [](const auto& header) { return lower(header.first) == "replaces"; };
    const auto count = std::ranges::count_if(request.headers, named);
    if (count == 0) {
        return std::nullopt;
    }
    // RFC 3891 3: more than one, or one that cannot be read.
    if (count > 1 || sip.sip_replaces == nullptr || sip.sip_replaces->rp_call_id == nullptr) {
        return ReplacesMatch{.status = 400, .dialog = {}};
    }
    nta_leg_t* leg = nta_leg_by_replaces(agent_.get(), sip.sip_replaces);
    const auto owns = [leg](const auto& dialog) {
        return leg != nullptr && dialog->leg.get() == leg;
    };
    if (std::ranges::any_of(ended_, owns)) {
        return ReplacesMatch{.status = 603, .dialog = {}};
    }
    const auto found =
        std::ranges::find_if(dialogs_, [&owns](const auto& entry) { return owns(entry.second); });
    if (found == dialogs_.end()) {
        return ReplacesMatch{.status = 481, .dialog = {}};
    }
    const bool is_early = std::ranges::any_of(found->second->transactions,
                                              [](const auto& each) { return each->starts_dialog; });
    if (is_early) {
        // RFC 3891 3: an early dialog can be replaced only at the side that did not start it.
        return ReplacesMatch{.status = 481, .dialog = {}};
    }
    // Every dialog of ours is confirmed: the first answer is the final one.
    return ReplacesMatch{.status = sip.sip_replaces->rp_early_only != 0 ? 486 : 0,
                         .dialog = found->first};
}

void UserAgentImpl::accept_invite(IncomingPtr incoming, const sip_t& sip, Request request) {
    request.replaces = find_replaced(request, sip);
    auto dialog = std::make_unique<Dialog>();
    dialog->agent = this;
    dialog->id = DialogId{++last_id_};
    dialog->transport = request.wire.transport;
    dialog->local = request.wire.local;
    dialog->remote = request.wire.remote;
    dialog->connection = std::move(arrival_);
    dialog->is_sips = request.request_uri.starts_with("sips:");
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
    if (!accepted && response.status < 500) {
        limiter_.charge(request.wire.remote.address, system_clock().steady_now());
    }
    Dialog* where = accepted ? dialog.get() : nullptr;
    nta_incoming_t* transaction = incoming.get();
    if (accepted) {
        nta_incoming_bind(transaction, siprec_on_ack, dialog.get());
        dialog->pending_acks.push_back({std::move(incoming), true});
        dialogs_.emplace(dialog->id, std::move(dialog));
    }
    if (accepted && settings_.ringing) {
        ring(*where, transaction, request);
    }
    reply(where, transaction, request, response);
}

/// The stack has matched its RAck (RFC 3262 3) with an INVITE, whose dialog may be over by now.
void UserAgentImpl::receive_prack(nta_incoming_t* incoming, const sip_t& sip) {
    nta_leg_t* leg = nta_leg_by_dialog(agent_.get(),
                                       nullptr,
                                       sip.sip_call_id,
                                       sip.sip_from->a_tag,
                                       nullptr,
                                       sip.sip_to->a_tag,
                                       nullptr);
    Dialog* dialog = leg == nullptr ? nullptr : nta_leg_magic(leg, siprec_on_request);
    if (dialog == nullptr) {
        receive_outside_dialog(incoming, sip);
    } else {
        receive_in_dialog(*dialog, incoming, sip);
    }
}

void UserAgentImpl::receive_in_dialog(Dialog& dialog, nta_incoming_t* incoming, const sip_t& sip) {
    IncomingPtr owned(incoming);
    Request request = make_request(incoming, sip);
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
        if (!authenticate(incoming, request)) {
            return;
        }
        accept_invite(std::move(owned), sip, std::move(request));
        return;
    }
    if (dialog.ended) {
        reply(nullptr, incoming, request, Response::of(481));
        return;
    }
    dialog.remote = request.wire.remote;
    dialog.connection = std::move(arrival_);
    if (sip.sip_contact != nullptr) {
        // Target refresh (RFC 3261 12.2.2, RFC 3311 5.1).
        nta_leg_server_route(dialog.leg.get(), nullptr, sip.sip_contact);
    }
    request.acknowledges_ringing =
        request.method == Method::Prack && std::exchange(dialog.awaits_prack, false);
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

void UserAgentImpl::end(DialogId id) {
    auto node = dialogs_.extract(id);
    if (!node.empty()) {
        Dialog& dialog = *node.mapped();
        dialog.ended = true;
        dialog.ended_at = system_clock().steady_now();
        ended_.push_back(std::move(node.mapped()));
        for (const auto& transaction : dialog.transactions) {
            if (const OnAnswer tell = std::exchange(transaction->on_answer, {})) {
                Answer none;
                none.status = 481;
                none.phrase = "the dialog has ended";
                static_cast<void>(tell(id, none));
            }
        }
    }
}

}  // namespace siprec::sip
