#pragma once

#include <siprec/metadata.hpp>

#include <string>

namespace siprec::metadata {

/// One key of two ids; no id holds white space.
[[nodiscard]] inline std::string pair_key(const std::string& first, const std::string& second) {
    return first + ' ' + second;
}

/// What an element is known by (7865-pu-10). An empty id is an anonymous object: it is known by
/// what it says, so that a repeated document does not add it again.
[[nodiscard]] inline std::string key_of(const Group& group) {
    return group.id;
}

[[nodiscard]] inline std::string key_of(const CommunicationSession& session) {
    return session.id;
}

[[nodiscard]] inline std::string key_of(const Participant& participant) {
    if (participant.id.empty() && !participant.names.empty()) {
        return pair_key({}, participant.names.front().aor + ' ' + participant.names.front().name);
    }
    return participant.id;
}

[[nodiscard]] inline std::string key_of(const MediaStream& stream) {
    return stream.id.empty() ? pair_key({}, stream.label.value_or("")) : stream.id;
}

[[nodiscard]] inline std::string key_of(const SessionRecordingAssoc& assoc) {
    return assoc.session_id;
}

[[nodiscard]] inline std::string key_of(const ParticipantSessionAssoc& assoc) {
    return pair_key(assoc.participant_id, assoc.session_id);
}

[[nodiscard]] inline std::string key_of(const ParticipantStreamAssoc& assoc) {
    return assoc.participant_id;
}

}  // namespace siprec::metadata
