#include "recorder/admission.hpp"
#include "recorder/media_task.hpp"
#include "recorder/recorder_impl.hpp"
#include "recorder/socket_source.hpp"
#include "sip/headers.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace siprec::recorder {

namespace {

/// Whether the request is one that a session timer speaks in (RFC 4028 3).
bool refreshes(const sip::Request& request) {
    return request.method == sip::Method::Invite || request.method == sip::Method::Update;
}

Origin origin_of(const sip::Request& request) {
    return {.method = request.method_name, .time = request.wire.time};
}

}  // namespace

sip::Response RecorderImpl::on_invite(sip::DialogId dialog, const sip::Request& request) {
    const auto body = parse_body(request.content_type, request.content_disposition, request.body);
    SessionInfo info = to_session_info(request, body);
    SessionDecision decision;
    if (auto refused = check_admission(info, request, body, decision)) {
        return std::move(*refused);
    }
    if (auto refused = check_takeover(info, request)) {
        return std::move(*refused);
    }
    if (auto refused = refuse_short_timer(request)) {
        return std::move(*refused);
    }
    return accept(
        dialog, request, std::make_shared<const SessionInfo>(std::move(info)), body, decision);
}

session::RecordingSession RecorderImpl::make_machine(const Uuid& id,
                                                     session::SecurityTerms security,
                                                     bool ready) const {
    // The SDP's own session id: any number that stays (RFC 8866 5.2); NTP-like would tell our
    // clock.
    std::uint64_t sdp_session_id = 0;
    for (std::size_t i = 0; i < 7; ++i) {
        sdp_session_id = (sdp_session_id << 8U) | id.bytes().at(i);
    }
    return session::RecordingSession({.sdp_session_id = sdp_session_id,
                                      .max_streams = config_.limits.max_streams_per_session,
                                      .ready = ready,
                                      .security = std::move(security)});
}

sip::Response RecorderImpl::accept(sip::DialogId dialog,
                                   const sip::Request& request,
                                   const std::shared_ptr<const SessionInfo>& info,
                                   const Result<std::vector<BodyPart>>& body,
                                   const SessionDecision& decision) {
    session::RecordingSession machine = make_machine(
        info->id, security_terms(info->transport, info->source.address), decision.ready);
    SocketSource ports(*engine_, config_.media, request.wire);
    auto outcome = machine.on_offer(true, body, ports);
    if (outcome.reply.status >= 300) {
        return refuse(
            *info, outcome.reply.status, outcome.reply.warning, outcome.reply.retry_after_s);
    }
    sip::Response response;
    response.body = outcome.reply.body;
    response.content_type = "application/sdp";
    auto live = begin(dialog,
                      {.info = info,
                       .machine = std::move(machine),
                       .outcome = std::move(outcome),
                       .sockets = std::move(ports.sockets),
                       .messages = {request.wire},
                       .origin = origin_of(request),
                       .more_sinks = decision.more_sinks});
    if (!live) {
        return refuse(*info, live.error().sip_status(), live.error().message(), 5);
    }
    grant_timer(**live, request, response);
    if (info->replaces) {
        // RFC 3891 3: the new session is accepted first, then the old one hears BYE.
        static_cast<void>(sip_thread_->post([this, info] {
            if (const auto replaced = find_dialog(*info->replaces)) {
                hang_up(*replaced,
                        EndCause::Replaced,
                        fmt::format("replaced by {}", info->id.to_string()));
            }
        }));
    }
    return response;
}

/// @return Unavailable when the media threads take no more
Result<LiveSession*> RecorderImpl::begin(sip::DialogId dialog, Beginning beginning) {
    const auto info = beginning.info;
    const SteadyTime now = system_clock().steady_now();
    auto media = std::make_shared<MediaSession>(info, logger_, [this] { open_sessions_.remove(); });
    const std::uint32_t thread = engine_->pick_thread();
    const auto [entry, inserted] =
        live_.insert_or_assign(dialog,
                               LiveSession{.dialog = dialog,
                                           .info = info,
                                           .machine = std::move(beginning.machine),
                                           .timer = session::SessionTimer(config_.timer, now),
                                           .media = media,
                                           .thread = thread});
    LiveSession& live = entry->second;
    live.peer.learn(info->headers);
    auto open =
        make_task([media, this, more = std::move(beginning.more_sinks), begun = info->started](
                      rtp::MediaThread& media_thread) {
            media->add_sink(media_thread, sinks_, begun);
            for (SessionSinkFactory* factory : more) {
                media->add_sink(media_thread, *factory, begun);
            }
        });
    open_sessions_.add();
    if (!engine_->post(thread, open)) {
        open_sessions_.remove();
        live_.erase(entry);
        return Error(ErrorCode::Unavailable, "the media threads are overloaded");
    }
    ++started_;
    ++active_;
    // From here on somebody waits for the session's end, whatever happens.
    try {
        note(*info, beginning.outcome, beginning.origin.method);
        logger_.log(LogLevel::Info,
                    "recorder",
                    "session started",
                    {{"rs", info->id.to_string()},
                     {"call_id", info->call_id},
                     {"source", info->source.to_string()},
                     {"user_agent", info->user_agent},
                     {"streams", std::to_string(live.machine.streams().size())}});
        for (const sip::WireMessage& message : beginning.messages) {
            record_wire(live, message);
        }
        hand_over(live, beginning.origin, beginning.outcome, beginning.sockets);
        watch_media(live);
        schedule(live);
    } catch (const std::exception& error) {
        end(dialog, EndCause::Failed, error.what());
        live_.erase(entry);
        return Error(ErrorCode::Internal, error.what());
    }
    return &live;
}

std::optional<sip::Response> RecorderImpl::refuse_short_timer(const sip::Request& request) const {
    if (!session::SessionTimer::is_too_small(config_.timer, timer_terms(request.headers))) {
        return std::nullopt;
    }
    // RFC 4028 9
    auto response = sip::Response::of(422);
    response.headers.emplace_back("Min-SE", std::to_string(config_.timer.min_se.count()));
    logger_.log(
        LogLevel::Info,
        "recorder",
        fmt::format("{} answered 422: its Session-Expires is too short", request.method_name),
        {{"call_id", request.call_id}});
    return response;
}

void RecorderImpl::grant_timer(LiveSession& live,
                               const sip::Request& request,
                               sip::Response& response) {
    const auto grant =
        live.timer.on_request(timer_terms(request.headers), system_clock().steady_now());
    if (grant.expires) {
        response.headers.emplace_back(
            "Session-Expires",
            fmt::format("{};refresher={}",
                        grant.expires->count(),
                        grant.refresher == session::Refresher::Uac ? "uac" : "uas"));
        if (grant.require) {
            response.headers.emplace_back("Require", "timer");
        }
    }
    schedule(live);
}

sip::Response RecorderImpl::on_request(sip::DialogId dialog, const sip::Request& request) {
    LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return sip::Response::of(481);
    }
    LiveSession& live = *running;
    record_wire(live, request.wire);
    live.timer.on_heard(system_clock().steady_now());
    live.peer.learn(request.headers);
    auto unknown = unknown_extensions(request, config_);
    // A BYE ends the session whatever it requires: refused, it would leave one that nobody ends.
    if (!unknown.empty() && request.method != sip::Method::Bye) {
        log(LogLevel::Warning,
            *live.info,
            fmt::format("{} refused with 420: {} is required", request.method_name, unknown[0]));
        auto response = sip::Response::of(420);
        response.unsupported = std::move(unknown);
        return response;
    }
    const auto body = parse_body(request.content_type, request.content_disposition, request.body);
    if (config_.strict && request.method != sip::Method::Bye) {
        if (const auto fault = find_unreadable(body)) {
            log(LogLevel::Warning,
                *live.info,
                fmt::format("{} refused with 400: {}", request.method_name, *fault));
            auto response = sip::Response::of(400);
            response.warning = *fault;
            return response;
        }
    }
    if (refreshes(request)) {
        return answer_offer(live, request, body);
    }
    sip::Response response;
    if (sip::find_header(request.headers, "replaces") != nullptr) {
        // RFC 3891 3: Replaces belongs into an INVITE.
        response.status = 400;
        return response;
    }
    auto outcome = session::RecordingSession::on_body(body);
    note(*live.info, outcome, request.method_name);
    hand_over(live, origin_of(request), std::move(outcome));
    switch (request.method) {
        case sip::Method::Bye:
            end(dialog, EndCause::Bye, request.reason);
            break;
        case sip::Method::Info:
        case sip::Method::Options:
            break;
        case sip::Method::Prack:
            response.status = request.acknowledges_ringing ? 200 : 481;
            break;
        case sip::Method::Cancel:
            response.status = 481;  // nothing waits: every INVITE is answered at once
            break;
        default:
            response.status = 405;
            break;
    }
    return response;
}

sip::Response RecorderImpl::answer_offer(LiveSession& live,
                                         const sip::Request& request,
                                         const Result<std::vector<BodyPart>>& body) {
    if (auto refused = refuse_short_timer(request)) {
        return std::move(*refused);
    }
    if (!request.contact_is_src) {
        // RFC 7866 6.1.1: it confirms what the dialog is, which we know already.
        log(LogLevel::Info,
            *live.info,
            fmt::format("{} without +sip.src in a recording session", request.method_name));
    }
    SocketSource ports(*engine_, config_.media, request.wire);
    auto outcome = live.machine.on_offer(request.method == sip::Method::Invite, body, ports);
    note(*live.info, outcome, request.method_name);
    hand_over(live, origin_of(request), outcome, ports.sockets);
    sip::Response response;
    response.status = outcome.reply.status;
    response.body = std::move(outcome.reply.body);
    response.content_type = "application/sdp";
    response.warning = outcome.reply.warning;
    response.retry_after_s = outcome.reply.retry_after_s;
    if (response.status < 300) {
        grant_timer(live, request, response);
    }
    return response;
}

void RecorderImpl::on_ack(sip::DialogId dialog, const sip::Request& request) {
    LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return;
    }
    LiveSession& live = *running;
    live.acknowledged = true;
    live.timer.on_heard(system_clock().steady_now());
    record_wire(live, request.wire);
    auto outcome = live.machine.on_ack(
        parse_body(request.content_type, request.content_disposition, request.body));
    note(*live.info, outcome, request.method_name);
    hand_over(live, origin_of(request), std::move(outcome));
}

void RecorderImpl::on_ack_missing(sip::DialogId dialog, bool initial) {
    const LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return;
    }
    log(LogLevel::Warning,
        *running->info,
        initial ? "the INVITE's 200 was never acknowledged"
                : "a re-INVITE's 200 was never acknowledged");
    // A lost ACK to a re-INVITE is no reason to stop recording.
    if (initial && !running->acknowledged) {
        hang_up(dialog, EndCause::NoAck, "no ACK (RFC 3261 13.3.1.4)");
    }
}

sip::Response RecorderImpl::on_options(const sip::Request& /*request*/) {
    if (draining_ || !policy_.is_healthy() || active_ >= config_.limits.max_sessions) {
        auto response = sip::Response::of(503);
        response.retry_after_s = 10;
        return response;
    }
    return {};
}

void RecorderImpl::on_message(sip::DialogId dialog, const sip::WireMessage& message) {
    if (const auto found = live_.find(dialog); found != live_.end()) {
        record_wire(found->second, message);
    } else if (const auto calling = calling_.find(dialog); calling != calling_.end()) {
        calling->second.messages.push_back(message);
    } else if (message.sent) {
        first_messages_.assign(1, message);
    }
}

void RecorderImpl::hang_up(sip::DialogId dialog, EndCause cause, const std::string& reason) {
    // Over for us first: what waits for an answer in the dialog hears that there is none.
    end(dialog, cause, reason);
    agent_->bye(dialog, reason);
}

void RecorderImpl::end(sip::DialogId dialog, EndCause cause, const std::string& reason) {
    LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return;
    }
    LiveSession& live = *running;
    live.ended = true;
    --active_;
    ++ended_;
    const SessionEnd session_end{.cause = cause, .reason = reason, .time = system_clock().now()};
    logger_.log(LogLevel::Info,
                "recorder",
                "session ended",
                {{"rs", live.info->id.to_string()},
                 {"call_id", live.info->call_id},
                 {"cause", to_string(cause)},
                 {"reason", reason}});
    // Media that BYE overtook is still on its way; it belongs to the recording.
    linger(live, make_task([media = live.media, session_end](rtp::MediaThread& thread) {
               media->finish(thread, session_end);
           }));
    forget_wishes(live);
    unschedule(live);
}

}  // namespace siprec::recorder
