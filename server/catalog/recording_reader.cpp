#include "catalog/recording_reader.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>

namespace siprec::server {

namespace {

/// A column of type timestamptz as microseconds since 1970.
std::string us(std::string_view column) {
    return fmt::format("(extract(epoch FROM {}) * 1000000)::bigint", column);
}

WallTime time_of(const pqxx::field& field) {
    return WallTime{std::chrono::microseconds(field.as<std::int64_t>())};
}

std::optional<WallTime> optional_time_of(const pqxx::field& field) {
    return field.is_null() ? std::nullopt : std::optional(time_of(field));
}

std::string text_of(const pqxx::field& field) {
    return field.as<std::string>();
}

std::vector<std::string> texts_of(const pqxx::field& field) {
    const auto array = nlohmann::json::parse(text_of(field), nullptr, false);
    std::vector<std::string> texts;
    for (const auto& element : array) {
        if (element.is_string()) {
            texts.push_back(element.get<std::string>());
        }
    }
    return texts;
}

Uuid uuid_of(const pqxx::field& field) {
    return Uuid::parse(text_of(field)).value_or(Uuid{});
}

/// The enumerator whose to_string() is `text`; the first of them when a newer server wrote another.
template <typename Enum, std::size_t n>
Enum enum_of(const pqxx::field& field, const std::array<Enum, n>& all) {
    const std::string text = text_of(field);
    for (const Enum one : all) {
        if (to_string(one) == text) {
            return one;
        }
    }
    return all.front();
}

RecordingState state_of(const pqxx::field& field) {
    return enum_of(field,
                   std::array{RecordingState::Recording,
                              RecordingState::Finalizing,
                              RecordingState::Stored,
                              RecordingState::Partial,
                              RecordingState::Discarded});
}

Verdict verdict_of(const pqxx::field& field) {
    return enum_of(field,
                   std::array{Verdict::Unknown, Verdict::Good, Verdict::Degraded, Verdict::Failed});
}

std::string recording_columns() {
    return fmt::format(
        "r.id, r.recording_session_id, r.state, {} AS start, {} AS stop, r.duration_s, r.direction,"
        " s.src_uri, s.src_address, s.src_user_agent, s.call_id, s.to_uri, s.headers, r.end_cause,"
        " r.end_reason, r.verdict, r.reasons, r.extension, r.communication_session,"
        " i.conversation_id",
        us("r.started_at"),
        us("r.ended_at"));
}

RecordingRecord recording_of(const pqxx::row& row) {
    RecordingRecord recording;
    recording.id = uuid_of(row["id"]);
    recording.recording_session = uuid_of(row["recording_session_id"]);
    recording.state = state_of(row["state"]);
    recording.start = time_of(row["start"]);
    recording.end = optional_time_of(row["stop"]);
    recording.duration_s = row["duration_s"].as<double>();
    recording.direction = text_of(row["direction"]);
    recording.src_uri = text_of(row["src_uri"]);
    recording.src_address = text_of(row["src_address"]);
    recording.src_user_agent = text_of(row["src_user_agent"]);
    recording.call_id = text_of(row["call_id"]);
    recording.to_uri = text_of(row["to_uri"]);
    recording.headers_json = text_of(row["headers"]);
    recording.end_cause = text_of(row["end_cause"]);
    recording.end_reason = text_of(row["end_reason"]);
    recording.verdict = verdict_of(row["verdict"]);
    recording.reasons = texts_of(row["reasons"]);
    recording.extension_json = text_of(row["extension"]);
    recording.communication_session = text_of(row["communication_session"]);
    if (!row["conversation_id"].is_null()) {
        recording.conversation = uuid_of(row["conversation_id"]);
    }
    return recording;
}

/// `{id,id}`, an array literal. Ids need no quoting.
std::string array_of_ids(const std::vector<RecordingRecord>& recordings) {
    std::string ids;
    for (const RecordingRecord& recording : recordings) {
        ids += (ids.empty() ? "" : ",") + recording.id.to_string();
    }
    return "{" + ids + "}";
}

using ById = std::unordered_map<std::string, RecordingRecord*>;

void read_participants(pqxx::transaction_base& transaction,
                       const std::string& ids,
                       const ById& recordings) {
    const pqxx::result rows = transaction.exec_params(
        "SELECT p.recording_id, p.position, p.src_id, p.number, p.extension, n.aor, n.name"
        " FROM participants p LEFT JOIN participant_names n"
        " ON n.recording_id = p.recording_id AND n.participant_position = p.position"
        " WHERE p.recording_id = ANY ($1::uuid[]) ORDER BY p.recording_id, p.position, n.position",
        ids);
    for (const pqxx::row& row : rows) {
        auto& participants = recordings.at(text_of(row["recording_id"]))->participants;
        // One row a name: a new position is a new participant.
        if (row["position"].as<std::size_t>() == participants.size()) {
            participants.push_back({.src_id = text_of(row["src_id"]),
                                    .names = {},
                                    .number = text_of(row["number"]),
                                    .extension_json = text_of(row["extension"])});
        }
        if (!row["aor"].is_null()) {
            participants.back().names.push_back(
                {.aor = text_of(row["aor"]), .name = text_of(row["name"])});
        }
    }
}

void read_tracks(pqxx::transaction_base& transaction,
                 const std::string& ids,
                 const ById& recordings) {
    const pqxx::result rows = transaction.exec_params(
        fmt::format("SELECT recording_id, id, media_index, stream_src_id, label, media_type, codec,"
                    " channel, packets, bytes, lost, duplicates, ssrc_changes, {} AS first,"
                    " {} AS last FROM tracks WHERE recording_id = ANY ($1::uuid[])"
                    " ORDER BY recording_id, position",
                    us("first_packet_at"),
                    us("last_packet_at")),
        ids);
    for (const pqxx::row& row : rows) {
        TrackRecord track;
        track.id = uuid_of(row["id"]);
        track.media_index = row["media_index"].as<std::uint32_t>();
        track.stream_src_id = text_of(row["stream_src_id"]);
        track.label = text_of(row["label"]);
        track.media_type = text_of(row["media_type"]);
        track.codec = text_of(row["codec"]);
        if (!row["channel"].is_null()) {
            track.channel = row["channel"].as<std::uint32_t>();
        }
        track.packets = row["packets"].as<std::uint64_t>();
        track.bytes = row["bytes"].as<std::uint64_t>();
        track.lost = row["lost"].as<std::int64_t>();
        track.duplicates = row["duplicates"].as<std::uint64_t>();
        track.ssrc_changes = row["ssrc_changes"].as<std::uint64_t>();
        track.first_packet = optional_time_of(row["first"]);
        track.last_packet = optional_time_of(row["last"]);
        recordings.at(text_of(row["recording_id"]))->tracks.push_back(std::move(track));
    }
}

void read_interop(pqxx::transaction_base& transaction,
                  const std::string& ids,
                  const ById& recordings) {
    for (const pqxx::row& row : transaction.exec_params(
             "SELECT recording_id, name, value, source FROM recording_fields"
             " WHERE recording_id = ANY ($1::uuid[]) ORDER BY recording_id, position",
             ids)) {
        recordings.at(text_of(row[0]))
            ->fields.push_back(
                {.name = text_of(row[1]), .value = text_of(row[2]), .source = text_of(row[3])});
    }
    for (const pqxx::row& row : transaction.exec_params(
             "SELECT recording_id, name, reason FROM recording_profiles"
             " WHERE recording_id = ANY ($1::uuid[]) ORDER BY recording_id, position",
             ids)) {
        recordings.at(text_of(row[0]))
            ->profiles.push_back({.name = text_of(row[1]), .reason = text_of(row[2])});
    }
    for (const pqxx::row& row : transaction.exec_params(
             "SELECT recording_id, track_id, participant_src_id, role, certainty, contradicted,"
             " evidence FROM track_voices"
             " WHERE recording_id = ANY ($1::uuid[]) ORDER BY recording_id, position",
             ids)) {
        recordings.at(text_of(row[0]))
            ->voices.push_back({.track = uuid_of(row[1]),
                                .participant_src_id = text_of(row[2]),
                                .role = text_of(row[3]),
                                .certainty = text_of(row[4]),
                                .contradicted = row[5].as<bool>(),
                                .evidence_json = text_of(row[6])});
    }
}

void read_groups(pqxx::transaction_base& transaction, RecordingRecord& recording) {
    const pqxx::result rows =
        transaction.exec_params(fmt::format("SELECT src_id, {}, {}, extension FROM cs_groups"
                                            " WHERE recording_id = $1 ORDER BY position",
                                            us("associated_at"),
                                            us("disassociated_at")),
                                recording.id.to_string());
    for (const pqxx::row& row : rows) {
        recording.groups.push_back({.src_id = text_of(row[0]),
                                    .associated = optional_time_of(row[1]),
                                    .disassociated = optional_time_of(row[2]),
                                    .extension_json = text_of(row[3])});
    }
}

void read_sessions(pqxx::transaction_base& transaction, RecordingRecord& recording) {
    const pqxx::result rows = transaction.exec_params(
        fmt::format("SELECT src_id, group_src_id, sip_session_ids, {}, {}, extension"
                    " FROM communication_sessions WHERE recording_id = $1 ORDER BY position",
                    us("started_at"),
                    us("stopped_at")),
        recording.id.to_string());
    for (const pqxx::row& row : rows) {
        recording.sessions.push_back({.src_id = text_of(row[0]),
                                      .group_src_id = text_of(row[1]),
                                      .sip_session_ids = texts_of(row[2]),
                                      .start_time = optional_time_of(row[3]),
                                      .stop_time = optional_time_of(row[4]),
                                      .extension_json = text_of(row[5])});
    }
}

void read_associations(pqxx::transaction_base& transaction, RecordingRecord& recording) {
    const pqxx::result rows = transaction.exec_params(
        fmt::format("SELECT participant_src_id, session_src_id, stream_src_id, {}, {}, estimated,"
                    " guess, {}, {} FROM associations WHERE recording_id = $1 ORDER BY position",
                    us("associated_at"),
                    us("disassociated_at"),
                    us("noted_from"),
                    us("noted_until")),
        recording.id.to_string());
    for (const pqxx::row& row : rows) {
        recording.associations.push_back({.participant_src_id = text_of(row[0]),
                                          .session_src_id = text_of(row[1]),
                                          .stream_src_id = text_of(row[2]),
                                          .from = time_of(row[3]),
                                          .until = optional_time_of(row[4]),
                                          .estimated = row[5].as<bool>(),
                                          .guess = row[6].as<bool>(),
                                          .noted_from = optional_time_of(row[7]),
                                          .noted_until = optional_time_of(row[8])});
    }
}

void read_owners(pqxx::transaction_base& transaction,
                 const std::string& ids,
                 const ById& recordings) {
    const pqxx::result rows = transaction.exec_params(
        fmt::format("SELECT recording_id, track_id, participant_src_id, stream_src_id, {}, {},"
                    " guess FROM track_owners WHERE recording_id = ANY ($1::uuid[])"
                    " ORDER BY recording_id, position",
                    us("started_at"),
                    us("ended_at")),
        ids);
    for (const pqxx::row& row : rows) {
        for (TrackRecord& track : recordings.at(text_of(row[0]))->tracks) {
            if (track.id == uuid_of(row[1])) {
                track.owners.push_back({.participant_src_id = text_of(row[2]),
                                        .stream_src_id = text_of(row[3]),
                                        .from = time_of(row[4]),
                                        .until = optional_time_of(row[5]),
                                        .guess = row[6].as<bool>()});
            }
        }
    }
}

void read_segments(pqxx::transaction_base& transaction, RecordingRecord& recording) {
    const pqxx::result rows = transaction.exec_params(
        fmt::format(
            "SELECT track_id, {}, {} FROM segments WHERE recording_id = $1 ORDER BY position",
            us("started_at"),
            us("ended_at")),
        recording.id.to_string());
    for (const pqxx::row& row : rows) {
        recording.segments.push_back(
            {.track = uuid_of(row[0]), .from = time_of(row[1]), .until = time_of(row[2])});
    }
}

void read_artefacts(pqxx::transaction_base& transaction,
                    const std::string& ids,
                    const ById& by_id) {
    const pqxx::result rows = transaction.exec_params(
        "SELECT recording_id, kind, path, media_type, bytes, sha256 FROM artefacts"
        " WHERE recording_id = ANY ($1::uuid[]) ORDER BY recording_id, position",
        ids);
    for (const pqxx::row& row : rows) {
        by_id.at(text_of(row[0]))
            ->artefacts.push_back({.kind = text_of(row[1]),
                                   .path = text_of(row[2]),
                                   .media_type = text_of(row[3]),
                                   .bytes = row[4].as<std::uint64_t>(),
                                   .sha256 = text_of(row[5])});
    }
}

void read_documents(pqxx::transaction_base& transaction, RecordingRecord& recording) {
    const pqxx::result rows = transaction.exec_params(
        fmt::format("SELECT {}, method, content_type, document, usable, findings"
                    " FROM metadata_documents WHERE recording_id = $1 ORDER BY position",
                    us("received_at")),
        recording.id.to_string());
    for (const pqxx::row& row : rows) {
        recording.documents.push_back({.received = time_of(row[0]),
                                       .method = text_of(row[1]),
                                       .content_type = text_of(row[2]),
                                       .document = pqxx::binarystring(row[3]).str(),
                                       .usable = row[4].as<bool>(),
                                       .findings_json = text_of(row[5])});
    }
}

void read_events(pqxx::transaction_base& transaction, RecordingRecord& recording) {
    const pqxx::result rows = transaction.exec_params(
        "SELECT track_id, digit, offset_s, duration_s FROM telephone_events"
        " WHERE recording_id = $1 ORDER BY position",
        recording.id.to_string());
    for (const pqxx::row& row : rows) {
        recording.telephone_events.push_back({.track = uuid_of(row[0]),
                                              .digit = text_of(row[1]),
                                              .offset_s = row[2].as<double>(),
                                              .duration_s = row[3].as<double>()});
    }
}

}  // namespace

std::vector<RecordingRecord> read_recordings(pqxx::transaction_base& transaction,
                                             const ListSql& conditions) {
    const pqxx::result rows =
        transaction.exec_params(fmt::format("SELECT {} FROM recordings r JOIN recording_sessions s"
                                            " ON s.id = r.recording_session_id"
                                            " JOIN recording_index i ON i.id = r.id{}",
                                            recording_columns(),
                                            conditions.text),
                                pqxx::prepare::make_dynamic_params(conditions.parameters));
    std::vector<RecordingRecord> recordings;
    for (const pqxx::row& row : rows) {
        recordings.push_back(recording_of(row));
    }
    if (recordings.empty()) {
        return recordings;
    }
    ById by_id;
    for (RecordingRecord& recording : recordings) {
        by_id.emplace(recording.id.to_string(), &recording);
    }
    const std::string ids = array_of_ids(recordings);
    read_participants(transaction, ids, by_id);
    read_tracks(transaction, ids, by_id);
    read_owners(transaction, ids, by_id);
    read_artefacts(transaction, ids, by_id);
    read_interop(transaction, ids, by_id);
    return recordings;
}

std::optional<RecordingRecord> read_recording(pqxx::transaction_base& transaction, const Uuid& id) {
    // The start is looked up first: it names the one partition to read.
    auto found =
        read_recordings(transaction,
                        {.text = " WHERE r.id = $1 AND r.started_at ="
                                 " (SELECT i.started_at FROM recording_index i WHERE i.id = $1)",
                         .parameters = {id.to_string()}});
    if (found.empty()) {
        return std::nullopt;
    }
    RecordingRecord& recording = found.front();
    read_groups(transaction, recording);
    read_sessions(transaction, recording);
    read_associations(transaction, recording);
    read_segments(transaction, recording);
    read_documents(transaction, recording);
    read_events(transaction, recording);
    return std::move(recording);
}

}  // namespace siprec::server
