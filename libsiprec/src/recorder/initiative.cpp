// What we ask of a client within a session: one request at a time, repeated where the RFCs say so.

#include "recorder/media_task.hpp"
#include "recorder/recorder_impl.hpp"

#include <fmt/format.h>

#include <future>
#include <random>
#include <utility>

namespace siprec::recorder {

namespace {

using Offer = session::RecordingSession::Wish;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string_view name_of(const Wish& wish) {
    switch (wish.kind) {
        case Wish::Kind::Snapshot:
            return "snapshot request";
        case Wish::Kind::Refresh:
            return "session refresh";
        case Wish::Kind::Probe:
            return "probe";
        case Wish::Kind::Picture:
            return "picture request";
        case Wish::Kind::Offer:
            break;
    }
    switch (wish.offer) {
        case Offer::Pause:
            return "pause";
        case Offer::Resume:
            return "resume";
        default:
            return "dropping a stream";
    }
}

/// RFC 3261 14.1: the side that chose the Call-ID waits longer, so that only one meets the other.
milliseconds glare_delay(bool we_chose_call_id) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<int> hundredths(we_chose_call_id ? 210 : 0,
                                                  we_chose_call_id ? 400 : 200);
    return milliseconds(10 * hundredths(random));
}

void finish(const Wish& wish, Result<void> outcome) {
    if (wish.done) {
        wish.done(std::move(outcome));
    }
}

}  // namespace

Result<void> RecorderImpl::ask(const Uuid& session, Wish wish) {
    auto promise = std::make_shared<std::promise<Result<void>>>();
    auto answered = promise->get_future();
    wish.done = [promise](Result<void> outcome) { promise->set_value(std::move(outcome)); };
    bool found = false;
    const bool ran = run_on_sip_thread([&] {
        if (const auto dialog = find_dialog(session)) {
            found = true;
            LiveSession& live = live_.at(*dialog);
            live.wishes.push_back(std::move(wish));
            advance(live);
            schedule(live);
        }
    });
    if (!ran || !found) {
        return Error(ErrorCode::NotFound,
                     fmt::format("no running session {}", session.to_string()));
    }
    if (answered.wait_for(config_.request_timeout) != std::future_status::ready) {
        return Error(ErrorCode::Timeout, "the SRC has not answered yet");
    }
    return answered.get();
}

Result<void> RecorderImpl::pause(const Uuid& session) {
    Wish wish;
    wish.offer = Offer::Pause;
    return ask(session, std::move(wish));
}

Result<void> RecorderImpl::resume(const Uuid& session) {
    Wish wish;
    wish.offer = Offer::Resume;
    return ask(session, std::move(wish));
}

Result<void> RecorderImpl::drop_stream(const Uuid& session, std::uint32_t media_index) {
    Wish wish;
    wish.offer = Offer::Drop;
    wish.media_index = media_index;
    return ask(session, std::move(wish));
}

Result<void> RecorderImpl::request_snapshot(const Uuid& session, std::string reason) {
    Wish wish;
    wish.kind = Wish::Kind::Snapshot;
    wish.reason = std::move(reason);
    return ask(session, std::move(wish));
}

void RecorderImpl::advance(LiveSession& live) {
    while (!live.ended && !live.asking && !live.wishes.empty()) {
        Wish& wish = live.wishes.front();
        if (wish.not_before > system_clock().steady_now()) {
            return;
        }
        auto request = to_request(live, wish);
        Result<void> sent = [&]() -> Result<void> {
            if (!request) {
                return request.error();
            }
            live.asking = true;
            return agent_->send(
                live.dialog, *request, [this](sip::DialogId dialog, const sip::Answer& answer) {
                    if (LiveSession* asked = find_running(dialog)) {
                        on_answer(*asked, answer);
                    }
                    return std::string{};
                });
        }();
        if (sent) {
            ++wish.attempts;
            return;
        }
        live.asking = false;
        if (live.machine.has_open_offer()) {
            hand_over(live, {"INVITE", system_clock().now()}, live.machine.on_own_refused());
        }
        if (sent.error().code() == ErrorCode::Conflict && ++wish.attempts < 10) {
            // The client's answer in its ACK comes first (RFC 3264 4).
            wish.not_before = system_clock().steady_now() + milliseconds(500);
            return;
        }
        log(LogLevel::Warning,
            *live.info,
            fmt::format("{} not sent: {}", name_of(wish), sent.error().message()));
        const Wish failed = std::move(wish);
        live.wishes.pop_front();
        finish(failed, std::move(sent));
    }
}

Result<sip::ClientRequest> RecorderImpl::to_request(LiveSession& live, const Wish& wish) {
    sip::ClientRequest request;
    if (wish.kind == Wish::Kind::Probe) {
        return request;
    }
    if (wish.kind == Wish::Kind::Picture) {
        // RFC 5168, for clients that know no FIR: all video streams of the dialog.
        request.method = sip::Method::Info;
        request.content_type = "application/media_control+xml";
        request.body =
            "<?xml version=\"1.0\" "
            "encoding=\"utf-8\"?>\r\n<media_control><vc_primitive><to_encoder>"
            "<picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n";
        return request;
    }
    if (wish.kind == Wish::Kind::Snapshot) {
        if (!live.peer.allows_update) {
            // RFC 7866 9.2: UPDATE is the only carrier.
            return Error(ErrorCode::Unsupported, "the SRC does not allow UPDATE");
        }
        request.method = sip::Method::Update;
        request.content_type = "application/rs-metadata+xml";
        request.content_disposition = "recording-session";
        request.body = metadata::write_snapshot_request(wish.reason);
    }
    // RFC 4028 7.4: without an offer where the peer allows UPDATE.
    const bool by_update = wish.kind == Wish::Kind::Snapshot ||
                           (wish.kind == Wish::Kind::Refresh && live.peer.allows_update);
    if (by_update) {
        request.method = sip::Method::Update;
    } else {
        auto offer = live.machine.make_own_offer(
            wish.kind == Wish::Kind::Refresh ? Offer::Refresh : wish.offer, wish.media_index);
        if (!offer) {
            return std::move(offer).error();
        }
        request.method = sip::Method::Invite;
        request.content_type = "application/sdp";
        request.body = offer->reply.body;
        hand_over(live, {"INVITE", system_clock().now()}, std::move(*offer));
    }
    if (const std::string expires = live.timer.header(); !expires.empty()) {
        request.headers.emplace_back("Session-Expires", expires);
        if (const auto least = live.timer.min_se()) {
            request.headers.emplace_back("Min-SE", std::to_string(least->count()));
        }
    }
    return request;
}

void RecorderImpl::on_answer(LiveSession& live, const sip::Answer& answer) {
    live.asking = false;
    if (live.wishes.empty()) {
        return;
    }
    Wish wish = std::move(live.wishes.front());
    live.wishes.pop_front();
    live.peer.learn(answer.headers);
    const bool carried_offer = live.machine.has_open_offer();
    const SteadyTime now = system_clock().steady_now();
    if (!answer.is_success()) {
        if (carried_offer) {
            hand_over(live, {"INVITE", system_clock().now()}, live.machine.on_own_refused());
        }
        on_refusal(live, std::move(wish), answer);
    } else {
        if (carried_offer) {
            auto outcome = live.machine.on_own_answer(
                parse_body(answer.content_type, answer.content_disposition, answer.body));
            note(*live.info, outcome, "INVITE");
            hand_over(live, {"INVITE", answer.wire.time}, std::move(outcome));
        }
        if (wish.kind == Wish::Kind::Probe || wish.kind == Wish::Kind::Picture) {
            live.timer.on_heard(now);
        } else {
            live.timer.on_success(timer_terms(answer.headers), now);
        }
        log(LogLevel::Info, *live.info, fmt::format("{}: {}", name_of(wish), answer.status));
        finish(wish, {});
    }
    if (!live.ended) {
        advance(live);
        schedule(live);
    }
}

/// When a request that was refused is to be sent again; none: never.
std::optional<SteadyTime> RecorderImpl::when_to_repeat(LiveSession& live,
                                                       const Wish& wish,
                                                       const sip::Answer& answer) {
    constexpr int kMostAttempts = 5;
    const SteadyTime now = system_clock().steady_now();
    if (wish.attempts >= kMostAttempts || !answer.was_received) {
        return std::nullopt;
    }
    if (answer.status == 491) {
        return now + glare_delay(live.info->started_by_us);
    }
    if (answer.status == 422) {
        if (const auto least = timer_terms(answer.headers).min_se) {
            live.timer.raise(*least);
            return now;
        }
    }
    if ((answer.status == 405 || answer.status == 501) && wish.kind == Wish::Kind::Refresh &&
        live.peer.allows_update) {
        live.peer.allows_update = false;
        return now;
    }
    if (answer.status == 500 || answer.status == 503) {
        // RFC 3261 14.2: the peer was busy with another transaction.
        if (const std::string* after = sip::find_header(answer.headers, "retry-after")) {
            const auto delay = sip::parse_delta_seconds(*after);
            if (delay && delay->value <= seconds(10)) {
                return now + delay->value;
            }
        }
    }
    return std::nullopt;
}

void RecorderImpl::on_refusal(LiveSession& live, Wish wish, const sip::Answer& answer) {
    if (const auto when = when_to_repeat(live, wish, answer)) {
        wish.not_before = *when;
        live.wishes.push_front(std::move(wish));
        return;
    }
    const std::string what = fmt::format("{} was answered {}{}{}",
                                         name_of(wish),
                                         answer.status,
                                         answer.phrase.empty() ? "" : " ",
                                         answer.phrase);
    log(LogLevel::Warning, *live.info, what);
    finish(wish, Error(answer.was_received ? ErrorCode::Conflict : ErrorCode::Timeout, what));
    if (wish.kind == Wish::Kind::Picture) {
        // A courtesy of old that many do not know; the video is on record as it comes.
        return;
    }
    const bool is_gone = answer.status == 408 || answer.status == 481 || !answer.was_received;
    if (!is_gone) {
        live.timer.on_refused(system_clock().steady_now());
    } else if (wish.kind == Wish::Kind::Refresh) {
        // RFC 4028 10, RFC 3261 12.2.1.2
        hang_up(live.dialog, EndCause::SessionTimeout, what);
    } else {
        end_if_silent(live);
    }
}

/// The client does not know the dialog, or does not answer. While its media comes, it is its SIP
/// that is in error, and the call stays on record.
void RecorderImpl::end_if_silent(LiveSession& live) {
    const auto silence = std::clamp(config_.timer.probe_after, seconds(1), seconds(10));
    post(live,
         make_task([this, silence, media = live.media, id = live.info->id](
                       rtp::MediaThread& thread) {
             const auto last = media->last_media(thread);
             if (media->is_finished() || (last && thread.steady_now() - *last < silence)) {
                 return;
             }
             static_cast<void>(sip_thread_->post([this, id] {
                 if (const auto dialog = find_dialog(id)) {
                     hang_up(
                         *dialog, EndCause::SessionTimeout, "the SRC knows the session no more");
                 }
             }));
         }));
}

void RecorderImpl::forget_wishes(LiveSession& live) {
    live.asking = false;
    for (const Wish& wish : std::exchange(live.wishes, {})) {
        finish(wish, Error(ErrorCode::NotFound, "the session has ended"));
    }
}

}  // namespace siprec::recorder
