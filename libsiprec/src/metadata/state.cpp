#include "metadata/findings.hpp"
#include "metadata/history.hpp"
#include "metadata/merge.hpp"
#include "metadata/references.hpp"

#include <siprec/metadata.hpp>

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace siprec::metadata {

namespace {

void drop_guesses(Document& document) {
    std::erase_if(document.participant_stream_assocs,
                  [](const ParticipantStreamAssoc& assoc) { return assoc.is_guess; });
}

/// When a participant joined a CS that a partial document introduces.
using Moves = std::unordered_map<std::string, WallTime>;

Moves moves_of(const Document& current, const Document& update, WallTime received) {
    std::unordered_set<std::string> known;
    for (const CommunicationSession& session : current.sessions) {
        known.insert(session.id);
    }
    std::unordered_map<std::string, WallTime> starts;
    for (const CommunicationSession& session : update.sessions) {
        if (!known.contains(session.id)) {
            starts.emplace(session.id, session.start_time.value_or(received));
        }
    }
    Moves moves;
    for (const ParticipantSessionAssoc& assoc : update.participant_session_assocs) {
        const auto start = starts.find(assoc.session_id);
        if (start != starts.end() && !assoc.associated.until) {
            moves.emplace(assoc.participant_id, assoc.associated.from.value_or(start->second));
        }
    }
    return moves;
}

/// RFC 8068 3.2.3: a new CS may take participants from the old one, of which the document says
/// nothing.
void end_left_sessions(Document& current,
                       const Document& update,
                       WallTime received,
                       Findings& findings) {
    const Moves moves = moves_of(current, update, received);
    if (moves.empty()) {
        return;
    }
    std::unordered_set<std::string> mentioned;
    for (const CommunicationSession& session : update.sessions) {
        mentioned.insert(session.id);
    }
    for (const ParticipantSessionAssoc& assoc : update.participant_session_assocs) {
        mentioned.insert(assoc.session_id);
    }
    for (ParticipantSessionAssoc& assoc : current.participant_session_assocs) {
        const auto move = moves.find(assoc.participant_id);
        if (move != moves.end() && !assoc.associated.until &&
            !mentioned.contains(assoc.session_id)) {
            assoc.associated.until = move->second;
            findings.add("implicit-move",
                         fmt::format("participant '{}' left session '{}' for a new one",
                                     assoc.participant_id,
                                     assoc.session_id));
        }
    }
}

/// 7865-pu-5.
void end_members_of_stopped_sessions(Document& document) {
    std::unordered_map<std::string, WallTime> stops;
    for (const CommunicationSession& session : document.sessions) {
        if (session.stop_time) {
            stops.emplace(session.id, *session.stop_time);
        }
    }
    for (ParticipantSessionAssoc& assoc : document.participant_session_assocs) {
        const auto stop = stops.find(assoc.session_id);
        if (stop != stops.end() && !assoc.associated.until) {
            assoc.associated.until = stop->second;
        }
    }
}

}  // namespace

std::vector<Finding> State::apply(const Document& document, WallTime received) {
    Findings findings;
    if (document.mode == DataMode::Partial && !has_baseline_) {
        findings.add("partial-without-complete",
                     "a partial document without a complete one before it (RFC 7866 9.1)");
    }
    Document update = without_reused_ids(document, everything_, findings);
    drop_guesses(update);
    Document next;
    if (document.mode == DataMode::Partial) {
        next = current_;
        drop_guesses(next);
        end_left_sessions(next, update, received, findings);
    }
    merge(next, update, MergeMode::Update);
    end_members_of_stopped_sessions(next);

    drop_guesses(everything_);
    merge(everything_, update, MergeMode::Collect);
    note_dangling_references(update, everything_, findings);

    guess_stream_associations(next, findings);
    if (everything_.participant_stream_assocs.empty()) {
        everything_.participant_stream_assocs = next.participant_stream_assocs;
    }
    HistoryUpdate(history_, update, next, received).run();
    current_ = std::move(next);
    has_document_ = true;
    has_baseline_ = has_baseline_ || document.mode == DataMode::Complete;
    return std::move(findings).take();
}

void State::close(WallTime ended) {
    for (ParticipationInterval& interval : history_) {
        if (!interval.until) {
            interval.until = ended;
            interval.noted_until = ended;
        }
    }
}

}  // namespace siprec::metadata
