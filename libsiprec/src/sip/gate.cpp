// What stands between the network and the dialogs: too much, from too busy a source, or from
// somebody unknown does not get past. What is turned away here leaves no transaction behind, so
// that a flood takes no memory.

#include "sip/agent_impl.hpp"
#include "sip/convert.hpp"
#include "sip/headers.hpp"

#include <algorithm>
#include <utility>

namespace siprec::sip {

namespace {

constexpr const char* kRetryAfter = "5";  // s

}  // namespace

IpAddress UserAgentImpl::source_of(msg_t* message) const {
    const Endpoint source = message_source(message);
    TportPtr transport(tport_ref(tport_delivered_by(nta_agent_tports(agent_.get()), message)));
    if (behind_front_ != nullptr && transport && tport_parent(transport.get()) == behind_front_) {
        if (const auto peer = front_->find(source.port)) {
            return peer->remote.address;
        }
    }
    return source.address;
}

bool UserAgentImpl::is_too_much(SteadyTime now) {
    const SignallingLimits& limits = settings_.limits;
    if (limits.max_delay.count() > 0 && load_.delay() > limits.max_delay) {
        return true;
    }
    if (limits.setups_per_second == 0) {
        return false;
    }
    const double rate = limits.setups_per_second;
    // A fifth of a second's worth at once: bursts are ordinary, and the clock is coarse.
    const double most = std::max(1.0, rate / 5);
    const std::chrono::duration<double> passed = now - setups_filled_;
    setups_left_ = std::min(most, setups_left_ + passed.count() * rate);
    setups_filled_ = now;
    if (setups_left_ < 1) {
        return true;
    }
    setups_left_ -= 1;
    return false;
}

void UserAgentImpl::receive_new(MessagePtr message, sip_t& sip) {
    const SteadyTime now = system_clock().steady_now();
    const sip_method_t method = sip.sip_request->rq_method;
    load_.count(sip.sip_payload == nullptr ? 500 : sip.sip_payload->pl_len + 1000);
    if (method == sip_method_ack) {
        return;  // of a response that left nothing behind; never answered (RFC 3261 17)
    }
    const IpAddress source = source_of(message.get());
    if (!limiter_.may_pass(source, now)) {
        ++limited_;
        return;
    }
    const bool starts_dialog =
        method == sip_method_invite && (sip.sip_to == nullptr || sip.sip_to->a_tag == nullptr);
    if (starts_dialog && is_too_much(now)) {
        ++overloaded_;
        if (const auto swallowed = source_log_.may_log(source, now)) {
            logger_.log(
                LogLevel::Warning,
                "sip",
                "overloaded: INVITE refused with 503",
                {{"source", source.to_string()}, {"swallowed", std::to_string(*swallowed)}});
        }
        nta_msg_treply(agent_.get(),
                       message.release(),
                       SIP_503_SERVICE_UNAVAILABLE,
                       SIPTAG_RETRY_AFTER_STR(kRetryAfter),
                       SIPTAG_SERVER_STR(settings_.user_agent.c_str()),
                       TAG_END());
        return;
    }
    // The stack destroys the message when it cannot make a transaction of it.
    if (nta_incoming_t* incoming =
            nta_incoming_create(agent_.get(), nullptr, message.release(), &sip, TAG_END())) {
        receive_outside_dialog(incoming, sip);
    }
}

bool UserAgentImpl::authenticate(nta_incoming_t* incoming, Request& request) {
    if (!digest_.asks(request.wire.remote.address)) {
        return true;
    }
    std::vector<std::string> given;
    for (const auto& [name, value] : request.headers) {
        if (lower(name) == "authorization") {
            given.push_back(value);
        }
    }
    const SteadyTime now = system_clock().steady_now();
    auto outcome = digest_.check(request.method_name, given, now);
    if (outcome.verdict == DigestGuard::Verdict::Good) {
        request.user = std::move(outcome.user);
        return true;
    }
    ++challenged_;
    if (outcome.verdict == DigestGuard::Verdict::Wrong) {
        waste(request, "wrong password");
    }
    Response response = Response::of(401);
    const bool is_stale = outcome.verdict == DigestGuard::Verdict::Stale;
    for (std::string& challenge : digest_.challenges(is_stale, now)) {
        response.headers.emplace_back("WWW-Authenticate", std::move(challenge));
    }
    reply(nullptr, incoming, request, response);
    return false;
}

void UserAgentImpl::waste(const Request& request, std::string_view what) {
    const SteadyTime now = system_clock().steady_now();
    const IpAddress& source = request.wire.remote.address;
    limiter_.charge(source, now);
    if (request.method == Method::Options) {
        return;  // a client that asks whether we live is no news
    }
    if (const auto swallowed = source_log_.may_log(source, now)) {
        logger_.log(LogLevel::Warning,
                    "sip",
                    what,
                    {{"call_id", request.call_id},
                     {"method", request.method_name},
                     {"source", request.wire.remote.to_string()},
                     {"swallowed", std::to_string(*swallowed)}});
    }
}

}  // namespace siprec::sip
