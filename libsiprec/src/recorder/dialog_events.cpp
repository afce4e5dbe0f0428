#include "recorder/admission.hpp"
#include "recorder/media_task.hpp"
#include "recorder/recorder_impl.hpp"
#include "recorder/socket_source.hpp"

#include <utility>

namespace siprec::recorder {

sip::Response RecorderImpl::on_invite(sip::DialogId dialog, const sip::Request& request) {
    const auto body = parse_body(request.content_type, request.content_disposition, request.body);
    auto info = std::make_shared<const SessionInfo>(to_session_info(request, body));
    if (auto refused = check_admission(*info, request)) {
        return std::move(*refused);
    }
    return start_session(dialog, request, info, body);
}

sip::Response RecorderImpl::start_session(sip::DialogId dialog,
                                          const sip::Request& request,
                                          const std::shared_ptr<const SessionInfo>& info,
                                          const Result<std::vector<BodyPart>>& body) {
    // The SDP's own session id: any number that stays (RFC 8866 5.2); NTP-like would tell our
    // clock.
    std::uint64_t sdp_session_id = 0;
    for (std::size_t i = 0; i < 7; ++i) {
        sdp_session_id = (sdp_session_id << 8U) | info->id.bytes().at(i);
    }
    session::RecordingSession machine(
        {.sdp_session_id = sdp_session_id, .max_streams = config_.limits.max_streams_per_session});
    SocketSource ports(*engine_, config_.media, request);
    auto outcome = machine.on_offer(true, body, ports);
    if (outcome.reply.status >= 300) {
        return refuse(
            *info, outcome.reply.status, outcome.reply.warning, outcome.reply.retry_after_s);
    }
    LiveSession live{
        .info = info,
        .machine = std::move(machine),
        .media = std::make_shared<MediaSession>(info, logger_, [this] { open_sessions_.remove(); }),
        .thread = engine_->pick_thread()};
    auto open = make_task([media = live.media, this](rtp::MediaThread&) { media->open(sinks_); });
    open_sessions_.add();
    if (!engine_->post(live.thread, open)) {
        open_sessions_.remove();
        return refuse(*info, 503, "the media threads are overloaded", 5);
    }
    ++started_;
    ++active_;
    note(*info, outcome, request);
    logger_.log(LogLevel::Info,
                "recorder",
                "session started",
                {{"rs", info->id.to_string()},
                 {"call_id", info->call_id},
                 {"source", info->source.to_string()},
                 {"user_agent", info->user_agent},
                 {"streams", std::to_string(live.machine.streams().size())}});
    record_wire(live, request.wire);
    hand_over(live, request, outcome, ports.sockets);
    watch_media(live);
    live_.emplace(dialog, std::move(live));
    sip::Response response;
    response.body = outcome.reply.body;
    response.content_type = "application/sdp";
    return response;
}

sip::Response RecorderImpl::on_request(sip::DialogId dialog, const sip::Request& request) {
    LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return sip::Response::of(481);
    }
    LiveSession& live = *running;
    record_wire(live, request.wire);
    const auto body = parse_body(request.content_type, request.content_disposition, request.body);
    sip::Response response;
    if (request.method == sip::Method::Invite || request.method == sip::Method::Update) {
        SocketSource ports(*engine_, config_.media, request);
        auto outcome = live.machine.on_offer(request.method == sip::Method::Invite, body, ports);
        note(*live.info, outcome, request);
        hand_over(live, request, outcome, ports.sockets);
        response.status = outcome.reply.status;
        response.body = std::move(outcome.reply.body);
        response.content_type = "application/sdp";
        response.warning = outcome.reply.warning;
        response.retry_after_s = outcome.reply.retry_after_s;
        return response;
    }
    auto outcome = session::RecordingSession::on_body(body);
    note(*live.info, outcome, request);
    std::map<Uuid, rtp::MediaSockets> none;
    hand_over(live, request, outcome, none);
    switch (request.method) {
        case sip::Method::Bye:
            end(dialog, EndCause::Bye, request.reason);
            break;
        case sip::Method::Info:
        case sip::Method::Options:
        case sip::Method::Prack:
            break;
        case sip::Method::Cancel:
            response.status = 481;  // nothing is left to cancel: every INVITE is answered at once
            break;
        default:
            response.status = 405;
            break;
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
    record_wire(live, request.wire);
    auto outcome = live.machine.on_ack(
        parse_body(request.content_type, request.content_disposition, request.body));
    note(*live.info, outcome, request);
    std::map<Uuid, rtp::MediaSockets> none;
    hand_over(live, request, outcome, none);
}

void RecorderImpl::on_ack_missing(sip::DialogId dialog, bool initial) {
    const LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return;
    }
    logger_.log(LogLevel::Warning,
                "recorder",
                initial ? "the INVITE's 200 was never acknowledged"
                        : "a re-INVITE's 200 was never acknowledged",
                {{"rs", running->info->id.to_string()}, {"call_id", running->info->call_id}});
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
    }
}

void RecorderImpl::hang_up(sip::DialogId dialog, EndCause cause, const std::string& reason) {
    agent_->bye(dialog, reason);
    end(dialog, cause, reason);
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
}

}  // namespace siprec::recorder
