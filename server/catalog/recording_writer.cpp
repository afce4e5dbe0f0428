#include "catalog/recording_writer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

namespace {

using nlohmann::json;
using Row = std::vector<std::optional<std::string>>;  // none: NULL

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string without_nul(std::string text) {
    for (std::size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', at)) {
        text.replace(at, 1, kReplacement);
    }
    return text;
}

/// PostgreSQL takes neither invalid UTF-8 nor NUL; what an SRC sent can hold both, and must not
/// keep its recording out of the catalogue. The bytes as received are in the capture.
std::string as_text(const std::string& text) {
    const std::string quoted = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
    return without_nul(json::parse(quoted).get<std::string>());
}

/// Text that is searched for: an index entry holds 2704 bytes, and what an SRC sent can be longer.
/// The whole of it is in the document and in the capture.
std::string as_indexed(const std::string& text) {
    constexpr std::size_t kMost = 800;  // lower() may make it longer
    std::string kept = as_text(text);
    if (kept.size() > kMost) {
        std::size_t end = kMost;
        while (end > 0 && (static_cast<unsigned char>(kept[end]) & 0xC0U) == 0x80U) {
            --end;
        }
        kept.resize(end);
    }
    return kept;
}

json without_nul(const json& value) {
    if (value.is_string()) {
        return without_nul(value.get<std::string>());
    }
    if (value.is_array()) {
        json array = json::array();
        for (const json& element : value) {
            array.push_back(without_nul(element));
        }
        return array;
    }
    if (value.is_object()) {
        json object = json::object();
        for (const auto& [key, element] : value.items()) {
            object[without_nul(key)] = without_nul(element);
        }
        return object;
    }
    return value;
}

/// What does not parse is kept as a JSON string.
std::string as_jsonb(const std::string& text) {
    const json parsed = json::parse(text, nullptr, false);
    return without_nul(parsed.is_discarded() ? json(as_text(text)) : parsed).dump();
}

std::string as_jsonb(const std::vector<std::string>& texts) {
    json array = json::array();
    for (const std::string& text : texts) {
        array.push_back(as_text(text));
    }
    return array.dump();
}

std::optional<std::string> as_time(std::optional<WallTime> time) {
    return time ? std::optional(to_rfc3339(*time)) : std::nullopt;
}

template <typename Number>
std::optional<std::string> as_number(std::optional<Number> number) {
    return number ? std::optional(fmt::format("{}", *number)) : std::nullopt;
}

std::string as_bool(bool value) {
    return value ? "true" : "false";
}

/// Inserts rows that begin with the recording's id and their position.
class RowWriter {
  public:
    RowWriter(pqxx::transaction_base& transaction, const Uuid& recording)
        : transaction_(transaction), recording_(recording.to_string()) {}

    void insert(std::string_view table, std::size_t position, const Row& values) {
        std::string statement = fmt::format("INSERT INTO {} VALUES ($1, $2", table);
        for (std::size_t i = 0; i < values.size(); ++i) {
            statement += fmt::format(", ${}", i + 3);
        }
        statement += ")";
        transaction_.exec_params(
            statement, recording_, position, pqxx::prepare::make_dynamic_params(values));
    }

    void insert_document(std::size_t position, const MetadataRecord& document) {
        transaction_.exec_params(
            "INSERT INTO metadata_documents VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            recording_,
            position,
            to_rfc3339(document.received),
            as_text(document.method),
            as_text(document.content_type),
            pqxx::binarystring(document.document),
            document.usable,
            as_jsonb(document.findings_json));
    }

  private:
    pqxx::transaction_base& transaction_;
    std::string recording_;
};

/// Makes the index entry, and takes away what hangs on an earlier one. The row lock on the entry
/// keeps two writers of one recording apart.
void clear(pqxx::transaction_base& transaction, const RecordingRecord& recording) {
    const std::string id = recording.id.to_string();
    const std::string start = to_rfc3339(recording.start);
    transaction.exec_params("SELECT ensure_partition($1)", start);
    const pqxx::row indexed = transaction.exec_params1(
        "INSERT INTO recording_index AS i VALUES ($1, $2)"
        " ON CONFLICT (id) DO UPDATE SET id = i.id RETURNING started_at",
        id,
        start);
    // By the start it was entered with: that names the partition.
    transaction.exec_params("DELETE FROM recordings WHERE id = $1 AND started_at = $2",
                            id,
                            indexed[0].as<std::string>());
    transaction.exec_params("UPDATE recording_index SET started_at = $2 WHERE id = $1", id, start);
    for (const std::string_view table : {"cs_groups",
                                         "communication_sessions",
                                         "participants",
                                         "tracks",
                                         "track_owners",
                                         "associations",
                                         "segments",
                                         "artefacts",
                                         "metadata_documents",
                                         "telephone_events",
                                         "recording_fields",
                                         "recording_profiles",
                                         "track_voices"}) {
        transaction.exec_params(fmt::format("DELETE FROM {} WHERE recording_id = $1", table), id);
    }
}

void write_session(pqxx::transaction_base& transaction, const RecordingRecord& recording) {
    transaction.exec_params(
        "INSERT INTO recording_sessions VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (id) DO UPDATE SET call_id = excluded.call_id, src_uri = excluded.src_uri,"
        " src_address = excluded.src_address, src_user_agent = excluded.src_user_agent,"
        " to_uri = excluded.to_uri, headers = excluded.headers",
        recording.recording_session.to_string(),
        as_indexed(recording.call_id),
        as_text(recording.src_uri),
        as_text(recording.src_address),
        as_text(recording.src_user_agent),
        as_text(recording.to_uri),
        as_jsonb(recording.headers_json));
}

/// Joins the conversation that knows one of the keys, or begins one; several become one.
void join_conversation(pqxx::transaction_base& transaction, const RecordingRecord& recording) {
    if (recording.conversation_keys.empty()) {
        return;
    }
    json array = json::array();
    for (const std::string& key : recording.conversation_keys) {
        array.push_back(as_indexed(key));
    }
    const std::string keys = array.dump();
    // Two writers who each know half of a conversation must see each other's half.
    transaction.exec("SELECT pg_advisory_xact_lock(hashtext('siprec'), hashtext('conversations'))");
    const pqxx::result known = transaction.exec_params(
        "SELECT DISTINCT conversation_id FROM conversation_keys"
        " WHERE key IN (SELECT jsonb_array_elements_text($1::jsonb)) ORDER BY conversation_id",
        keys);
    const std::string conversation =
        known.empty() ? Uuid::derived(Uuid{}, recording.conversation_keys.front()).to_string()
                      : known[0][0].as<std::string>();
    for (const pqxx::row& row : known) {
        const auto other = row[0].as<std::string>();
        if (other != conversation) {
            for (const std::string_view table : {"conversation_keys", "recording_index"}) {
                transaction.exec_params(
                    fmt::format("UPDATE {} SET conversation_id = $2 WHERE conversation_id = $1",
                                table),
                    other,
                    conversation);
            }
        }
    }
    transaction.exec_params(
        "INSERT INTO conversation_keys SELECT jsonb_array_elements_text($1::jsonb), $2"
        " ON CONFLICT (key) DO NOTHING",
        keys,
        conversation);
    transaction.exec_params("UPDATE recording_index SET conversation_id = $2 WHERE id = $1",
                            recording.id.to_string(),
                            conversation);
}

void write_row(pqxx::transaction_base& transaction, const RecordingRecord& recording) {
    transaction.exec_params(
        "INSERT INTO recordings (id, started_at, ended_at, recording_session_id, state, duration_s,"
        " direction, end_cause, end_reason, verdict, reasons, extension, communication_session)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        recording.id.to_string(),
        to_rfc3339(recording.start),
        as_time(recording.end),
        recording.recording_session.to_string(),
        std::string(to_string(recording.state)),
        recording.duration_s,
        as_text(recording.direction),
        as_text(recording.end_cause),
        as_text(recording.end_reason),
        std::string(to_string(recording.verdict)),
        as_jsonb(recording.reasons),
        as_jsonb(recording.extension_json),
        as_text(recording.communication_session));
}

void write_metadata(RowWriter& rows, const RecordingRecord& recording) {
    for (std::size_t i = 0; i < recording.groups.size(); ++i) {
        const GroupRecord& group = recording.groups[i];
        rows.insert("cs_groups",
                    i,
                    {as_text(group.src_id),
                     as_time(group.associated),
                     as_time(group.disassociated),
                     as_jsonb(group.extension_json)});
    }
    for (std::size_t i = 0; i < recording.sessions.size(); ++i) {
        const CommunicationSessionRecord& session = recording.sessions[i];
        rows.insert("communication_sessions",
                    i,
                    {as_indexed(session.src_id),
                     as_text(session.group_src_id),
                     as_jsonb(session.sip_session_ids),
                     as_time(session.start_time),
                     as_time(session.stop_time),
                     as_jsonb(session.extension_json)});
    }
    for (std::size_t i = 0; i < recording.associations.size(); ++i) {
        const AssociationRecord& association = recording.associations[i];
        rows.insert("associations",
                    i,
                    {as_text(association.participant_src_id),
                     as_text(association.session_src_id),
                     as_text(association.stream_src_id),
                     to_rfc3339(association.from),
                     as_time(association.until),
                     as_bool(association.estimated),
                     as_bool(association.guess),
                     as_time(association.noted_from),
                     as_time(association.noted_until)});
    }
    for (std::size_t i = 0; i < recording.documents.size(); ++i) {
        rows.insert_document(i, recording.documents[i]);
    }
}

void write_participants(RowWriter& rows, const RecordingRecord& recording) {
    for (std::size_t i = 0; i < recording.participants.size(); ++i) {
        const ParticipantRecord& participant = recording.participants[i];
        rows.insert("participants",
                    i,
                    {as_text(participant.src_id),
                     as_indexed(participant.number),
                     as_jsonb(participant.extension_json)});
        for (std::size_t j = 0; j < participant.names.size(); ++j) {
            rows.insert("participant_names",
                        i,
                        {std::to_string(j),
                         as_indexed(participant.names[j].aor),
                         as_indexed(participant.names[j].name)});
        }
    }
}

void write_tracks(RowWriter& rows, const RecordingRecord& recording) {
    for (std::size_t i = 0; i < recording.tracks.size(); ++i) {
        const TrackRecord& track = recording.tracks[i];
        rows.insert("tracks",
                    i,
                    {track.id.to_string(),
                     std::to_string(track.media_index),
                     as_text(track.stream_src_id),
                     as_text(track.label),
                     as_text(track.media_type),
                     as_text(track.codec),
                     as_number(track.channel),
                     std::to_string(track.packets),
                     std::to_string(track.bytes),
                     std::to_string(track.lost),
                     std::to_string(track.duplicates),
                     std::to_string(track.ssrc_changes),
                     as_time(track.first_packet),
                     as_time(track.last_packet)});
    }
    std::size_t position = 0;
    for (const TrackRecord& track : recording.tracks) {
        for (const TrackOwnerRecord& owner : track.owners) {
            rows.insert("track_owners",
                        position++,
                        {track.id.to_string(),
                         as_text(owner.participant_src_id),
                         as_text(owner.stream_src_id),
                         to_rfc3339(owner.from),
                         as_time(owner.until),
                         as_bool(owner.guess)});
        }
    }
}

void write_media(RowWriter& rows, const RecordingRecord& recording) {
    for (std::size_t i = 0; i < recording.segments.size(); ++i) {
        const SegmentRecord& segment = recording.segments[i];
        rows.insert(
            "segments",
            i,
            {segment.track.to_string(), to_rfc3339(segment.from), to_rfc3339(segment.until)});
    }
    for (std::size_t i = 0; i < recording.artefacts.size(); ++i) {
        const ArtefactRecord& artefact = recording.artefacts[i];
        rows.insert("artefacts",
                    i,
                    {as_text(artefact.kind),
                     as_text(artefact.path),
                     as_text(artefact.media_type),
                     std::to_string(artefact.bytes),
                     as_text(artefact.sha256)});
    }
    for (std::size_t i = 0; i < recording.telephone_events.size(); ++i) {
        const TelephoneEventRecord& event = recording.telephone_events[i];
        rows.insert("telephone_events",
                    i,
                    {event.track.to_string(),
                     as_text(event.digit),
                     fmt::format("{}", event.offset_s),
                     fmt::format("{}", event.duration_s)});
    }
}

void write_interop(RowWriter& rows, const RecordingRecord& recording) {
    for (std::size_t i = 0; i < recording.fields.size(); ++i) {
        const FieldRecord& field = recording.fields[i];
        rows.insert("recording_fields",
                    i,
                    {as_indexed(field.name), as_indexed(field.value), as_text(field.source)});
    }
    for (std::size_t i = 0; i < recording.profiles.size(); ++i) {
        const ProfileRecord& profile = recording.profiles[i];
        rows.insert("recording_profiles", i, {as_text(profile.name), as_text(profile.reason)});
    }
    for (std::size_t i = 0; i < recording.voices.size(); ++i) {
        const VoiceRecord& voice = recording.voices[i];
        rows.insert("track_voices",
                    i,
                    {voice.track.to_string(),
                     as_text(voice.participant_src_id),
                     voice.role,
                     voice.certainty,
                     as_bool(voice.contradicted),
                     as_jsonb(voice.evidence_json)});
    }
}

}  // namespace

void write_recording(pqxx::transaction_base& transaction, const RecordingRecord& recording) {
    clear(transaction, recording);
    write_session(transaction, recording);
    write_row(transaction, recording);
    RowWriter rows(transaction, recording.id);
    write_metadata(rows, recording);
    write_participants(rows, recording);
    write_tracks(rows, recording);
    write_media(rows, recording);
    write_interop(rows, recording);
    // Last: its lock keeps other writers waiting.
    join_conversation(transaction, recording);
}

void write_capture(pqxx::transaction_base& transaction, const SessionCaptureRecord& capture) {
    transaction.exec_params(
        "INSERT INTO session_captures VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (recording_session_id, part) DO UPDATE SET ended_at = excluded.ended_at,"
        " path = excluded.path, bytes = excluded.bytes, sha256 = excluded.sha256",
        capture.recording_session.to_string(),
        capture.part,
        to_rfc3339(capture.ended),
        as_text(capture.path),
        capture.bytes,
        as_text(capture.sha256));
}

}  // namespace siprec::server
