#include "archive/capture_digest.hpp"

#include "archive/extension_json.hpp"
#include "archive/interop_records.hpp"
#include "capture/static_formats.hpp"

#include <algorithm>
#include <cctype>
#include <variant>

namespace siprec::server {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

std::string encoding_of(const StreamInfo& stream, std::uint8_t payload_type) {
    for (const PayloadFormat& format : with_static_formats(stream.formats)) {
        if (format.payload_type == payload_type && !format.encoding.empty()) {
            return format.encoding;
        }
    }
    return "PT-" + std::to_string(payload_type);
}

/// The charset parameter of a Content-Type value.
std::string charset_of(std::string_view content_type) {
    std::string folded(content_type);
    std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    const auto at = folded.find("charset=");
    if (at == std::string::npos) {
        return {};
    }
    std::string value = folded.substr(at + std::string_view("charset=").size());
    std::erase(value, '"');
    return value.substr(0, value.find_first_of("; \t"));
}

// Of CSs that have ended; their documents may still be spoken of.
constexpr std::size_t kEndedSessionsKept = 64;

/// Which streams are a CS's. A stream names one CS at most; one that serves several is known by the
/// members who send or receive it (RFC 8068 3.5).
class StreamsOf {
  public:
    StreamsOf(const metadata::Document& document, const std::string& session_id)
        : document_(document), session_id_(session_id) {
        for (const metadata::MediaStream& stream : document.streams) {
            if (stream.session_id == session_id) {
                streams_.insert(stream.id);
            } else if (stream.session_id) {
                foreign_.insert(stream.id);
            }
        }
        has_own_ = !streams_.empty();
        for (const metadata::ParticipantStreamAssoc& assoc : document.participant_stream_assocs) {
            if (is_member(assoc.participant_id)) {
                add(assoc.send);
                add(assoc.recv);
            }
        }
    }

    [[nodiscard]] const std::set<std::string>& ids() const noexcept { return streams_; }

  private:
    [[nodiscard]] bool is_member(const std::string& participant) const {
        const auto& assocs = document_.participant_session_assocs;
        return std::any_of(assocs.begin(), assocs.end(), [&](const auto& assoc) {
            return assoc.session_id == session_id_ && assoc.participant_id == participant &&
                   !assoc.associated.until;
        });
    }

    void add(const std::vector<std::string>& streams) {
        for (const std::string& stream : streams) {
            if (!has_own_ || !foreign_.contains(stream)) {
                streams_.insert(stream);
            }
        }
    }

    const metadata::Document& document_;
    const std::string& session_id_;
    std::set<std::string> streams_;
    std::set<std::string> foreign_;  // of another CS
    bool has_own_ = false;
};

}  // namespace

void MediaDigest::add(const StreamInfo& stream, const RtpPacket& packet) {
    ++packets;
    bytes += packet.bytes.size();
    first_packet = std::min(first_packet.value_or(packet.arrival), packet.arrival);
    last_packet = std::max(last_packet.value_or(packet.arrival), packet.arrival);
    sequence.add(packet.ssrc, packet.sequence);
    if (known_types.test(packet.payload_type & 0x7fU)) {
        return;
    }
    known_types.set(packet.payload_type & 0x7fU);
    std::string encoding = encoding_of(stream, packet.payload_type);
    if (std::find(encodings.begin(), encodings.end(), encoding) == encodings.end()) {
        encodings.push_back(std::move(encoding));
    }
}

bool TrackDigest::was_active() const {
    return std::any_of(directions.begin(), directions.end(), [](const auto& change) {
        return change.second != sdp::Direction::Inactive;
    });
}

std::string TrackDigest::name() const {
    return stream.label.empty() ? "media-" + std::to_string(stream.media_index) : stream.label;
}

const std::string& TrackDigest::label_at(WallTime time) const {
    const std::string* label = &labels.front().second;
    for (const auto& [since, changed] : labels) {
        label = since <= time ? &changed : label;
    }
    return *label;
}

void CaptureDigest::on_event(const Event& event) {
    last_ = std::max(last_, event.time);
    std::visit(Overloaded{
                   [&](const SessionStarted& body) { begin_session(body); },
                   [&](const StreamOpened& body) { open_track(event.time, body.stream); },
                   [&](const StreamChanged& body) { change_track(event.time, body.stream); },
                   [&](const StreamClosed& body) { close_track(event.time, body); },
                   [&](const MetadataReceived& body) { add_document(event.time, body); },
                   [&](const SessionEnded& body) {
                       ended_ = body;
                       ended_at_ = event.time;
                   },
                   [&](const Gap& body) { gap_packets_ += body.packets; },
                   [](const LongSipMessage&) {},
                   [&](const CaptureContinued& body) { continue_capture(event.time, body); },
                   [&](const CaptureRotated& body) {
                       is_rotated_ = true;
                       tracker_.rotate(body.next_part);
                       ++version_;
                   },
               },
               event.body);
}

void CaptureDigest::on_rtp(const StreamInfo& stream, const RtpPacket& packet) {
    last_ = std::max(last_, packet.arrival);
    const auto found = track_index_.find(stream.id);
    if (found == track_index_.end()) {
        return;
    }
    tracks_[found->second].media.add(stream, packet);
    if (!tracker_.has_named()) {
        unnamed_[found->second].add(stream, packet);
        return;
    }
    for (const SessionStay& stay : tracker_.stays()) {
        if (stay.has(tracker_.documents())) {
            digest_of(stay).media[found->second].add(stream, packet);
        }
    }
}

void CaptureDigest::begin_session(const SessionStarted& started) {
    if (session_) {
        return;  // of a further part
    }
    session_ = started.session;
    tracker_ = SessionTracker(started.session.started);
    part_ = 1;
    documents_before_[part_] = 0;
    ++version_;
}

void CaptureDigest::continue_capture(WallTime time, const CaptureContinued& continued) {
    const bool is_next = is_rotated_ && continued.part == part_ + 1;
    is_rotated_ = false;
    part_ = continued.part;
    is_restored_ = !is_next;
    if (is_restored_) {
        if (auto tracker = SessionTracker::from_json(continued.tracker)) {
            tracker_ = std::move(*tracker);
        }
        if (const auto parsed = metadata::parse(continued.document, {}, limits_)) {
            state_ = {};
            merge(parsed->document, time);
            has_usable_ = true;
        }
    }
    documents_before_[part_] = tracker_.documents();
    ++version_;
}

void CaptureDigest::add_document(WallTime time, const MetadataReceived& received) {
    if (received.repeated && !is_restored_) {
        return;
    }
    ++version_;
    DocumentDigest& kept = documents_.emplace_back();
    kept.received = received;
    kept.time = time;
    auto parsed = read_document(kept, charset_of(received.content_type), *this, limits_);
    kept.received.usable = parsed.has_value();
    if (!parsed) {
        has_malformed_ = true;
        kept.findings_json = findings_to_json(
            {{.code = "unusable", .message = parsed.error().to_string(), .path = {}}});
    } else {
        has_usable_ = true;
        has_malformed_ = has_malformed_ || parsed->dialect == metadata::Dialect::Salvaged;
        std::vector<metadata::Finding> findings = std::move(parsed->findings);
        if (!received.repeated) {
            const std::vector<metadata::Finding> merged = merge(parsed->document, time);
            findings.insert(findings.end(), merged.begin(), merged.end());
            tracker_.apply(*parsed, state_, time, received.method == "BYE", part_);
            note_streams();
        }
        kept.findings_json = findings_to_json(findings);
    }
    if (!parsed && !received.repeated) {
        tracker_.skip_document();
    }
    documents_.back().count = tracker_.documents();
}

std::vector<metadata::Finding> CaptureDigest::merge(const metadata::Document& document,
                                                    WallTime time) {
    state_.forget_ended(kEndedSessionsKept);
    const std::set<std::string> sent_before = sent_streams();
    std::vector<metadata::Finding> findings = state_.apply(document, time);
    bind_labels(document, time);
    bind_forward_references(document, sent_before, time);
    note_streams();
    return findings;
}

void CaptureDigest::bind_labels(const metadata::Document& document, WallTime time) {
    for (const metadata::MediaStream& stream : document.streams) {
        if (!stream.label || stream.label->empty()) {
            continue;
        }
        const auto last =
            std::find_if(bindings_.rbegin(), bindings_.rend(), [&](const LabelBinding& binding) {
                return binding.label == *stream.label;
            });
        if (last == bindings_.rend() || last->stream_id != stream.id) {
            bindings_.push_back({time, *stream.label, stream.id, false});
        } else {
            last->is_guess = false;
        }
    }
}

/// RFC 8068 3.2.3 lets a participant send streams that no document describes: they come on the
/// m-lines of the streams that have lost their sender with the same document.
void CaptureDigest::bind_forward_references(const metadata::Document& document,
                                            const std::set<std::string>& sent_before,
                                            WallTime time) {
    std::set<std::string> known;
    for (const metadata::MediaStream& stream : state_.everything().streams) {
        known.insert(stream.id);
    }
    for (const LabelBinding& binding : bindings_) {
        known.insert(binding.stream_id);
    }
    std::vector<std::string> undescribed;
    for (const metadata::ParticipantStreamAssoc& assoc : document.participant_stream_assocs) {
        std::copy_if(assoc.send.begin(),
                     assoc.send.end(),
                     std::back_inserter(undescribed),
                     [&](const std::string& stream) { return known.insert(stream).second; });
    }
    if (undescribed.empty()) {
        return;
    }
    const std::set<std::string> sent = sent_streams();
    std::vector<std::string> labels;  // whose stream nobody sends any more
    for (const LabelBinding& binding : bindings_) {
        if (sent_before.contains(binding.stream_id) && !sent.contains(binding.stream_id)) {
            std::erase(labels, binding.label);
            labels.push_back(binding.label);
        }
    }
    for (std::size_t i = 0; i < std::min(undescribed.size(), labels.size()); ++i) {
        bindings_.push_back({time, labels[i], undescribed[i], true});
    }
}

std::set<std::string> CaptureDigest::sent_streams() const {
    std::set<std::string> sent;
    for (const metadata::ParticipationInterval& interval : state_.history()) {
        if (!interval.stream_id.empty() && !interval.until) {
            sent.insert(interval.stream_id);
        }
    }
    return sent;
}

void CaptureDigest::note_streams() {
    for (const SessionStay& stay : tracker_.stays()) {
        StayDigest& digest = digest_of(stay);
        if (stay.state == SessionStay::State::Open) {
            const StreamsOf streams(state_.current(), stay.session_id);
            digest.streams.insert(streams.ids().begin(), streams.ids().end());
        }
    }
}

StayDigest& CaptureDigest::digest_of(const SessionStay& stay) {
    const auto found = std::find_if(stays_.begin(), stays_.end(), [&](const StayDigest& digest) {
        return digest.session_id == stay.session_id && digest.number == stay.number;
    });
    if (found != stays_.end()) {
        return *found;
    }
    StayDigest& digest = stays_.emplace_back();
    digest.session_id = stay.session_id;
    digest.number = stay.number;
    if (stay.windows.front().from_document == 0) {
        digest.media = std::exchange(unnamed_, {});
    }
    return digest;
}

const StayDigest* CaptureDigest::find(const SessionStay& stay) const {
    const auto found = std::find_if(stays_.begin(), stays_.end(), [&](const StayDigest& digest) {
        return digest.session_id == stay.session_id && digest.number == stay.number;
    });
    return found == stays_.end() ? nullptr : &*found;
}

std::vector<TrackDigest> CaptureDigest::tracks_in(const SessionStay& stay) const {
    std::vector<TrackDigest> cuts;
    const StayDigest* const digest = find(stay);
    for (const TrackDigest* track : tracks()) {
        TrackDigest& cut = cuts.emplace_back(*track);
        if (stay.covers_everything()) {
            continue;
        }
        cut.media = {};
        cut.stats.reset();  // of the receiver: the whole session's
        if (digest != nullptr) {
            const auto media = digest->media.find(track_index_.at(track->stream.id));
            cut.media = media == digest->media.end() ? MediaDigest{} : media->second;
        }
    }
    return cuts;
}

std::size_t CaptureDigest::documents_before(std::uint32_t part) const {
    const auto found = documents_before_.find(part);
    return found == documents_before_.end() ? 0 : found->second;
}

void CaptureDigest::close() {
    tracker_.close(end_time());
    state_.close(end_time());
}

void CaptureDigest::keep_documents(std::size_t count) {
    if (documents_.size() > count) {
        documents_.erase(documents_.begin(), documents_.end() - static_cast<std::ptrdiff_t>(count));
    }
}

void CaptureDigest::forget(const std::string& session_id, std::uint32_t number) {
    tracker_.forget(session_id, number);
    std::erase_if(stays_, [&](const StayDigest& digest) {
        return digest.session_id == session_id && digest.number == number;
    });
    std::size_t oldest = tracker_.documents();
    for (const SessionStay& stay : tracker_.stays()) {
        oldest = std::min(oldest, stay.windows.front().from_document);
    }
    std::erase_if(documents_, [&](const DocumentDigest& kept) { return kept.count < oldest; });
}

void CaptureDigest::on_rtcp(const StreamInfo& stream, const RtcpPacket& packet) {
    constexpr std::size_t kMostNames = 64;
    const auto found = track_index_.find(stream.id);
    if (found == track_index_.end()) {
        return;
    }
    auto& announced = tracks_[found->second].announced;
    for (SourceName& name : find_source_names(packet.bytes)) {
        if (announced.size() < kMostNames &&
            std::find(announced.begin(), announced.end(), name) == announced.end()) {
            announced.push_back(std::move(name));
        }
    }
}

std::vector<const TrackDigest*> CaptureDigest::tracks() const {
    std::vector<const TrackDigest*> ordered;
    ordered.reserve(tracks_.size());
    for (const TrackDigest& track : tracks_) {
        ordered.push_back(&track);
    }
    std::stable_sort(ordered.begin(), ordered.end(), [](const auto* left, const auto* right) {
        return left->stream.media_index < right->stream.media_index;
    });
    return ordered;
}

void CaptureDigest::open_track(WallTime time, const StreamInfo& stream) {
    ++version_;
    const auto [entry, is_new] = track_index_.try_emplace(stream.id, tracks_.size());
    if (!is_new) {
        change_track(time, stream);
        return;
    }
    TrackDigest& track = tracks_.emplace_back();
    track.stream = stream;
    track.directions.emplace_back(time, stream.direction);
    track.labels.emplace_back(time, stream.label);
}

void CaptureDigest::change_track(WallTime time, const StreamInfo& stream) {
    ++version_;
    const auto found = track_index_.find(stream.id);
    if (found == track_index_.end()) {
        return;
    }
    TrackDigest& track = tracks_[found->second];
    // A further part begins with the streams as they are.
    if (track.directions.back().second != stream.direction) {
        track.directions.emplace_back(time, stream.direction);
    }
    if (track.labels.back().second != stream.label) {
        track.labels.emplace_back(time, stream.label);
    }
    track.stream = stream;
    track.media.known_types.reset();
    unnamed_[found->second].known_types.reset();
    for (StayDigest& digest : stays_) {
        digest.media[found->second].known_types.reset();
    }
}

void CaptureDigest::close_track(WallTime time, const StreamClosed& closed) {
    ++version_;
    if (const auto found = track_index_.find(closed.stream); found != track_index_.end()) {
        tracks_[found->second].closed = time;
        tracks_[found->second].stats = closed.stats;
    }
}

}  // namespace siprec::server
