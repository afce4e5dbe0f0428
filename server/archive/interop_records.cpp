#include "archive/interop_records.hpp"

#include "archive/extension_json.hpp"
#include "archive/voice_mapping.hpp"
#include "interop/lift.hpp"
#include "interop/time_zone.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace siprec::server {
namespace {

constexpr std::string_view kNoZone = "time-without-zone";
constexpr std::string_view kTakenForUtc = "taken for UTC";

CallView view_of(const RecordingRecord& record,
                 const SessionInfo& session,
                 const metadata::Document& document) {
    CallView call{.session = session, .document = document, .received = {}, .broken = {}};
    for (const MetadataRecord& one : record.documents) {
        call.received.emplace_back(one.document);
        if (!one.usable || one.findings_json.find("\"not-well-formed\"") != std::string::npos) {
            call.broken.emplace_back(one.document);
        }
    }
    return call;
}

std::vector<TrackClue> track_clues(const RecordingRecord& record, const CaptureDigest& digest) {
    std::vector<TrackClue> clues;
    for (const TrackRecord& track : record.tracks) {
        if (track.media_type != "audio") {
            continue;
        }
        TrackClue clue{.id = track.id,
                       .label = track.label,
                       .stream = track.stream_src_id,
                       .ssrcs = {},
                       .described = {},
                       .announced = {}};
        for (const TrackDigest* received : digest.tracks()) {
            if (received->stream.id == track.id) {
                clue.ssrcs = received->media.sequence.ssrcs();
                clue.described = received->stream.sources;
                clue.announced = received->announced;
            }
        }
        clues.push_back(std::move(clue));
    }
    return clues;
}

bool is_generated(const ParticipantRecord& participant) {
    return participant.names.empty() && participant.src_id.starts_with("unknown-");
}

VoiceClues clues_of(const RecordingRecord& record,
                    const metadata::Document& document,
                    const CaptureDigest& digest,
                    const Lifted& lifted) {
    VoiceClues clues{.tracks = track_clues(record, digest),
                     .parties = {},
                     .sends = {},
                     .receives = {},
                     .roles = lifted.parties,
                     .labels = lifted.labels};
    for (const ParticipantRecord& participant : record.participants) {
        if (!is_generated(participant)) {
            PartyClue party{.id = participant.src_id, .aors = {}};
            for (const NameRecord& name : participant.names) {
                party.aors.push_back(name.aor);
            }
            clues.parties.push_back(std::move(party));
        }
    }
    for (const AssociationRecord& association : record.associations) {
        const bool is_known =
            std::any_of(clues.parties.begin(), clues.parties.end(), [&](const PartyClue& party) {
                return party.id == association.participant_src_id;
            });
        if (!association.stream_src_id.empty() && is_known) {
            clues.sends.push_back(
                {association.participant_src_id, association.stream_src_id, association.guess});
        }
    }
    for (const auto& assoc : document.participant_stream_assocs) {
        for (const std::string& stream : assoc.recv) {
            clues.receives.push_back(
                {storable(assoc.participant_id), storable(stream), assoc.is_guess});
        }
    }
    return clues;
}

std::string evidence_to_json(const std::vector<VoiceEvidence>& evidence) {
    nlohmann::json list = nlohmann::json::array();
    for (const VoiceEvidence& one : evidence) {
        list.push_back({{"kind", one.kind},
                        {"participant", storable(one.party)},
                        {"detail", storable(one.detail)}});
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void fill_interop(RecordingRecord& record,
                  const metadata::Document& document,
                  const CaptureDigest& digest) {
    record.direction = "unknown";
    if (!digest.session()) {
        return;
    }
    const Lifted lifted = lift(digest.profiles(), view_of(record, *digest.session(), document));
    for (const FieldValue& field : lifted.fields) {
        record.fields.push_back(
            {.name = field.name, .value = storable(field.value), .source = field.source});
    }
    for (const ChosenProfile& profile : lifted.profiles) {
        record.profiles.push_back({.name = profile.name, .reason = profile.reason});
    }
    // A profile may keep other words than the catalogue's in this field.
    if (const std::string direction = lifted.first("direction");
        direction == "inbound" || direction == "outbound") {
        record.direction = direction;
    }
    for (const Voice& voice : map_voices(clues_of(record, document, digest, lifted))) {
        record.voices.push_back({.track = voice.track,
                                 .participant_src_id = voice.party,
                                 .role = voice.role,
                                 .certainty = std::string(to_string(voice.certainty)),
                                 .contradicted = voice.contradicted,
                                 .evidence_json = evidence_to_json(voice.evidence)});
    }
}

Result<metadata::ParsedDocument> read_document(const DocumentDigest& document,
                                               std::string_view charset,
                                               const CaptureDigest& digest,
                                               const metadata::ParseLimits& limits) {
    const std::string& text = document.received.document;
    auto parsed = metadata::parse(text, charset, limits);
    const bool lacks_zone =
        parsed && std::any_of(parsed->findings.begin(),
                              parsed->findings.end(),
                              [](const auto& finding) { return finding.code == kNoZone; });
    if (!lacks_zone || !digest.session()) {
        return parsed;
    }
    const CallView call{.session = *digest.session(),
                        .document = parsed->document,
                        .received = {text},
                        .broken = {}};
    for (const auto& [profile, reason] : fitting_profiles(digest.profiles(), call)) {
        const auto zone = zone_of(text, profile->quirks, document.time);
        if (!zone) {
            continue;
        }
        auto zoned = metadata::parse(with_zone(text, *zone), charset, limits);
        if (!zoned) {
            return parsed;
        }
        parsed->document = std::move(zoned->document);
        for (metadata::Finding& finding : parsed->findings) {
            const auto at = finding.message.find(kTakenForUtc);
            if (finding.code == kNoZone && at != std::string::npos) {
                finding.message.replace(
                    at,
                    kTakenForUtc.size(),
                    "taken for " + zone_text(*zone) + " (" + profile->name + ")");
            }
        }
        return parsed;
    }
    return parsed;
}

}  // namespace siprec::server
