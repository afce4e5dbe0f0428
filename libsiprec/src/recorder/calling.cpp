// Sessions that we start: an INVITE without SDP towards an SRC (RFC 7866 6.2, 7.2).

#include "recorder/recorder_impl.hpp"
#include "recorder/socket_source.hpp"

#include <fmt/format.h>

#include <future>
#include <utility>

namespace siprec::recorder {

namespace {

std::string text_of(const sip::Headers& headers, std::string_view full, std::string_view compact) {
    const std::string* value = sip::find_header(headers, full, compact);
    return value == nullptr ? std::string{} : *value;
}

SessionInfo to_session_info(const Uuid& id, const std::string& src, const sip::Answer& answer) {
    SessionInfo info;
    info.id = id;
    info.call_id = text_of(answer.headers, "call-id", "i");
    info.from_uri = src;
    info.request_uri = src;
    info.contact_uri = text_of(answer.headers, "contact", "m");
    info.to_uri = text_of(answer.headers, "from", "f");
    info.user_agent = text_of(answer.headers, "server", {});
    if (info.user_agent.empty()) {
        info.user_agent = text_of(answer.headers, "user-agent", {});
    }
    info.headers = answer.headers;
    info.transport = answer.wire.transport;
    info.source = answer.wire.remote;
    info.local = answer.wire.local;
    info.evidence.require_tag = true;
    info.evidence.contact_tag = sip::lower(info.contact_uri).find("+sip.src") != std::string::npos;
    info.started_by_us = true;
    info.started = answer.wire.time;
    return info;
}

/// An answer that takes nothing, for an offer that must not stay without one (RFC 3261 13.2.2.4).
std::string reject_all(const Result<std::vector<BodyPart>>& body, std::uint64_t session_id) {
    if (!body) {
        return {};
    }
    const auto part = std::ranges::find_if(*body, &BodyPart::is_sdp);
    if (part == body->end()) {
        return {};
    }
    const auto offer = sdp::parse(part->content);
    if (!offer) {
        return {};
    }
    sdp::AnswerOptions options;
    options.session_id = session_id;
    return sdp::write_answer(*offer, std::vector<sdp::MediaAnswer>(offer->media.size()), options)
        .value_or(std::string{});
}

}  // namespace

Result<Uuid> RecorderImpl::start_session(std::string src) {
    auto promise = std::make_shared<std::promise<Result<Uuid>>>();
    auto answered = promise->get_future();
    std::optional<sip::DialogId> dialog;
    if (!run_on_sip_thread([&] {
            dialog = call(
                src, [promise](Result<Uuid> outcome) { promise->set_value(std::move(outcome)); });
        })) {
        return Error(ErrorCode::Unavailable, "the recorder has stopped");
    }
    if (answered.wait_for(config_.request_timeout) == std::future_status::ready) {
        return answered.get();
    }
    static_cast<void>(run_on_sip_thread([&] {
        if (const auto found = dialog ? calling_.find(*dialog) : calling_.end();
            found != calling_.end()) {
            found->second.cancelled = true;
            agent_->cancel(*dialog);
        }
    }));
    // The answer may have come in the meantime.
    if (answered.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        return answered.get();
    }
    return Error(ErrorCode::Timeout, fmt::format("{} has not answered; cancelled", src));
}

std::optional<sip::DialogId> RecorderImpl::call(std::string src,
                                                std::function<void(Result<Uuid>)> done) {
    if (draining_ || active_ + calling_.size() >= config_.limits.max_sessions) {
        done(Error(ErrorCode::Unavailable, "no new session can be recorded now"));
        return std::nullopt;
    }
    sip::ClientRequest request;
    request.method = sip::Method::Invite;
    request.headers.emplace_back("Require", "siprec");  // RFC 7866 6.2
    if (config_.timer.enabled) {
        request.headers.emplace_back("Session-Expires",
                                     std::to_string(config_.timer.expires.count()));
    }
    const auto dialog =
        agent_->invite(src, request, [this](sip::DialogId id, const sip::Answer& answer) {
            return on_called(id, answer);
        });
    if (!dialog) {
        done(dialog.error());
        return std::nullopt;
    }
    calling_.emplace(*dialog,
                     Calling{.id = Uuid::random(),
                             .src = std::move(src),
                             .messages = std::exchange(first_messages_, {}),
                             .done = std::move(done)});
    return *dialog;
}

std::string RecorderImpl::on_called(sip::DialogId dialog, const sip::Answer& answer) {
    auto node = calling_.extract(dialog);
    if (node.empty()) {
        return {};
    }
    Calling calling = std::move(node.mapped());
    if (answer.is_success()) {
        return take_call(dialog, std::move(calling), answer);
    }
    // RFC 7866 6.2: an SRC that knows no SIPREC says 420. There is no second try.
    const std::string why =
        answer.was_received
            ? fmt::format("{} answered {} {}", calling.src, answer.status, answer.phrase)
            : fmt::format("{} did not answer ({})", calling.src, answer.status);
    logger_.log(LogLevel::Warning, "recorder", why, {{"rs", calling.id.to_string()}});
    calling.done(Error(answer.was_received ? ErrorCode::Conflict : ErrorCode::Timeout, why));
    return {};
}

std::string RecorderImpl::take_call(sip::DialogId dialog,
                                    Calling calling,
                                    const sip::Answer& answer) {
    const auto body = parse_body(answer.content_type, answer.content_disposition, answer.body);
    const auto give_up = [&](Error why) {
        logger_.log(LogLevel::Warning,
                    "recorder",
                    fmt::format("{}: {}", calling.src, why.message()),
                    {{"rs", calling.id.to_string()}});
        // The ACK goes first.
        static_cast<void>(
            sip_thread_->post([this, dialog, text = why.message()] { agent_->bye(dialog, text); }));
        calling.done(std::move(why));
        return reject_all(body, 1);
    };
    const bool has_offer = body && std::ranges::any_of(*body, &BodyPart::is_sdp);
    if (calling.cancelled || !has_offer) {
        return give_up(Error(ErrorCode::Conflict,
                             calling.cancelled ? "cancelled" : "the SRC's 2xx has no SDP offer"));
    }
    session::RecordingSession machine = make_machine(
        calling.id, security_terms(answer.wire.transport, answer.wire.remote.address), true);
    SocketSource ports(*engine_, config_.media, answer.wire);
    auto outcome = machine.on_offer(true, body, ports);
    if (outcome.reply.status >= 300) {
        return give_up(Error(ErrorCode::Conflict, outcome.reply.warning));
    }
    const std::string sdp = outcome.reply.body;
    auto live = begin(dialog,
                      {.info = std::make_shared<const SessionInfo>(
                           to_session_info(calling.id, calling.src, answer)),
                       .machine = std::move(machine),
                       .outcome = std::move(outcome),
                       .sockets = std::move(ports.sockets),
                       .messages = std::move(calling.messages),
                       .origin = {.method = "INVITE", .time = answer.wire.time}});
    if (!live) {
        return give_up(live.error());
    }
    (*live)->acknowledged = true;
    (*live)->timer.on_success(timer_terms(answer.headers), system_clock().steady_now());
    schedule(**live);
    calling.done(calling.id);
    return sdp;
}

}  // namespace siprec::recorder
