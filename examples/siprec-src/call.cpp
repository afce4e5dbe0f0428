#include "call.hpp"

#include "digest.hpp"

#include <siprec/body.hpp>
#include <siprec/uuid.hpp>

#include <algorithm>
#include <utility>

namespace srcsim {

using siprec::Endpoint;
using siprec::SteadyTime;
using siprec::sdp::Direction;

namespace {

constexpr std::string_view kAllow = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO";
constexpr std::string_view kAccept =
    "application/sdp, application/rs-metadata+xml, application/rs-metadata-request";
// RFC 3261 14.1: the owner of the Call-ID waits 2.1 to 4 s after a 491.
constexpr std::chrono::milliseconds kGlareWait{2500};
constexpr std::chrono::seconds kCancelTimeout{5};

std::string token() {
    std::string text = siprec::Uuid::random().to_string();
    std::erase(text, '-');
    return text;
}

std::string upper(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return out;
}

std::string status_text(const Message& response) {
    return std::to_string(response.status) + " " + response.reason;
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 405:
            return "Method Not Allowed";
        case 481:
            return "Call/Transaction Does Not Exist";
        case 488:
            return "Not Acceptable Here";
        case 491:
            return "Request Pending";
        default:
            return "Error";
    }
}

}  // namespace

Call::Call(CallSettings settings)
    : settings_(std::move(settings)),
      call_id_(token()),
      from_("<sip:siprec-src@" + uri_host(settings_.local.address) + ">;tag=" + token()),
      to_("<" + settings_.target + ">"),
      remote_target_(settings_.target) {
    transaction_.timer.stop();
    answer_timer_.stop();
}

void Call::start(SteadyTime now) {
    state_ = State::Calling;
    started_ = now;
    send_invite(now);
}

void Call::send_invite(SteadyTime now) {
    Message invite = make_request("INVITE", ++cseq_);
    invite.add("Require", "siprec");  // RFC 7866 6.1.1
    if (!authorization_.empty()) {
        invite.add("Authorization", authorization_);
    }
    add_offer(
        invite, std::vector<Direction>(settings_.offer.labels.size(), Direction::SendOnly), true);
    begin(invite, std::nullopt, now);
}

Message Call::make_request(std::string_view method, std::uint32_t cseq) const {
    Message request;
    request.method = method;
    request.uri = remote_target_;
    request.add("Via",
                "SIP/2.0/" + upper(siprec::to_string(settings_.transport)) + " " +
                    uri_host(settings_.local.address) + ":" + std::to_string(settings_.local.port) +
                    ";branch=z9hG4bK" + token() + ";rport");
    request.add("Max-Forwards", "70");
    for (const std::string& route : route_set_) {
        request.add("Route", route);
    }
    request.add("From", from_);
    request.add("To", to_);
    request.add("Call-ID", call_id_);
    request.add("CSeq", std::to_string(cseq) + " " + std::string{method});
    request.add("User-Agent", "siprec-src");
    return request;
}

void Call::add_contact(Message& message) const {
    const std::string transport{siprec::to_string(settings_.transport)};
    message.add("Contact",
                "<sip:siprec-src@" + settings_.local.to_string() + ";transport=" + transport +
                    ">;+sip.src");
    message.add("Allow", kAllow);
    message.add("Accept", kAccept);
}

void Call::add_offer(Message& message,
                     const std::vector<Direction>& directions,
                     bool with_metadata) {
    add_contact(message);
    siprec::BodyPart sdp;
    sdp.content_type = sdp.content_type_full = "application/sdp";
    sdp.content = write_sdp(settings_.offer, directions, sdp_version_++);
    if (!with_metadata) {
        message.add("Content-Type", sdp.content_type);
        message.body = std::move(sdp.content);
        return;
    }
    siprec::BodyPart metadata;
    metadata.content_type = metadata.content_type_full = "application/rs-metadata+xml";
    metadata.content_disposition = "recording-session";  // RFC 7866 9.1
    metadata.content = settings_.metadata.empty()
                           ? siprec::metadata::write(complete_metadata(settings_.facts))
                           : settings_.metadata;
    siprec::MultipartBody body = siprec::write_multipart({std::move(sdp), std::move(metadata)});
    message.add("Content-Type", body.content_type);
    message.body = std::move(body.body);
}

void Call::begin(const Message& request, std::optional<Step> step, SteadyTime now) {
    const bool is_invite = request.method == "INVITE";
    transaction_.method = request.method;
    transaction_.cseq = cseq_;
    transaction_.request = {next_hop(), request.to_text()};
    transaction_.step = step;
    transaction_.timer.start(
        is_invite ? Retransmission::Kind::Invite : Retransmission::Kind::NonInvite,
        settings_.transport != siprec::Transport::Udp,
        now,
        state_ == State::Calling ? settings_.timeout : kTimeout);
    actions_.emplace_back(transaction_.request);
}

Endpoint Call::next_hop() const {
    // RFC 3261 8.1.2, for targets that are addresses; a name leads where the first request went.
    const auto route = route_set_.empty() ? std::nullopt : parse_name_addr(route_set_.front());
    const auto uri = parse_sip_uri(route ? route->uri : remote_target_);
    if (!uri) {
        return settings_.destination;
    }
    const auto address = siprec::IpAddress::parse(uri->host);
    if (!address || address->is_unspecified() ||
        address->is_v6() != settings_.destination.address.is_v6()) {
        return settings_.destination;
    }
    return {*address, uri->port.value_or(5060)};
}

void Call::send_ack(const Message& response, std::uint32_t cseq) {
    Message ack = make_request("ACK", cseq);
    Endpoint to = next_hop();
    if (response.status >= 300) {
        // RFC 3261 17.1.1.3: this ACK belongs to the INVITE's transaction and repeats its top Via.
        to = transaction_.request.to;
        if (const auto invite = parse_message(transaction_.request.text)) {
            ack.uri = invite->uri;
            ack.headers.front().value = invite->value("Via");
        }
        for (Header& header : ack.headers) {
            if (header.name == "To") {
                header.value = response.value("To");
            }
        }
    }
    const Send send{to, ack.to_text()};
    acks_[cseq] = send;
    actions_.emplace_back(send);
}

void Call::send_bye(SteadyTime now) {
    leave();
    begin(make_request("BYE", ++cseq_), std::nullopt, now);
}

void Call::send_cancel(SteadyTime now) {
    state_ = State::Cancelling;
    const auto invite = parse_message(transaction_.request.text);
    if (invite && has_provisional_) {  // RFC 3261 9.1: not before a provisional response
        Message cancel = make_request("CANCEL", transaction_.cseq);
        cancel.headers.front().value = invite->value("Via");  // RFC 3261 9.1
        actions_.emplace_back(Send{transaction_.request.to, cancel.to_text()});
    }
    transaction_.timer.start(Retransmission::Kind::Invite, true, now, kCancelTimeout);
}

void Call::run_step(Step step, SteadyTime now) {
    const std::size_t streams = settings_.offer.labels.size();
    switch (step) {
        case Step::Hold:
        case Step::Resume:
        case Step::Snapshot: {
            is_on_hold_ = step == Step::Hold || (step == Step::Snapshot && is_on_hold_);
            if (step == Step::Hold) {
                change_media(std::vector<AnsweredStream>(streams));
            }
            Message invite = make_request("INVITE", ++cseq_);
            add_offer(invite,
                      std::vector<Direction>(
                          streams, is_on_hold_ ? Direction::Inactive : Direction::SendOnly),
                      step == Step::Snapshot);
            begin(invite, step, now);
            break;
        }
        case Step::Update: {
            Message update = make_request("UPDATE", ++cseq_);
            add_contact(update);
            update.add("Content-Type", "application/rs-metadata+xml");
            update.add("Content-Disposition", "recording-session");
            update.body = siprec::metadata::write(transfer_metadata(
                settings_.facts,
                settings_.facts.start +
                    std::chrono::duration_cast<std::chrono::nanoseconds>(now - started_)));
            begin(update, step, now);
            break;
        }
    }
}

void Call::advance(SteadyTime now) {
    if (state_ != State::Established || transaction_.timer.is_running()) {
        return;
    }
    if (bye_wanted_) {
        send_bye(now);
        return;
    }
    const auto due = std::find_if(
        steps_.begin(), steps_.end(), [&](const DueStep& step) { return step.at <= now; });
    if (due != steps_.end()) {
        const Step step = due->step;
        steps_.erase(due);
        run_step(step, now);
    }
}

void Call::on_message(const Message& message, const Endpoint& source, SteadyTime now) {
    if (message.is_request()) {
        on_request(message, source, now);
    } else {
        on_response(message, now);
    }
}

void Call::on_response(const Message& response, SteadyTime now) {
    const auto cseq = parse_cseq(response.value("CSeq"));
    if (!cseq) {
        return;
    }
    if (const auto ack = acks_.find(cseq->number);
        cseq->method == "INVITE" && response.status >= 200 && ack != acks_.end()) {
        actions_.emplace_back(ack->second);
        return;
    }
    if (cseq->method != transaction_.method || cseq->number != transaction_.cseq ||
        !transaction_.timer.is_running()) {
        return;
    }
    if (response.status < 200) {
        has_provisional_ = true;
        transaction_.timer.on_provisional();
        return;
    }
    transaction_.timer.stop();
    if (state_ == State::Calling) {
        on_first_answer(response, now);
    } else if (state_ == State::Cancelling) {
        on_late_answer(response, now);
    } else if (transaction_.method == "BYE") {
        if (response.status >= 300) {
            fail("BYE: " + status_text(response));
        }
        finish();
    } else if (transaction_.step) {
        on_step_answer(*transaction_.step, response, now);
    }
    advance(now);
}

void Call::on_first_answer(const Message& response, SteadyTime now) {
    if (response.status >= 300) {
        send_ack(response, transaction_.cseq);
        const auto answer =
            response.status == 401 && !settings_.user.empty() && authorization_.empty()
                ? answer_challenge(
                      response, "INVITE", remote_target_, settings_.user, settings_.password)
                : std::nullopt;
        if (answer) {
            authorization_ = *answer;
            send_invite(now);
            return;
        }
        outcome_.refusal_time = now - started_;
        fail(status_text(response));
        finish();
        return;
    }
    outcome_.answer_time = now - started_;
    learn_dialog(response);
    send_ack(response, transaction_.cseq);
    on_established(response, now);
}

void Call::on_established(const Message& response, SteadyTime now) {
    state_ = State::Established;
    Answer answer = check_answer(response, settings_.offer);
    const bool can_send = std::any_of(answer.streams.begin(),
                                      answer.streams.end(),
                                      [](const auto& stream) { return stream.rtp.port != 0; });
    if (!answer.problems.empty()) {
        if (settings_.is_lenient && can_send) {
            outcome_.warnings = std::move(answer.problems);
        } else {
            fail("answer: " + answer.problems.front());
            bye_wanted_ = true;
            return;
        }
    }
    has_media_ = true;
    actions_.emplace_back(StartMedia{std::move(answer.streams)});
    if (settings_.hold) {
        steps_.push_back({now + settings_.duration / 4, Step::Hold});
        steps_.push_back({now + settings_.duration / 2, Step::Resume});
    }
    if (settings_.update) {
        steps_.push_back({now + settings_.duration * 3 / 4, Step::Update});
    }
}

void Call::on_step_answer(Step step, const Message& response, SteadyTime now) {
    const bool is_invite = step != Step::Update;
    if (is_invite) {
        send_ack(response, transaction_.cseq);
    }
    if (response.status == 491) {
        steps_.insert(steps_.begin(), {now + kGlareWait, step});
        return;
    }
    if (response.status >= 300) {
        fail((is_invite ? "re-INVITE: " : "UPDATE: ") + status_text(response));
        return;
    }
    if (is_invite) {
        Answer answer = check_answer(response, settings_.offer);
        if (!answer.problems.empty() && !settings_.is_lenient) {
            fail("answer to re-INVITE: " + answer.problems.front());
        }
        change_media(std::move(answer.streams));
    }
}

void Call::on_late_answer(const Message& response, SteadyTime now) {
    if (response.status >= 300) {
        send_ack(response, transaction_.cseq);
        finish();
        return;
    }
    learn_dialog(response);
    send_ack(response, transaction_.cseq);
    send_bye(now);
}

void Call::learn_dialog(const Message& response) {
    to_ = response.value("To");
    if (const auto contact = parse_name_addr(response.value("Contact"));
        contact && parse_sip_uri(contact->uri)) {
        remote_target_ = contact->uri;
    }
    // RFC 3261 12.1.2: the route set is the response's Record-Route in reverse order.
    for (const std::string_view line : response.values("Record-Route")) {
        for (const std::string_view entry : split_list(line)) {
            route_set_.insert(route_set_.begin(), std::string{entry});
        }
    }
}

void Call::change_media(std::vector<AnsweredStream> streams) {
    if (!has_media_ || streams.empty()) {
        return;
    }
    for (AnsweredStream& stream : streams) {
        stream.is_active = stream.is_active && !is_on_hold_;
    }
    actions_.emplace_back(ChangeMedia{std::move(streams)});
}

void Call::on_timer(SteadyTime now) {
    switch (transaction_.timer.on_timer(now)) {
        case Retransmission::Event::Resend:
            actions_.emplace_back(transaction_.request);
            break;
        case Retransmission::Event::TimedOut:
            on_timeout(now);
            break;
        case Retransmission::Event::None:
            break;
    }
    switch (answer_timer_.on_timer(now)) {
        case Retransmission::Event::Resend:
            actions_.emplace_back(last_response_);
            break;
        case Retransmission::Event::TimedOut:
            fail("no ACK to the answer of a re-INVITE");
            bye_wanted_ = true;  // RFC 3261 13.3.1.4
            break;
        case Retransmission::Event::None:
            break;
    }
    advance(now);
}

void Call::on_timeout(SteadyTime now) {
    switch (state_) {
        case State::Calling:
            fail("timeout: no final answer to INVITE");
            if (has_provisional_) {
                send_cancel(now);
            } else {
                finish();
            }
            break;
        case State::Established:
            fail("timeout: no answer to " + transaction_.method);
            bye_wanted_ = true;  // RFC 3261 12.2.1.2
            break;
        case State::Leaving:
            fail("timeout: no answer to BYE");
            finish();
            break;
        default:
            finish();
    }
}

void Call::on_media_done(SteadyTime now) {
    bye_wanted_ = true;
    advance(now);
}

void Call::on_send_error(const std::string& cause) {
    // Datagrams are tried again by the retransmission timers.
    if (settings_.transport != siprec::Transport::Udp && state_ != State::Done) {
        fail(cause);
        leave();
        finish();
    }
}

void Call::on_connection_lost(const Endpoint& peer) {
    if (transaction_.timer.is_running() && transaction_.request.to == peer) {
        on_send_error("connection to " + peer.to_string() + " lost");
    }
}

void Call::hang_up(SteadyTime now) {
    switch (state_) {
        case State::Idle:
            finish();
            break;
        case State::Calling:
            fail("interrupted before the answer");
            send_cancel(now);
            break;
        default:
            bye_wanted_ = true;
            advance(now);
    }
}

void Call::on_request(const Message& request, const Endpoint& source, SteadyTime now) {
    if (request.method == "ACK") {
        answer_timer_.stop();
        if (request.value("Content-Type").starts_with("application/sdp")) {
            if (const auto sdp = siprec::sdp::parse(request.body)) {
                change_media(stream_targets(*sdp));
            }
        }
        return;
    }
    const std::string id{std::string{request.value("CSeq")}.append(request.value("Via"))};
    if (id == last_request_id_) {
        actions_.emplace_back(last_response_);
        return;
    }
    Message response = make_response(request, 200);
    bool wants_snapshot = false;
    if (request.method == "BYE") {
        on_bye();
    } else if (state_ != State::Established) {
        response = make_response(request, 481);
    } else if (request.method == "INVITE" || request.method == "UPDATE") {
        wants_snapshot =
            request.value("Content-Type").find("rs-metadata-request") != std::string_view::npos ||
            request.body.find("requestsnapshot") != std::string::npos;
        if (!wants_snapshot) {
            on_offer(request, response, now);
        }
    } else if (request.method != "OPTIONS" && request.method != "INFO") {
        response = make_response(request, 405);
    }
    if (response.value("Contact").empty() && request.method != "BYE") {
        add_contact(response);
    }
    last_request_id_ = id;
    last_response_ = {source, response.to_text()};
    actions_.emplace_back(last_response_);
    if (wants_snapshot) {
        steps_.insert(steps_.begin(), {now, Step::Snapshot});  // RFC 7866 9.2
    }
    advance(now);
}

void Call::on_offer(const Message& request, Message& response, SteadyTime now) {
    const bool is_invite = request.method == "INVITE";
    if (transaction_.timer.is_running() && transaction_.method == "INVITE") {
        response = make_response(request, 491);
        return;
    }
    if (is_invite) {
        answer_timer_.start(Retransmission::Kind::Answer, false, now);
    } else if (request.body.empty()) {
        return;
    }
    const std::size_t streams = settings_.offer.labels.size();
    if (request.body.empty()) {
        add_offer(response,
                  std::vector<Direction>(streams,
                                         is_on_hold_ ? Direction::Inactive : Direction::SendOnly),
                  false);
        return;
    }
    const auto sdp = siprec::sdp::parse(request.body);
    if (!sdp || sdp->media.size() != streams) {
        answer_timer_.stop();
        response = make_response(request, 488);
        return;
    }
    add_offer(response, answer_directions(*sdp, is_on_hold_), false);
    change_media(stream_targets(*sdp));
}

void Call::on_bye() {
    if (state_ == State::Leaving || state_ == State::Done) {
        return;  // it crossed ours
    }
    fail("ended early by the SRS");
    transaction_.timer.stop();
    leave();
    finish();
}

Message Call::make_response(const Message& request, int status) const {
    Message response;
    response.status = status;
    response.reason = reason_phrase(status);
    for (const std::string_view name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
        for (const std::string_view value : request.values(name)) {
            response.add(name, value);
        }
    }
    if (status == 405) {
        response.add("Allow", kAllow);
    }
    return response;
}

void Call::fail(std::string cause) {
    if (outcome_.error.empty()) {
        outcome_.error = std::move(cause);
    }
}

void Call::leave() {
    state_ = State::Leaving;
    answer_timer_.stop();
    if (std::exchange(has_media_, false)) {
        actions_.emplace_back(StopMedia{});
    }
}

void Call::finish() {
    if (state_ == State::Done) {
        return;
    }
    state_ = State::Done;
    transaction_.timer.stop();
    outcome_.is_ok = outcome_.error.empty();
    actions_.emplace_back(Finished{});
}

SteadyTime Call::deadline() const {
    SteadyTime next = std::min(transaction_.timer.deadline(), answer_timer_.deadline());
    if (state_ == State::Established && !transaction_.timer.is_running()) {
        for (const DueStep& step : steps_) {
            next = std::min(next, step.at);
        }
    }
    return next;
}

}  // namespace srcsim
