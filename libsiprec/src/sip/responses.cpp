#include "sip/agent_impl.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace siprec::sip {

extern "C" {

/// @param prack  null when the final response has made one needless
static int siprec_on_prack(UserAgentImpl* agent,
                           nta_reliable_t* /*reliable*/,
                           nta_incoming_t* prack,
                           const sip_t* sip) noexcept {
    try {
        if (prack != nullptr) {
            agent->receive_prack(prack, *sip);
        }
    } catch (...) {
        return 0;
    }
    return 0;
}
}

namespace {

/// RFC 3261 21; phrases are literals because the stack keeps the pointer.
const char* phrase(int status) {
    switch (status) {
        case 420:
            return "Bad Extension";
        case 422:
            return "Session Interval Too Small";
        case 481:
            return "Call/Transaction Does Not Exist";
        case 491:
            return "Request Pending";
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

}  // namespace

/// A 180 ahead of the 200, reliable where the client knows how. It carries no SDP: so the 200 need
/// not wait for the PRACK, and ends the 180's retransmission (RFC 3262 3).
void UserAgentImpl::ring(Dialog& dialog, nta_incoming_t* incoming, const Request& request) {
    const auto has_100rel = [](const std::vector<std::string>& tags) {
        return std::ranges::find(tags, "100rel") != tags.end();
    };
    const std::string own_contact = contact(
        request.wire.transport, request.wire.local, request.request_uri.starts_with("sips:"));
    const auto ringing = [&](auto send) {
        return send(SIP_180_RINGING,
                    SIPTAG_CONTACT_STR(own_contact.c_str()),
                    SIPTAG_SERVER_STR(settings_.user_agent.c_str()),
                    SIPTAG_ALLOW_STR(kAllow),
                    TAG_END());
    };
    if (has_100rel(request.require) || has_100rel(request.supported)) {
        dialog.awaits_prack = ringing([&](auto... tags) {
            return nta_reliable_treply(incoming, siprec_on_prack, this, tags...) != nullptr;
        });
    } else if (!ringing(
                   [&](auto... tags) { return nta_incoming_treply(incoming, tags...) == 0; })) {
        log(LogLevel::Warning, "cannot send the 180 response", request);
        return;
    }
    const MessagePtr sent(nta_incoming_getresponse(incoming));
    tell_sent(dialog, sent.get());
}

void UserAgentImpl::reply(Dialog* dialog,
                          nta_incoming_t* incoming,
                          const Request& request,
                          const Response& response) {
    const std::string own_contact = contact(
        request.wire.transport, request.wire.local, request.request_uri.starts_with("sips:"));
    std::string headers;
    for (const auto& [name, value] : response.headers) {
        headers += fmt::format("{}{}: {}", headers.empty() ? "" : "\r\n", name, value);
    }
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
            TAG_IF(good && makes_target, SIPTAG_CONTACT_STR(own_contact.c_str())),
            SIPTAG_SERVER_STR(settings_.user_agent.c_str()),
            TAG_IF(good || response.status == 405, SIPTAG_ALLOW_STR(kAllow)),
            TAG_IF(good && !settings_.supported.empty(),
                   SIPTAG_SUPPORTED_STR(settings_.supported.c_str())),
            TAG_IF(!headers.empty(), SIPTAG_HEADER_STR(headers.c_str())),
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
        tell_sent(*dialog, sent.get());
    }
}

}  // namespace siprec::sip
