#include "archive/metadata_records.hpp"

#include "archive/call_facts.hpp"
#include "archive/conversation_keys.hpp"
#include "archive/extension_json.hpp"
#include "archive/interop_records.hpp"
#include "archive/metadata_cut.hpp"

#include <siprec/metadata.hpp>

#include <algorithm>
#include <set>

namespace siprec::server {
namespace {

void fill_documents(RecordingRecord& record, const CaptureDigest& digest, const MetadataCut& cut) {
    for (const DocumentDigest& document : digest.documents()) {
        if (cut.has(document)) {
            record.documents.push_back({.received = document.time,
                                        .method = storable(document.received.method),
                                        .content_type = storable(document.received.content_type),
                                        .document = document.received.document,
                                        .usable = document.received.usable,
                                        .findings_json = document.findings_json});
        }
    }
}

void fill_groups(RecordingRecord& record, const metadata::Document& document) {
    for (const metadata::Group& group : document.groups) {
        record.groups.push_back({.src_id = storable(group.id),
                                 .associated = group.associated.from,
                                 .disassociated = group.associated.until,
                                 .extension_json = extensions_to_json(group.extensions)});
    }
}

void fill_sessions(RecordingRecord& record, const metadata::Document& document) {
    for (const metadata::CommunicationSession& session : document.sessions) {
        CommunicationSessionRecord kept{.src_id = storable(session.id),
                                        .group_src_id = storable(session.group_ref.value_or("")),
                                        .sip_session_ids = {},
                                        .start_time = session.start_time,
                                        .stop_time = session.stop_time,
                                        .extension_json = extensions_to_json(session.extensions)};
        for (const std::string& id : session.sip_session_ids) {
            kept.sip_session_ids.push_back(storable(id));
        }
        record.sessions.push_back(std::move(kept));
    }
}

void add_party(RecordingRecord& record,
               std::string src_id,
               std::string_view aor,
               std::string_view name) {
    ParticipantRecord party;
    party.src_id = std::move(src_id);
    if (!aor.empty() || !name.empty()) {
        party.names.push_back({.aor = storable(aor), .name = storable(name)});
    }
    party.number = storable(normalised_number(aor));
    record.participants.push_back(std::move(party));
}

void fill_participants(RecordingRecord& record, const metadata::Document& document) {
    std::size_t anonymous = 0;
    for (const metadata::Participant& participant : document.participants) {
        ParticipantRecord kept;
        kept.src_id = participant.id.empty() ? "anonymous-" + std::to_string(++anonymous)
                                             : storable(participant.id);
        for (const metadata::NameId& name : participant.names) {
            kept.names.push_back({.aor = storable(name.aor), .name = storable(name.name)});
        }
        if (!participant.names.empty()) {
            kept.number = storable(normalised_number(participant.names.front().aor));
        }
        kept.extension_json = extensions_to_json(participant.extensions);
        record.participants.push_back(std::move(kept));
    }
}

void fill_associations(RecordingRecord& record, const MetadataCut& cut) {
    for (const metadata::ParticipationInterval& interval : cut.history()) {
        record.associations.push_back({.participant_src_id = storable(interval.participant_id),
                                       .session_src_id = storable(interval.session_id),
                                       .stream_src_id = storable(interval.stream_id),
                                       .from = interval.from,
                                       .until = interval.until,
                                       .estimated = interval.from_is_estimated,
                                       .guess = interval.is_guess,
                                       .noted_from = interval.noted_from,
                                       .noted_until = interval.noted_until});
    }
}

/// A participant that an association names and no document describes is still a party.
void add_undescribed_participants(RecordingRecord& record) {
    std::set<std::string> known;
    for (const ParticipantRecord& participant : record.participants) {
        known.insert(participant.src_id);
    }
    for (const AssociationRecord& association : record.associations) {
        if (known.insert(association.participant_src_id).second) {
            add_party(record, association.participant_src_id, {}, {});
        }
    }
}

/// The stream of an m-line is the one with its label (RFC 7865 6.7), in the message that says so.
void join_streams(RecordingRecord& record, const CaptureDigest& digest, const MetadataCut& cut) {
    for (TrackRecord& track : record.tracks) {
        for (const StreamOnTrack& stream : cut.streams_on(track.id, digest)) {
            track.stream_src_id = storable(stream.id);
            for (const metadata::ParticipationInterval& interval : cut.history()) {
                const WallTime from = std::max(interval.noted_from, stream.from);
                const auto until = earlier(interval.noted_until, stream.until);
                if (interval.stream_id == stream.id && (!until || from < *until)) {
                    track.owners.push_back({.participant_src_id = storable(interval.participant_id),
                                            .stream_src_id = track.stream_src_id,
                                            .from = from,
                                            .until = until,
                                            .guess = interval.is_guess || stream.is_guess});
                }
            }
        }
    }
}

void claim_tracks(RecordingRecord& record, bool finished) {
    std::set<std::string> claimed;
    for (const AssociationRecord& association : record.associations) {
        if (!association.stream_src_id.empty()) {
            claimed.insert(association.stream_src_id);
        }
    }
    std::size_t unknown = 0;
    for (const TrackRecord& track : record.tracks) {
        if (track.media_type != "audio" || claimed.contains(track.stream_src_id)) {
            continue;
        }
        const std::string id = "unknown-" + std::to_string(++unknown);
        add_party(record, id, {}, {});
        if (!track.stream_src_id.empty()) {
            record.associations.push_back({.participant_src_id = id,
                                           .session_src_id = {},
                                           .stream_src_id = track.stream_src_id,
                                           .from = record.start,
                                           .until = finished ? record.end : std::nullopt,
                                           .estimated = true,
                                           .guess = true,
                                           .noted_from = record.start,
                                           .noted_until = finished ? record.end : std::nullopt});
        }
    }
}

}  // namespace

void fill_metadata(RecordingRecord& record,
                   const CaptureDigest& digest,
                   const SessionStay* stay,
                   bool finished) {
    const MetadataCut cut(digest, stay, record.end);
    fill_documents(record, digest, cut);
    const metadata::Document& document = cut.document();
    fill_groups(record, document);
    fill_sessions(record, document);
    fill_participants(record, document);
    fill_associations(record, cut);
    add_undescribed_participants(record);
    join_streams(record, digest, cut);
    if (!digest.has_usable_metadata() && digest.session()) {
        add_party(record, "from", digest.session()->from_uri, digest.session()->from_display);
        add_party(record, "to", digest.session()->to_uri, {});
    }
    claim_tracks(record, finished);
    fill_interop(record, document, digest);
    record.extension_json = extensions_to_json(document.extensions);
    record.conversation_keys =
        conversation_keys(record, stay == nullptr || stay->covers_everything());
}

}  // namespace siprec::server
