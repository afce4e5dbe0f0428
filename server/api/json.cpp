#include "api/json.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace siprec::server {

namespace {

Json time_or_null(const std::optional<WallTime>& time) {
    return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

/// JSON that the archive wing has written; null when it is damaged.
Json embedded(const std::string& text) {
    Json value = Json::parse(text, nullptr, false);
    return value.is_discarded() ? Json(nullptr) : value;
}

template <typename Range, typename Function>
Json array_of(const Range& range, Function&& function) {
    Json array = Json::array();
    for (const auto& item : range) {
        array.push_back(function(item));
    }
    return array;
}

Json participant_of(const ParticipantRecord& participant) {
    const NameRecord first = participant.names.empty() ? NameRecord{} : participant.names.front();
    return {{"id", participant.src_id},
            {"name", first.name},
            {"aor", first.aor},
            {"number", participant.number},
            {"names",
             array_of(participant.names,
                      [](const NameRecord& name) -> Json {
                          return {{"aor", name.aor}, {"name", name.name}};
                      })},
            {"extension", embedded(participant.extension_json)}};
}

/// Whose voice a track carries; empty when nothing speaks for anybody.
Json voices_of(const RecordingRecord& recording, const Uuid& track) {
    Json array = Json::array();
    for (const VoiceRecord& voice : recording.voices) {
        if (voice.track == track) {
            array.push_back({{"participant", voice.participant_src_id},
                             {"role", voice.role},
                             {"certainty", voice.certainty},
                             {"contradicted", voice.contradicted},
                             {"evidence", embedded(voice.evidence_json)}});
        }
    }
    return array;
}

/// {name: [values]}
Json fields_of(const RecordingRecord& recording) {
    Json object = Json::object();
    for (const FieldRecord& field : recording.fields) {
        object[field.name].push_back(field.value);
    }
    return object;
}

Json owner_of(const TrackOwnerRecord& owner) {
    return {{"participant", owner.participant_src_id},
            {"stream", owner.stream_src_id},
            {"from", to_rfc3339(owner.from)},
            {"until", time_or_null(owner.until)},
            {"guess", owner.guess}};
}

Json track_of(const RecordingRecord& recording, const TrackRecord& track) {
    return {{"id", track.id.to_string()},
            {"media_index", track.media_index},
            {"label", track.label},
            {"voices", voices_of(recording, track.id)},
            {"stream", track.stream_src_id},
            {"media_type", track.media_type},
            {"codec", track.codec},
            {"channel", track.channel ? Json(*track.channel) : Json(nullptr)},
            {"packets", track.packets},
            {"bytes", track.bytes},
            {"lost", track.lost},
            {"duplicates", track.duplicates},
            {"ssrc_changes", track.ssrc_changes},
            {"first_packet", time_or_null(track.first_packet)},
            {"last_packet", time_or_null(track.last_packet)},
            {"owners", array_of(track.owners, owner_of)}};
}

Json artefact_of(const RecordingRecord& recording, const ArtefactRecord& artefact) {
    Json value = {{"kind", artefact.kind},
                  {"media_type", artefact.media_type},
                  {"bytes", artefact.bytes},
                  {"sha256", artefact.sha256}};
    // Each kind has a path of its own; that of the WAV is named after what is heard.
    const std::string_view path =
        artefact.kind == "wav" ? "audio" : std::string_view(artefact.kind);
    if (path == "audio" || path == "capture" || path == "video" || path == "text") {
        value["url"] = fmt::format("/api/v1/recordings/{}/{}", recording.id.to_string(), path);
    }
    return value;
}

Json artefacts_of(const RecordingRecord& recording) {
    Json array = Json::array();
    std::size_t captures = 0;
    for (const ArtefactRecord& artefact : recording.artefacts) {
        Json& value = array.emplace_back(artefact_of(recording, artefact));
        captures += artefact.kind == "capture" ? 1U : 0U;
        if (artefact.kind == "capture" && captures > 1) {
            value["url"] = fmt::format("{}/{}", value["url"].get<std::string>(), captures);
        }
    }
    return array;
}

Json group_of(const GroupRecord& group) {
    return {{"id", group.src_id},
            {"associated", time_or_null(group.associated)},
            {"disassociated", time_or_null(group.disassociated)},
            {"extension", embedded(group.extension_json)}};
}

Json communication_session_of(const CommunicationSessionRecord& session) {
    return {{"id", session.src_id},
            {"group", session.group_src_id},
            {"sip_session_ids", session.sip_session_ids},
            {"start", time_or_null(session.start_time)},
            {"stop", time_or_null(session.stop_time)},
            {"extension", embedded(session.extension_json)}};
}

Json association_of(const AssociationRecord& association) {
    return {{"participant", association.participant_src_id},
            {"communication_session", association.session_src_id},
            {"stream", association.stream_src_id},
            {"from", to_rfc3339(association.from)},
            {"until", time_or_null(association.until)},
            {"estimated", association.estimated},
            {"guess", association.guess},
            {"noted_from", time_or_null(association.noted_from)},
            {"noted_until", time_or_null(association.noted_until)}};
}

Json segment_of(const SegmentRecord& segment) {
    return {{"track", segment.track.to_string()},
            {"from", to_rfc3339(segment.from)},
            {"until", to_rfc3339(segment.until)}};
}

Json telephone_event_of(const TelephoneEventRecord& event) {
    return {{"track", event.track.to_string()},
            {"digit", event.digit},
            {"offset_s", event.offset_s},
            {"duration_s", event.duration_s}};
}

}  // namespace

std::string to_text(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json summary_of(const RecordingRecord& recording) {
    return {{"id", recording.id.to_string()},
            {"state", to_string(recording.state)},
            {"start", to_rfc3339(recording.start)},
            {"end", time_or_null(recording.end)},
            {"duration_s", recording.duration_s},
            {"direction", recording.direction},
            {"participants", array_of(recording.participants, participant_of)},
            {"verdict", to_string(recording.verdict)},
            {"reasons", recording.reasons},
            {"recording_session", recording.recording_session.to_string()},
            {"communication_session", recording.communication_session},
            {"conversation",
             recording.conversation ? Json(recording.conversation->to_string()) : Json(nullptr)},
            {"src",
             {{"uri", recording.src_uri},
              {"address", recording.src_address},
              {"user_agent", recording.src_user_agent}}},
            {"call_id", recording.call_id},
            {"to_uri", recording.to_uri},
            {"end_cause", recording.end_cause},
            {"end_reason", recording.end_reason},
            {"profile", recording.profiles.empty() ? "" : recording.profiles.front().name},
            {"fields", fields_of(recording)},
            {"tracks",
             array_of(recording.tracks,
                      [&](const TrackRecord& track) { return track_of(recording, track); })},
            {"artefacts", artefacts_of(recording)}};
}

Json details_of(const RecordingRecord& recording) {
    Json value = summary_of(recording);
    value["groups"] = array_of(recording.groups, group_of);
    value["communication_sessions"] = array_of(recording.sessions, communication_session_of);
    value["associations"] = array_of(recording.associations, association_of);
    value["segments"] = array_of(recording.segments, segment_of);
    value["telephone_events"] = array_of(recording.telephone_events, telephone_event_of);
    value["documents"] = documents_of(recording);
    value["profiles"] = array_of(recording.profiles, [](const ProfileRecord& profile) -> Json {
        return {{"name", profile.name}, {"reason", profile.reason}};
    });
    value["field_sources"] = array_of(recording.fields, [](const FieldRecord& field) -> Json {
        return {{"name", field.name}, {"value", field.value}, {"source", field.source}};
    });
    value["headers"] = embedded(recording.headers_json);
    value["extension"] = embedded(recording.extension_json);
    return value;
}

Json documents_of(const RecordingRecord& recording) {
    Json array = Json::array();
    for (const MetadataRecord& document : recording.documents) {
        const std::size_t number = array.size() + 1;
        array.push_back(
            {{"n", number},
             {"received", to_rfc3339(document.received)},
             {"method", document.method},
             {"content_type", document.content_type},
             {"bytes", document.document.size()},
             {"usable", document.usable},
             {"findings", embedded(document.findings_json)},
             {"url",
              fmt::format("/api/v1/recordings/{}/metadata/{}", recording.id.to_string(), number)}});
    }
    return array;
}

Json session_of(const SessionStatus& session, WallTime now) {
    return {{"id", session.id.to_string()},
            {"call_id", session.call_id},
            {"from_uri", session.from_uri},
            {"to_uri", session.to_uri},
            {"user_agent", session.user_agent},
            {"source", session.source.to_string()},
            {"paused", session.paused},
            {"started", to_rfc3339(session.started)},
            {"duration_s", std::chrono::duration<double>(now - session.started).count()},
            {"streams", session.streams}};
}

}  // namespace siprec::server
