#include "archive/metadata_cut.hpp"

#include <algorithm>

namespace siprec::server {
namespace {

/// Members of the CS, and who is in no CS at all as far as anybody knows: their streams are decided
/// by the streams alone.
class Members {
  public:
    Members(const std::vector<metadata::ParticipationInterval>& history,
            const std::string& session_id) {
        for (const metadata::ParticipationInterval& interval : history) {
            if (!interval.session_id.empty()) {
                listed_.insert(interval.participant_id);
                if (interval.session_id == session_id) {
                    members_.insert(interval.participant_id);
                }
            }
        }
    }

    [[nodiscard]] bool may_send(const std::string& participant) const {
        return members_.contains(participant) || !listed_.contains(participant);
    }

  private:
    std::set<std::string> listed_;
    std::set<std::string> members_;
};

}  // namespace

std::optional<WallTime> earlier(std::optional<WallTime> left, std::optional<WallTime> right) {
    if (!left || !right) {
        return left ? left : right;
    }
    return std::min(*left, *right);
}

MetadataCut::MetadataCut(const CaptureDigest& digest,
                         const SessionStay* stay,
                         std::optional<WallTime> end)
    : stay_(stay != nullptr && !stay->covers_everything() ? stay : nullptr), until_(end) {
    if (stay != nullptr) {
        until_ = earlier(stay->windows.back().until, end);
    }
    const bool is_only =
        stay == nullptr || (stay->covers_everything() && digest.tracker().stays().size() == 1);
    if (is_only) {
        document_ = digest.metadata().everything();
        history_ = digest.metadata().history();
        stay_ = nullptr;
        return;
    }
    stay_ = stay;
    from_ = stay->windows.front().from;
    if (const StayDigest* const of_stay = digest.find(*stay)) {
        streams_ = of_stay->streams;
    }
    cut_history(digest);
    cut_document(digest.metadata().everything());
}

bool MetadataCut::has(const DocumentDigest& document) const {
    return stay_ == nullptr || (stay_->windows.front().from_document <= document.count &&
                                (!stay_->windows.back().until_document ||
                                 document.count <= *stay_->windows.back().until_document));
}

bool MetadataCut::overlaps(WallTime from, std::optional<WallTime> until) const {
    return (!until_ || from < *until_) && (!until || !from_ || *from_ < *until);
}

void MetadataCut::cut_history(const CaptureDigest& digest) {
    const auto& history = digest.metadata().history();
    const Members members(history, stay_->session_id);
    for (const metadata::ParticipationInterval& interval : history) {
        const bool is_mine = interval.stream_id.empty()
                                 ? interval.session_id == stay_->session_id
                                 : streams_.contains(interval.stream_id) &&
                                       members.may_send(interval.participant_id);
        if (!is_mine || !overlaps(interval.noted_from, interval.noted_until)) {
            continue;
        }
        metadata::ParticipationInterval& cut = history_.emplace_back(interval);
        cut.noted_from = from_ ? std::max(cut.noted_from, *from_) : cut.noted_from;
        cut.noted_until = earlier(cut.noted_until, until_);
        if (!cut.until) {
            cut.until = until_;
        }
    }
}

void MetadataCut::cut_document(const metadata::Document& everything) {
    document_ = everything;
    std::optional<std::string> group;
    std::erase_if(document_.sessions, [&](const metadata::CommunicationSession& session) {
        if (session.id == stay_->session_id) {
            group = session.group_ref;
        }
        return session.id != stay_->session_id;
    });
    if (document_.sessions.empty()) {
        document_.sessions.emplace_back().id = stay_->session_id;
    }
    std::erase_if(document_.groups, [&](const metadata::Group& one) { return one.id != group; });
    std::erase_if(document_.participants, [&](const metadata::Participant& participant) {
        return std::none_of(history_.begin(), history_.end(), [&](const auto& interval) {
            return interval.participant_id == participant.id;
        });
    });
    std::erase_if(document_.streams, [&](const metadata::MediaStream& stream) {
        return !streams_.contains(stream.id);
    });
    const auto is_other = [&](const auto& assoc) { return assoc.session_id != stay_->session_id; };
    std::erase_if(document_.session_recording_assocs, is_other);
    std::erase_if(document_.participant_session_assocs, is_other);
    std::erase_if(document_.participant_stream_assocs, [&](const auto& assoc) {
        return std::none_of(
            document_.participants.begin(),
            document_.participants.end(),
            [&](const auto& participant) { return participant.id == assoc.participant_id; });
    });
}

std::vector<StreamOnTrack> MetadataCut::streams_on(const Uuid& track,
                                                   const CaptureDigest& digest) const {
    const auto tracks = digest.tracks();
    const auto found = std::find_if(tracks.begin(), tracks.end(), [&](const TrackDigest* each) {
        return each->stream.id == track;
    });
    std::vector<StreamOnTrack> streams;
    const auto& bindings = digest.bindings();
    for (std::size_t i = 0; found != tracks.end() && i < bindings.size(); ++i) {
        // The m-lines of the message that brought the binding are there before the next one comes.
        const auto next =
            std::find_if(bindings.begin(), bindings.end(), [&](const LabelBinding& other) {
                return other.time > bindings[i].time;
            });
        const WallTime settled = next == bindings.end() ? digest.end_time() : next->time;
        const std::string& label = (*found)->label_at(settled);
        if (label.empty() || label != bindings[i].label) {
            continue;
        }
        if (!streams.empty() && !streams.back().until) {
            streams.back().until = bindings[i].time;
        }
        streams.push_back({bindings[i].stream_id, bindings[i].time, {}, bindings[i].is_guess});
    }
    std::erase_if(streams, [&](StreamOnTrack& stream) {
        stream.until = earlier(stream.until, (*found)->closed);
        const bool is_before = stream.until && *stream.until <= (*found)->directions.front().first;
        const bool is_outside = is_before || !overlaps(stream.from, stream.until);
        stream.from = from_ ? std::max(stream.from, *from_) : stream.from;
        stream.until = earlier(stream.until, until_);
        return is_outside;
    });
    return streams;
}

bool MetadataCut::has_track(const TrackDigest& track, const CaptureDigest& digest) const {
    if (stay_ == nullptr) {
        return true;
    }
    const auto streams = streams_on(track.stream.id, digest);
    return streams.empty() || streams_.empty() ||
           std::any_of(streams.begin(), streams.end(), [&](const StreamOnTrack& stream) {
               return streams_.contains(stream.id);
           });
}

}  // namespace siprec::server
