#include <siprec/metadata.hpp>

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace siprec::metadata {
namespace {

using Ids = std::unordered_set<std::string>;

constexpr std::size_t kIntervalsPerSession = 8;  // closed ones that are kept, of each kept CS
constexpr std::size_t kMostLoose = 2048;  // elements of a kind that hang on no session; half stay

Ids sessions_going_on(const Document& current) {
    Ids going_on;
    for (const CommunicationSession& session : current.sessions) {
        if (!session.stop_time) {
            going_on.insert(session.id);
        }
    }
    std::unordered_map<std::string, bool> has_members;
    for (const ParticipantSessionAssoc& assoc : current.participant_session_assocs) {
        bool& has = has_members.try_emplace(assoc.session_id, false).first->second;
        has = has || !assoc.associated.until;
    }
    for (const auto& [session, has] : has_members) {
        if (!has) {
            going_on.erase(session);
        }
    }
    return going_on;
}

/// Participants of forgotten sessions who are in no other.
Ids strangers(const Document& document, const Ids& forgotten) {
    Ids gone;
    for (const ParticipantSessionAssoc& assoc : document.participant_session_assocs) {
        if (forgotten.contains(assoc.session_id)) {
            gone.insert(assoc.participant_id);
        }
    }
    for (const ParticipantSessionAssoc& assoc : document.participant_session_assocs) {
        if (!forgotten.contains(assoc.session_id)) {
            gone.erase(assoc.participant_id);
        }
    }
    return gone;
}

struct Forgotten {
    Ids sessions;
    Ids participants;
    Ids streams;
    Ids groups;
};

void forget(Document& document, const Forgotten& gone) {
    std::erase_if(document.sessions, [&](const auto& e) { return gone.sessions.contains(e.id); });
    std::erase_if(document.groups, [&](const auto& e) { return gone.groups.contains(e.id); });
    std::erase_if(document.streams, [&](const auto& e) { return gone.streams.contains(e.id); });
    std::erase_if(document.participants,
                  [&](const auto& e) { return gone.participants.contains(e.id); });
    std::erase_if(document.session_recording_assocs,
                  [&](const auto& e) { return gone.sessions.contains(e.session_id); });
    std::erase_if(document.participant_session_assocs, [&](const auto& e) {
        return gone.sessions.contains(e.session_id) || gone.participants.contains(e.participant_id);
    });
    std::erase_if(document.participant_stream_assocs,
                  [&](const auto& e) { return gone.participants.contains(e.participant_id); });
}

/// Streams and groups that only forgotten sessions name.
void add_what_hangs_on(Forgotten& gone, const Document& document) {
    for (const CommunicationSession& session : document.sessions) {
        if (session.group_ref && gone.sessions.contains(session.id)) {
            gone.groups.insert(*session.group_ref);
        }
    }
    for (const CommunicationSession& session : document.sessions) {
        if (session.group_ref && !gone.sessions.contains(session.id)) {
            gone.groups.erase(*session.group_ref);
        }
    }
    for (const MediaStream& stream : document.streams) {
        if (stream.session_id && gone.sessions.contains(*stream.session_id)) {
            gone.streams.insert(stream.id);
        }
    }
    for (const ParticipantStreamAssoc& assoc : document.participant_stream_assocs) {
        if (!gone.participants.contains(assoc.participant_id)) {
            for (const auto* streams : {&assoc.send, &assoc.recv}) {
                std::for_each(streams->begin(), streams->end(), [&](const std::string& stream) {
                    gone.streams.erase(stream);
                });
            }
        }
    }
}

/// Elements that no session holds, when they have become many: the older ones go. They stand in
/// order of their first mention.
template <typename T, typename IsHeld>
void forget_loose(std::vector<T>& elements, IsHeld is_held) {
    if (elements.size() <= kMostLoose) {
        return;
    }
    std::vector<bool> held;
    held.reserve(elements.size());
    std::transform(elements.begin(), elements.end(), std::back_inserter(held), is_held);
    const auto loose = static_cast<std::size_t>(std::count(held.begin(), held.end(), false));
    if (loose <= kMostLoose) {
        return;
    }
    std::vector<T> kept;
    std::size_t surplus = loose - kMostLoose / 2;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        if (held[i] || surplus == 0) {
            kept.push_back(std::move(elements[i]));
        } else {
            --surplus;
        }
    }
    elements = std::move(kept);
}

/// A client that writes no associations says of nobody when they are gone, and a session may live
/// for weeks.
void forget_loose(Document& document) {
    Ids sessions;
    Ids groups;
    for (const CommunicationSession& session : document.sessions) {
        sessions.insert(session.id);
        groups.insert(session.group_ref.value_or(""));
    }
    Ids members;
    for (const ParticipantSessionAssoc& assoc : document.participant_session_assocs) {
        if (sessions.contains(assoc.session_id)) {
            members.insert(assoc.participant_id);
        }
    }
    const auto is_member = [&](const auto& e) { return members.contains(e.participant_id); };
    forget_loose(document.participants, [&](const auto& e) { return members.contains(e.id); });
    forget_loose(document.participant_stream_assocs, is_member);
    forget_loose(document.groups, [&](const auto& e) { return groups.contains(e.id); });
    forget_loose(document.streams,
                 [&](const auto& e) { return e.session_id && sessions.contains(*e.session_id); });
    const auto has_session = [&](const auto& e) { return sessions.contains(e.session_id); };
    forget_loose(document.participant_session_assocs, has_session);
    forget_loose(document.session_recording_assocs, has_session);
}

void forget_oldest(std::vector<ParticipationInterval>& history, std::size_t keep) {
    std::vector<WallTime> ends;
    for (const ParticipationInterval& interval : history) {
        if (interval.noted_until) {
            ends.push_back(*interval.noted_until);
        }
    }
    if (ends.size() <= 2 * keep) {
        return;
    }
    const auto last_forgotten = ends.end() - static_cast<std::ptrdiff_t>(keep) - 1;
    std::nth_element(ends.begin(), last_forgotten, ends.end());
    std::erase_if(history, [until = *last_forgotten](const ParticipationInterval& interval) {
        return interval.noted_until && *interval.noted_until <= until;
    });
}

}  // namespace

void State::forget_ended(std::size_t keep) {
    forget_oldest(history_, keep * kIntervalsPerSession);
    forget_loose(current_);
    forget_loose(everything_);
    if (everything_.sessions.size() <= 2 * keep) {
        return;
    }
    const Ids going_on = sessions_going_on(current_);
    std::vector<std::string> ended;  // in order of their first mention
    for (const CommunicationSession& session : everything_.sessions) {
        if (!going_on.contains(session.id)) {
            ended.push_back(session.id);
        }
    }
    if (ended.size() <= 2 * keep) {
        return;
    }
    Forgotten gone;
    gone.sessions.insert(ended.begin(), ended.end() - static_cast<std::ptrdiff_t>(keep));
    gone.participants = strangers(everything_, gone.sessions);
    add_what_hangs_on(gone, everything_);
    forget(current_, gone);
    forget(everything_, gone);
    std::erase_if(history_, [&](const ParticipationInterval& interval) {
        return interval.until && (gone.sessions.contains(interval.session_id) ||
                                  gone.participants.contains(interval.participant_id));
    });
}

}  // namespace siprec::metadata
