#include "metadata/history.hpp"

#include "metadata/keys.hpp"

#include <algorithm>
#include <utility>

namespace siprec::metadata {

namespace {

std::string key_of(const ParticipationInterval& interval) {
    return interval.stream_id.empty()
               ? pair_key(interval.participant_id, interval.session_id)
               : pair_key(interval.participant_id, pair_key({}, interval.stream_id));
}

/// An associate-time dates all streams of a participant at once (RFC 7865 6.8), so that for a
/// stream added later the time that is already known says nothing.
std::string date_key(const ParticipationInterval& interval, WallTime from) {
    const std::string subject =
        interval.stream_id.empty() ? key_of(interval) : interval.participant_id;
    return pair_key(subject, std::to_string(from.time_since_epoch().count()));
}

}  // namespace

HistoryUpdate::HistoryUpdate(std::vector<ParticipationInterval>& history,
                             const Document& document,
                             const Document& state,
                             WallTime received)
    : history_(history), document_(document), state_(state), received_(received) {
    for (std::size_t i = 0; i < history_.size(); ++i) {
        remember(i);
        if (!history_[i].from_is_estimated) {
            dated_.insert(date_key(history_[i], history_[i].from));
        }
    }
    for (const CommunicationSession& session : state_.sessions) {
        if (session.stop_time) {
            stopped_.emplace(session.id, *session.stop_time);
        }
    }
    for (const MediaStream& stream : state_.streams) {
        session_of_stream_.emplace(stream.id, stream.session_id.value_or(""));
    }
}

void HistoryUpdate::run() {
    note_document();
    follow_sessions();
    follow_streams();
    close_unwanted();
    for (ParticipationInterval& interval : history_) {
        if (interval.until && !interval.noted_until) {
            interval.noted_until = received_;
        }
    }
    std::stable_sort(history_.begin(), history_.end(), [](const auto& a, const auto& b) {
        return a.from < b.from;
    });
}

/// The interval a key stands for: the open one, else the last.
void HistoryUpdate::remember(std::size_t position) {
    const auto [known, is_new] = latest_.try_emplace(key_of(history_[position]), position);
    if (!is_new && history_[known->second].until) {
        known->second = position;
    }
}

ParticipationInterval* HistoryUpdate::open_interval(const std::string& key) {
    const auto found = latest_.find(key);
    if (found == latest_.end() || history_[found->second].until) {
        return nullptr;
    }
    return &history_[found->second];
}

void HistoryUpdate::add(ParticipationInterval interval) {
    interval.noted_from = received_;
    history_.push_back(std::move(interval));
    remember(history_.size() - 1);
}

/// An association with an end: closes what is open, or tells of what came and went unseen.
void HistoryUpdate::note_dated(ParticipationInterval subject, const Interval& dated) {
    if (!dated.until) {
        return;
    }
    const std::string key = key_of(subject);
    if (ParticipationInterval* const open = open_interval(key)) {
        if (open->from_is_estimated && dated.from) {
            open->from = *dated.from;
            open->from_is_estimated = false;
        } else if (open->from_is_estimated) {
            open->from = std::min(open->from, *dated.until);
        }
        open->until = dated.until;
        return;
    }
    const bool is_known = latest_.contains(key);
    if (dated.from ? is_known && dated_.contains(date_key(subject, *dated.from)) : is_known) {
        return;  // a repeated document
    }
    subject.from = dated.from.value_or(std::min(received_, *dated.until));
    subject.from_is_estimated = !dated.from;
    subject.until = dated.until;
    add(std::move(subject));
}

void HistoryUpdate::want(ParticipationInterval subject, std::optional<WallTime> from) {
    const std::string key = key_of(subject);
    wanted_.insert(key);
    const bool is_news = from && !dated_.contains(date_key(subject, *from));
    if (ParticipationInterval* const open = open_interval(key)) {
        open->is_guess = open->is_guess && subject.is_guess;
        if (open->from_is_estimated && is_news) {
            open->from = *from;
            open->from_is_estimated = false;
        }
        return;
    }
    subject.from = is_news ? *from : received_;
    subject.from_is_estimated = !is_news;
    add(std::move(subject));
}

std::optional<WallTime> HistoryUpdate::stop_of(const std::string& session_id) const {
    const auto found = stopped_.find(session_id);
    return found == stopped_.end() ? std::nullopt : std::optional(found->second);
}

void HistoryUpdate::note_document() {
    for (const ParticipantSessionAssoc& assoc : document_.participant_session_assocs) {
        note_dated({assoc.participant_id, assoc.session_id, {}, {}, {}}, assoc.associated);
    }
    for (const ParticipantStreamAssoc& assoc : document_.participant_stream_assocs) {
        for (const std::string& stream : assoc.send) {
            note_dated({assoc.participant_id, {}, stream, {}, {}}, assoc.associated);
        }
    }
}

void HistoryUpdate::follow_sessions() {
    for (const ParticipantSessionAssoc& assoc : state_.participant_session_assocs) {
        ParticipationInterval subject{assoc.participant_id, assoc.session_id, {}, {}, {}};
        Presence& presence = presence_[assoc.participant_id];
        presence.is_listed = true;
        // RFC 8068 3.2.3: a stop-time disassociates all participants.
        const auto stop = stop_of(assoc.session_id);
        const auto until = assoc.associated.until ? assoc.associated.until : stop;
        if (until) {
            ended_.emplace(key_of(subject), *until);
            presence.left = std::max(presence.left.value_or(*until), *until);
        } else {
            presence.is_present = true;
            want(std::move(subject), assoc.associated.from);
        }
    }
    // Without any association there is only one session that the participants can be in.
    if (state_.participant_session_assocs.empty() && state_.sessions.size() == 1) {
        const CommunicationSession& session = state_.sessions.front();
        for (const Participant& participant : state_.participants) {
            ParticipationInterval subject{participant.id, session.id, {}, {}, {}};
            subject.is_guess = true;
            if (session.stop_time) {
                ended_.emplace(key_of(subject), *session.stop_time);
            } else {
                want(std::move(subject), std::nullopt);
            }
        }
    }
}

void HistoryUpdate::follow_streams() {
    for (const ParticipantStreamAssoc& assoc : state_.participant_stream_assocs) {
        // Who left every CS has left their streams too, withdrawn or not (RFC 8068 3.3.3).
        const auto found = presence_.find(assoc.participant_id);
        const bool has_left =
            found != presence_.end() && found->second.is_listed && !found->second.is_present;
        if (assoc.associated.until) {
            sending_ended_.emplace(assoc.participant_id, *assoc.associated.until);
        } else if (has_left) {
            sending_ended_.emplace(assoc.participant_id, found->second.left.value_or(received_));
        } else {
            follow_streams_of(assoc);
        }
    }
}

void HistoryUpdate::follow_streams_of(const ParticipantStreamAssoc& assoc) {
    const bool is_listed = presence_.contains(assoc.participant_id);
    for (const std::string& stream : assoc.send) {
        ParticipationInterval subject{assoc.participant_id, {}, stream, {}, {}};
        subject.is_guess = assoc.is_guess;
        // A stream may carry participants of another CS than its own (RFC 8068 3.5), so that its
        // own CS counts only for those of whom no CS is known.
        const auto session = session_of_stream_.find(stream);
        const auto stop = is_listed || session == session_of_stream_.end()
                              ? std::nullopt
                              : stop_of(session->second);
        if (stop) {
            ended_.emplace(key_of(subject), *stop);
        } else {
            want(std::move(subject), assoc.associated.from);
        }
    }
}

/// 7865-pu-17: what is no longer there ends, at the latest now.
void HistoryUpdate::close_unwanted() {
    for (ParticipationInterval& interval : history_) {
        if (interval.until || wanted_.contains(key_of(interval))) {
            continue;
        }
        const auto ended = ended_.find(key_of(interval));
        const auto sending = sending_ended_.find(interval.participant_id);
        if (ended != ended_.end()) {
            interval.until = ended->second;
        } else if (!interval.stream_id.empty() && sending != sending_ended_.end()) {
            interval.until = sending->second;
        } else {
            interval.until = received_;
        }
    }
}

}  // namespace siprec::metadata
