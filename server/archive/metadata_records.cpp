#include "archive/metadata_records.hpp"

#include "archive/call_facts.hpp"
#include "archive/extension_json.hpp"
#include "archive/interop_records.hpp"

#include <siprec/metadata.hpp>

#include <algorithm>
#include <cctype>
#include <set>

namespace siprec::server {
namespace {

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

MetadataOutcome read_documents(RecordingRecord& record,
                               const CaptureDigest& digest,
                               const ProfileSet& profiles,
                               metadata::State& state) {
    MetadataOutcome outcome;
    for (const DocumentDigest& document : digest.documents()) {
        MetadataRecord kept;
        kept.received = document.time;
        kept.method = storable(document.received.method);
        kept.content_type = storable(document.received.content_type);
        kept.document = document.received.document;
        auto parsed =
            read_document(document, charset_of(document.received.content_type), digest, profiles);
        kept.usable = parsed.has_value();
        if (parsed) {
            auto findings = std::move(parsed->findings);
            const auto merged = state.apply(parsed->document, document.time);
            findings.insert(findings.end(), merged.begin(), merged.end());
            kept.findings_json = findings_to_json(findings);
            outcome.has_usable = true;
            outcome.is_malformed =
                outcome.is_malformed || parsed->dialect == metadata::Dialect::Salvaged;
        } else {
            outcome.is_malformed = true;
            kept.findings_json = findings_to_json(
                {{.code = "unusable", .message = parsed.error().to_string(), .path = {}}});
        }
        record.documents.push_back(std::move(kept));
    }
    return outcome;
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

void fill_associations(RecordingRecord& record, const metadata::State& state) {
    for (const metadata::ParticipationInterval& interval : state.history()) {
        record.associations.push_back({.participant_src_id = storable(interval.participant_id),
                                       .session_src_id = storable(interval.session_id),
                                       .stream_src_id = storable(interval.stream_id),
                                       .from = interval.from,
                                       .until = interval.until,
                                       .estimated = interval.from_is_estimated,
                                       .guess = interval.is_guess});
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

/// RFC 7865 6.7: the stream of an m-line is the one with its label. The last one that had it wins.
void join_streams(RecordingRecord& record, const metadata::Document& document) {
    for (TrackRecord& track : record.tracks) {
        for (const metadata::MediaStream& stream : document.streams) {
            if (!track.label.empty() && stream.label && storable(*stream.label) == track.label) {
                track.stream_src_id = storable(stream.id);
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
                                           .guess = true});
        }
    }
}

}  // namespace

MetadataOutcome fill_metadata(RecordingRecord& record,
                              const CaptureDigest& digest,
                              bool finished,
                              const ProfileSet& profiles) {
    metadata::State state;
    const MetadataOutcome outcome = read_documents(record, digest, profiles, state);
    if (finished) {
        state.close(digest.end_time());
    }
    const metadata::Document& document = state.everything();
    fill_groups(record, document);
    fill_sessions(record, document);
    fill_participants(record, document);
    fill_associations(record, state);
    add_undescribed_participants(record);
    join_streams(record, document);
    if (!outcome.has_usable && digest.session()) {
        add_party(record, "from", digest.session()->from_uri, digest.session()->from_display);
        add_party(record, "to", digest.session()->to_uri, {});
    }
    claim_tracks(record, finished);
    fill_interop(record, document, digest, profiles);
    record.extension_json = extensions_to_json(document.extensions);
    return outcome;
}

}  // namespace siprec::server
