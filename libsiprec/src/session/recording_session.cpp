#include "session/recording_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace siprec::session {

namespace {

constexpr int kOk = 200;
constexpr int kNotAcceptable = 488;
constexpr int kRequestPending = 491;

Outcome refuse(Outcome outcome, int status, std::string why) {
    outcome.reply.status = status;
    outcome.reply.body.clear();
    outcome.reply.warning = why;
    outcome.notes.push_back(std::move(why));
    return outcome;
}

/// A client that is told 503 goes to its next recorder; one that asks for what cannot be is told
/// 488.
Outcome refuse_without_ports(Outcome outcome, const Error& why) {
    const int status = why.sip_status();
    if (why.is_retryable()) {
        outcome.reply.retry_after_s = 10;
    }
    return refuse(std::move(outcome), status, why.message());
}

/// Takes the metadata parts, and notes what else is there.
void collect_documents(const std::vector<BodyPart>& parts, Outcome& outcome) {
    for (const BodyPart& part : parts) {
        if (part.is_metadata()) {
            outcome.documents.push_back(part);
        }
    }
}

const BodyPart* find_sdp(const std::vector<BodyPart>& parts) {
    const auto found = std::ranges::find_if(parts, &BodyPart::is_sdp);
    return found == parts.end() ? nullptr : &*found;
}

/// An SDP without any m-line is well-formed and gives a recorder nothing to do (RFC 3264 5).
bool has_no_media(std::string_view sdp) {
    return sdp.find("v=") != std::string_view::npos && !sdp.starts_with("m=") &&
           sdp.find("\nm=") == std::string_view::npos;
}

std::optional<Endpoint> remote_endpoint(const sdp::Media& media, std::uint16_t port) {
    if (!media.connection || media.connection->is_unspecified() || port == 0) {
        return std::nullopt;
    }
    return Endpoint{.address = *media.connection, .port = port};
}

/// The stream whose port this one uses; nil: its own.
Uuid lender_of(const StreamInfo& stream) {
    return stream.bundled && stream.bundled->transport != stream.id ? stream.bundled->transport
                                                                    : Uuid{};
}

std::uint16_t remote_rtcp_port(const sdp::Media& media, bool rtcp_mux) {
    if (rtcp_mux) {
        return media.port;
    }
    // RFC 3605 names the port; RFC 3550 11 says the next one otherwise.
    return media.rtcp_port.value_or(static_cast<std::uint16_t>(media.port + 1U));
}

std::string attribute_of(const sdp::Media& media, std::string_view name) {
    const auto found = std::ranges::find(media.attributes, name, &sdp::Attribute::name);
    return found == media.attributes.end() ? std::string{} : found->value;
}

/// RFC 5576 4.1, 6.1: `a=ssrc:<id> cname:<name>`.
std::vector<SourceName> source_names(const sdp::Media& media) {
    constexpr std::string_view kCname = "cname:";
    std::vector<SourceName> names;
    for (const sdp::Attribute& attribute : media.attributes) {
        const std::string_view value = attribute.value;
        SourceName name;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), name.ssrc);
        const std::size_t at =
            value.find_first_not_of(' ', static_cast<std::size_t>(end - value.data()));
        if (attribute.name == "ssrc" && error == std::errc() && at != std::string_view::npos &&
            value.substr(at).starts_with(kCname)) {
            name.cname = value.substr(at + kCname.size());
            names.push_back(std::move(name));
        }
    }
    return names;
}

void describe_security(const Agreement& agreed, StreamInfo& stream) {
    stream.key_exchange = key_exchange_of(agreed.keying);
    stream.crypto_suite = agreed.suite;
}

void note_refusal(std::size_t index,
                  const sdp::Media& media,
                  std::string_view why,
                  Outcome& outcome) {
    outcome.notes.push_back(fmt::format("m-line {} ({} {}) is refused{}{}",
                                        index,
                                        media.type,
                                        media.protocol,
                                        why.empty() ? "" : ": ",
                                        why));
}

bool same_stream(const StreamInfo& a, const StreamInfo& b) {
    return a.label == b.label && a.formats == b.formats && a.direction == b.direction &&
           a.remote_rtp == b.remote_rtp && a.remote_rtcp == b.remote_rtcp &&
           a.protocol == b.protocol && a.bundled == b.bundled && a.takes_fir == b.takes_fir &&
           a.takes_pli == b.takes_pli && a.record == b.record && a.recordpref == b.recordpref &&
           a.sources == b.sources;
}

}  // namespace

/// What an m-line says about a stream; ids and local ports stay as they are.
void RecordingSession::describe_stream(const sdp::Media& media, StreamInfo& stream) const {
    stream.label = media.label.value_or("");
    stream.media_type = media.type;
    stream.protocol = media.protocol;
    stream.formats = media.formats;
    stream.sources = source_names(media);
    stream.direction = paused_ ? sdp::Direction::Inactive : sdp::answer_direction(media);
    stream.record = attribute_of(media, "record");
    stream.recordpref = attribute_of(media, "recordpref");
    stream.takes_fir = media.type == "video" && sdp::offers_feedback(media, "ccm fir");
    stream.takes_pli = media.type == "video" && sdp::offers_feedback(media, "nack pli");
    stream.remote_rtp = remote_endpoint(media, media.port);
    stream.remote_rtcp = remote_endpoint(media, remote_rtcp_port(media, stream.rtcp_mux));
}

/// RFC 3261 14.2, RFC 3311 5.2: what crosses an open offer of ours is refused with 491. Metadata
/// alone crosses nothing. A client that sends an INVITE in place of its ACK has moved on.
bool RecordingSession::is_glare(bool is_invite, bool has_sdp) const noexcept {
    return (own_offer_open_ && (is_invite || has_sdp)) ||
           (awaiting_answer_ && !is_invite && has_sdp);
}

Outcome RecordingSession::on_offer(bool is_invite,
                                   const Result<std::vector<BodyPart>>& body,
                                   PortSource& ports) {
    Outcome outcome;
    if (!body) {
        return refuse(std::move(outcome), body.error().sip_status(), body.error().to_string());
    }
    const BodyPart* sdp_part = find_sdp(*body);
    if (is_glare(is_invite, sdp_part != nullptr)) {
        return refuse(std::move(outcome), kRequestPending, "it crossed an offer of ours");
    }
    collect_documents(*body, outcome);
    if (sdp_part == nullptr) {
        return is_invite ? make_offer(ports, std::move(outcome)) : outcome;
    }
    const auto offer = sdp::parse(sdp_part->content);
    if (!offer) {
        if (has_no_media(sdp_part->content)) {
            return refuse(std::move(outcome), kNotAcceptable, "the offer has no m-line");
        }
        auto why = fmt::format("SDP offer: {}", offer.error().to_string());
        return refuse(std::move(outcome), offer.error().sip_status(), std::move(why));
    }
    return answer_offer(*offer, ports, std::move(outcome));
}

Outcome RecordingSession::answer_offer(const sdp::SessionDescription& offer,
                                       PortSource& ports,
                                       Outcome outcome) {
    const bool is_first = !answered_;
    std::optional<Error> no_ports;
    bundle_ = sdp::choose_bundle(offer);
    for (const std::size_t index : order_of_lines(offer.media.size())) {
        if (auto updated = update_line(index, offer, ports, outcome); !updated) {
            no_ports = std::move(updated).error();
        }
        if (is_bundled(index) && !lines_[bundle_.front()].stream) {
            bundle_.clear();
        }
    }
    // RFC 3264 8: an offer never has fewer m-lines; a client that drops some has ended them.
    for (std::size_t index = offer.media.size(); index < lines_.size(); ++index) {
        close_line(lines_[index], outcome);
    }
    const bool any_offered =
        std::ranges::any_of(offer.media, [](const sdp::Media& media) { return media.port != 0; });
    const bool any_taken =
        std::ranges::any_of(lines_, [](const Line& line) { return line.stream.has_value(); });
    if (is_first && ((any_offered && !any_taken) || no_ports)) {
        // Half a call on record is worse than a client that goes to its next recorder.
        lines_.clear();
        outcome.changes.clear();
        if (no_ports) {
            return refuse_without_ports(std::move(outcome), *no_ports);
        }
        return refuse(std::move(outcome), kNotAcceptable, "no m-line of the offer can be recorded");
    }
    const auto answer = describe(offer, true);
    if (!answer) {
        return refuse(std::move(outcome), 500, answer.error().to_string());
    }
    answered_ = true;
    awaiting_answer_ = false;
    outcome.reply.status = kOk;
    outcome.reply.body = *answer;
    return outcome;
}

/// @return the error when there was no port for a stream that could have been taken
Result<void> RecordingSession::update_line(std::size_t index,
                                           const sdp::SessionDescription& offer,
                                           PortSource& ports,
                                           Outcome& outcome) {
    const sdp::Media& media = offer.media[index];
    if (index >= lines_.size()) {
        lines_.resize(index + 1);
    }
    Line& line = lines_[index];
    line.offered = media;
    if (!(sdp::is_acceptable(media) || is_bundled(index)) || line.dropped ||
        index >= settings_.max_streams) {
        if (media.port != 0) {
            note_refusal(index, media, {}, outcome);
        }
        close_line(line, outcome);
        return {};
    }
    // A slot that is used for another kind of media, or for other sockets, is another stream
    // (RFC 7866 7.1.1.1): it never goes on in the old one's file.
    const StreamInfo* shared = shared_port(index);
    if (line.stream && (line.stream->media_type != media.type ||
                        line.stream->rtcp_mux != (media.rtcp_mux || shared != nullptr) ||
                        lender_of(*line.stream) != (shared == nullptr ? Uuid{} : shared->id))) {
        close_line(line, outcome);
    }
    if (!agree_on_security(index, offer, outcome)) {
        close_line(line, outcome);
        return {};
    }
    if (line.stream) {
        update_stream(line, outcome);
        return {};
    }
    StreamInfo stream;
    stream.id = Uuid::random();
    stream.media_index = static_cast<std::uint32_t>(index);
    stream.rtcp_mux = media.rtcp_mux || shared != nullptr;
    describe_stream(media, stream);
    describe_security(*line.security, stream);
    describe_bundle(index, stream);
    if (shared != nullptr) {
        stream.local_rtp = shared->local_rtp;
        stream.local_rtcp = shared->local_rtcp;
        line.stream = stream;
        line.security->is_new = false;
        outcome.changes.push_back({StreamChange::Kind::Open, std::move(stream)});
        return {};
    }
    const auto opened = ports.open(stream.id, media.connection, media.rtcp_mux);
    if (!opened) {
        outcome.notes.push_back(fmt::format("m-line {}: {}", index, opened.error().to_string()));
        line.security.reset();
        return opened.error();
    }
    stream.local_rtp = opened->rtp;
    stream.local_rtcp = opened->rtcp;
    line.stream = stream;
    std::optional<srtp::Keying> keying;
    if (stream.key_exchange != KeyExchange::None) {
        keying = line.security->keying;
    }
    line.security->is_new = false;
    outcome.changes.push_back({StreamChange::Kind::Open, std::move(stream), std::move(keying)});
    return {};
}

bool RecordingSession::is_bundled(std::size_t index) const {
    return std::ranges::find(bundle_, index) != bundle_.end();
}

/// The order in which the lines of an offer are updated: the one whose port others share is first.
std::vector<std::size_t> RecordingSession::order_of_lines(std::size_t count) const {
    std::vector<std::size_t> order;
    for (std::size_t index = 0; index < count; ++index) {
        order.push_back(index);
    }
    if (!bundle_.empty()) {
        std::ranges::stable_partition(
            order, [tagged = bundle_.front()](std::size_t index) { return index == tagged; });
    }
    return order;
}

/// The stream whose port this line uses, where that is another line's (RFC 9143 7.3).
const StreamInfo* RecordingSession::shared_port(std::size_t index) const {
    if (!is_bundled(index) || index == bundle_.front() || !lines_[bundle_.front()].stream) {
        return nullptr;
    }
    return &*lines_[bundle_.front()].stream;
}

void RecordingSession::describe_bundle(std::size_t index, StreamInfo& stream) const {
    stream.bundled.reset();
    if (!is_bundled(index)) {
        return;
    }
    const StreamInfo* shared = shared_port(index);
    const sdp::Media& media = lines_[index].offered;
    stream.bundled = BundledStream{.transport = shared == nullptr ? stream.id : shared->id,
                                   .mid = std::string(sdp::mid_of(media)),
                                   .mid_extension = sdp::mid_extension_of(media),
                                   .ssrcs = sdp::sources_of(media)};
    if (shared != nullptr) {
        stream.remote_rtp = shared->remote_rtp;
        stream.remote_rtcp = shared->remote_rtcp;
    }
}

/// Decides how the line's packets are protected. @return false when it has to be refused for it
bool RecordingSession::agree_on_security(std::size_t index,
                                         const sdp::SessionDescription& offer,
                                         Outcome& outcome) {
    Line& line = lines_[index];
    if (is_bundled(index) && settings_.security.config.policy != SrtpPolicy::Require) {
        // Keys of a bundle stand on its tagged line alone (RFC 9143 7.1.3); we have keys a line.
        line.security = Agreement{};
        line.security->is_new = false;
        return true;
    }
    std::vector<std::string> notes;
    auto agreed = agree(offer,
                        line.offered,
                        settings_.security,
                        line.stream && line.security ? &*line.security : nullptr,
                        notes);
    for (const std::string& text : notes) {
        outcome.notes.push_back(fmt::format("m-line {}: {}", index, text));
    }
    if (!agreed) {
        note_refusal(index, line.offered, agreed.error().message(), outcome);
        return false;
    }
    line.security = *std::move(agreed);
    note_shared_key(index, outcome);
    return true;
}

/// RFC 3711 9.1: one key for two RTP sessions gives its bytes away; the client's doing, not ours.
void RecordingSession::note_shared_key(std::size_t index, Outcome& outcome) const {
    const auto* keys = std::get_if<srtp::SdesKeys>(&lines_[index].security->keying);
    for (std::size_t other = 0; keys != nullptr && other < index; ++other) {
        const auto& security = lines_[other].security;
        const auto* others = security ? std::get_if<srtp::SdesKeys>(&security->keying) : nullptr;
        if (others != nullptr && others->receive.keys == keys->receive.keys &&
            lines_[index].security->is_new) {
            outcome.notes.push_back(fmt::format(
                "m-line {} has the SRTP key of m-line {} (RFC 3711 9.1)", index, other));
        }
    }
}

/// Takes over what the line's description and agreement say by now.
void RecordingSession::update_stream(Line& line, Outcome& outcome) const {
    const StreamInfo before = *line.stream;
    describe_stream(line.offered, *line.stream);
    describe_bundle(line.stream->media_index, *line.stream);
    std::optional<srtp::Keying> keying;
    if (line.security) {
        describe_security(*line.security, *line.stream);
        if (std::exchange(line.security->is_new, false)) {
            keying = line.security->keying;
        }
    }
    if (keying || !same_stream(before, *line.stream)) {
        outcome.changes.push_back({StreamChange::Kind::Change, *line.stream, std::move(keying)});
    }
}

void RecordingSession::close_line(Line& line, Outcome& outcome) {
    if (line.stream) {
        outcome.changes.push_back({StreamChange::Kind::Close, *std::exchange(line.stream, {}), {}});
    }
}

Outcome RecordingSession::make_offer(PortSource& ports, Outcome outcome) {
    sdp::SessionDescription description;
    if (lines_.empty()) {
        // Nothing is known of the client's media: offer what every recording client has, one line a
        // direction (RFC 7866 8.4).
        for (std::size_t index = 0; index < 2; ++index) {
            sdp::Media media;
            media.type = "audio";
            media.port = 9;
            media.protocol = "RTP/AVP";
            media.format_tokens = {"0", "8"};
            media.formats = {{.payload_type = 0, .encoding = "PCMU", .parameters = {}},
                             {.payload_type = 8, .encoding = "PCMA", .parameters = {}}};
            media.direction = sdp::Direction::SendOnly;
            media.label = std::to_string(index + 1);
            propose_keys(settings_.security, media);
            description.media.push_back(std::move(media));
        }
        for (std::size_t index = 0; index < description.media.size(); ++index) {
            if (const auto updated = update_line(index, description, ports, outcome); !updated) {
                lines_.clear();
                outcome.changes.clear();
                return refuse_without_ports(std::move(outcome), updated.error());
            }
        }
        for (StreamChange& change : outcome.changes) {
            // Port 9 stands for "not known yet"; the answer says where the media comes from.
            change.stream.remote_rtcp.reset();
        }
        outcome.notes.emplace_back("INVITE without SDP: answered with an offer of ours");
    } else {
        for (const Line& line : lines_) {
            description.media.push_back(line.offered);
        }
    }
    const auto offer = describe(description, false);
    if (!offer) {
        return refuse(std::move(outcome), 500, offer.error().to_string());
    }
    answered_ = true;
    awaiting_answer_ = true;
    outcome.reply.body = *offer;
    return outcome;
}

Outcome RecordingSession::on_ack(const Result<std::vector<BodyPart>>& body) {
    Outcome outcome;
    if (!std::exchange(awaiting_answer_, false)) {
        return outcome;
    }
    take_answer_body(body, "ACK", outcome);
    return outcome;
}

/// @param carrier  the message that brings the answer to our offer, for the notes
void RecordingSession::take_answer_body(const Result<std::vector<BodyPart>>& body,
                                        std::string_view carrier,
                                        Outcome& outcome) {
    if (!body) {
        outcome.notes.push_back(fmt::format("{}: {}", carrier, body.error().to_string()));
        return;
    }
    collect_documents(*body, outcome);
    const BodyPart* sdp_part = find_sdp(*body);
    if (sdp_part == nullptr) {
        outcome.notes.push_back(
            fmt::format("{} without an SDP answer: streams stay as they were offered", carrier));
        return;
    }
    const auto answer = sdp::parse(sdp_part->content);
    if (!answer) {
        outcome.notes.push_back(fmt::format("SDP answer: {}", answer.error().to_string()));
        return;
    }
    apply_answer(*answer, outcome);
}

void RecordingSession::apply_answer(const sdp::SessionDescription& answer, Outcome& outcome) {
    for (std::size_t index = 0; index < lines_.size(); ++index) {
        Line& line = lines_[index];
        if (!line.stream) {
            continue;
        }
        if (index >= answer.media.size() || answer.media[index].port == 0) {
            close_line(line, outcome);
            continue;
        }
        line.offered = answer.media[index];
        if (!line.offered.label) {
            line.offered.label = line.stream->label;
        }
        if (line.security) {
            take_answer(answer, line.offered, *line.security);
        }
        update_stream(line, outcome);
    }
}

Outcome RecordingSession::on_body(const Result<std::vector<BodyPart>>& body) {
    Outcome outcome;
    if (!body) {
        // The request itself stands: a BYE with a damaged body still ends the session.
        outcome.notes.push_back(body.error().to_string());
        return outcome;
    }
    collect_documents(*body, outcome);
    return outcome;
}

void RecordingSession::set_paused(bool paused, Outcome& outcome) {
    paused_ = paused;
    for (Line& line : lines_) {
        if (!line.stream) {
            continue;
        }
        // RFC 3264 5.1: ready to receive from the moment the offer says so; the answer corrects it.
        const sdp::Direction direction =
            paused ? sdp::Direction::Inactive : sdp::Direction::RecvOnly;
        if (std::exchange(line.stream->direction, direction) != direction) {
            outcome.changes.push_back({StreamChange::Kind::Change, *line.stream});
        }
    }
}

Result<Outcome> RecordingSession::make_own_offer(Wish wish, std::size_t media_index) {
    if (own_offer_open_ || awaiting_answer_) {
        return Error(ErrorCode::Conflict, "another offer is open (RFC 3264 4)");
    }
    Outcome outcome;
    before_ = {.paused = paused_, .version = version_, .description = last_description_};
    if (wish == Wish::Refresh) {
        outcome.reply.body = last_description_;
        own_offer_open_ = true;
        return outcome;
    }
    if (wish == Wish::Drop && (media_index >= lines_.size() || !lines_[media_index].stream)) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("there is no stream on m-line {}", media_index));
    }
    if (wish == Wish::Drop && open_bundle().size() > 1 && media_index == bundle_.front()) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("m-line {} has the port of the streams that are bundled with it "
                                 "(RFC 9143)",
                                 media_index));
    }
    if (wish != Wish::Drop) {
        set_paused(wish == Wish::Pause, outcome);
    }
    sdp::SessionDescription description;
    for (const Line& line : lines_) {
        description.media.push_back(line.offered);
        if (!line.stream) {
            description.media.back().port = 0;
        }
    }
    if (wish == Wish::Drop) {
        description.media[media_index].port = 0;
    }
    auto offer = describe(description, false);
    if (!offer) {
        return std::move(offer).error();
    }
    own_offer_open_ = true;
    if (wish == Wish::Drop) {
        dropping_ = media_index;
    }
    outcome.reply.body = std::move(*offer);
    return outcome;
}

Outcome RecordingSession::on_own_answer(const Result<std::vector<BodyPart>>& body) {
    Outcome outcome;
    own_offer_open_ = false;
    if (const auto dropped = std::exchange(dropping_, {})) {
        lines_[*dropped].dropped = true;
        close_line(lines_[*dropped], outcome);
    }
    take_answer_body(body, "2xx", outcome);
    return outcome;
}

Outcome RecordingSession::on_own_refused() {
    Outcome outcome;
    own_offer_open_ = false;
    dropping_.reset();
    version_ = before_.version;
    last_description_ = before_.description;
    // A pause is the operator's word, and needs no consent of the client.
    if (before_.paused && !paused_) {
        set_paused(true, outcome);
    }
    return outcome;
}

std::vector<StreamInfo> RecordingSession::streams() const {
    std::vector<StreamInfo> open;
    for (const Line& line : lines_) {
        if (line.stream) {
            open.push_back(*line.stream);
        }
    }
    return open;
}

std::vector<sdp::MediaAnswer> RecordingSession::media_answers() const {
    std::vector<sdp::MediaAnswer> answers;
    for (const Line& line : lines_) {
        sdp::MediaAnswer answer;
        if (line.stream) {
            answer.accept = true;
            answer.port = line.stream->local_rtp.port;
            answer.rtcp_mux = line.stream->rtcp_mux;
            answer.address = line.stream->local_rtp.address;
            answer.ready = !paused_;
            if (line.security) {
                answer.attributes = line.security->answer;
            }
        }
        answers.push_back(answer);
    }
    return answers;
}

IpAddress RecordingSession::description_address() const {
    const auto open =
        std::ranges::find_if(lines_, [](const Line& line) { return line.stream.has_value(); });
    return open == lines_.end() ? IpAddress{} : open->stream->local_rtp.address;
}

/// The bundle as far as its lines are in use; empty when the tagged one is not.
std::vector<std::size_t> RecordingSession::open_bundle() const {
    std::vector<std::size_t> open;
    for (const std::size_t index : bundle_) {
        if (index < lines_.size() && lines_[index].stream) {
            open.push_back(index);
        }
    }
    if (open.empty() || open.front() != bundle_.front()) {
        open.clear();
    }
    return open;
}

Result<std::string> RecordingSession::describe(const sdp::SessionDescription& description,
                                               bool is_answer) {
    auto answers = media_answers();
    answers.resize(description.media.size());
    sdp::AnswerOptions options;
    options.session_id = settings_.sdp_session_id;
    options.address = description_address();
    options.bundle = open_bundle();
    const auto write = [&](std::uint64_t version) {
        options.version = version;
        return is_answer ? sdp::write_answer(description, answers, options)
                         : sdp::write_offer(description, answers, options);
    };
    // RFC 3264 8: the version goes up by one when, and only when, the description changed.
    auto same = write(version_);
    if (!same || *same == last_description_) {
        return same;
    }
    auto next = write(version_ + 1);
    if (next) {
        ++version_;
        last_description_ = *next;
    }
    return next;
}

}  // namespace siprec::session
