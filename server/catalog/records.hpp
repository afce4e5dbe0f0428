#pragma once

// What the catalogue keeps of a recording: plain values between the archive wing, which fills them
// from a capture, and the API, which shows them.

#include <siprec/clock.hpp>
#include <siprec/metadata.hpp>
#include <siprec/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

enum class RecordingState : std::uint8_t { Recording, Finalizing, Stored, Partial, Discarded };

/// "recording", "finalizing", "stored", "partial", "discarded".
[[nodiscard]] std::string_view to_string(RecordingState state) noexcept;

enum class Verdict : std::uint8_t { Unknown, Good, Degraded, Failed };

/// "unknown" (still recording), "good", "degraded", "failed".
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

struct NameRecord {
    std::string aor;  // as the SRC wrote it
    std::string name;
};

struct ParticipantRecord {
    std::string src_id;  // participant_id; generated "unknown-N" for a track that nobody claims
    std::vector<NameRecord> names;
    std::string
        number;  // normalised copy of the first AOR for search: user part, without separators
    std::string extension_json = "[]";  // XmlElement trees as JSON
};

struct GroupRecord {
    std::string src_id;
    std::optional<WallTime> associated;
    std::optional<WallTime> disassociated;
    std::string extension_json = "[]";
};

struct CommunicationSessionRecord {
    std::string src_id;
    std::string group_src_id;  // empty: none
    std::vector<std::string> sip_session_ids;
    std::optional<WallTime> start_time;
    std::optional<WallTime> stop_time;
    std::string extension_json = "[]";
};

/// Who sent a track, from when to when by our own clock.
struct TrackOwnerRecord {
    std::string participant_src_id;
    std::string stream_src_id;  // metadata stream_id
    WallTime from;
    std::optional<WallTime> until;
    bool guess = false;
};

/// A media stream on record.
struct TrackRecord {
    Uuid id;  // StreamInfo::id
    std::uint32_t media_index = 0;
    std::string stream_src_id;  // metadata stream_id, the last; empty: no document names the label
    std::string label;
    std::string media_type;  // "audio", ...
    std::string codec;       // encodings seen, "PCMU", "PCMU,OPUS"; with those that have no decoder
    std::optional<std::uint32_t> channel;  // in the rendered WAV, from 0; none: not rendered
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::int64_t lost = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t ssrc_changes = 0;
    std::optional<WallTime> first_packet;
    std::optional<WallTime> last_packet;
    std::vector<TrackOwnerRecord> owners{};  // in order of time
};

/// Who was in which CS, or sent which stream, from when to when.
struct AssociationRecord {
    std::string participant_src_id;
    std::string session_src_id;  // set: participant in CS
    std::string stream_src_id;   // set: participant sends stream
    WallTime from;
    std::optional<WallTime> until;
    bool estimated = false;
    bool guess = false;
    // The same by our own clock: when the documents arrived that said so, within the recording.
    std::optional<WallTime> noted_from{};
    std::optional<WallTime> noted_until{};
};

/// A stretch in which a track was on record (hold, pause and stream changes cut).
struct SegmentRecord {
    Uuid track;
    WallTime from;
    WallTime until;
};

struct ArtefactRecord {
    std::string kind;        // "capture", "wav", "video", "text"
    std::string path;        // below the store's root
    std::string media_type;  // "audio/wav", "video/x-matroska", "application/x-pcapng"
    std::uint64_t bytes = 0;
    std::string sha256;  // hex
};

/// A metadata document as received.
struct MetadataRecord {
    WallTime received;
    std::string method;  // SIP method that carried it
    std::string content_type;
    std::string document;  // the bytes
    bool usable = true;
    std::string findings_json = "[]";
};

struct TelephoneEventRecord {
    Uuid track;
    std::string digit;    // "0" to "9", "*", "#", "A" to "D", or "event-16"
    double offset_s = 0;  // from the start of the recording
    double duration_s = 0;
};

/// A value that an interop profile lifted out of headers or extension data.
struct FieldRecord {
    std::string name;
    std::string value;
    std::string source;  // "oracle: element ucid under session"
};

/// An interop profile that applied, and why.
struct ProfileRecord {
    std::string name;
    std::string reason;
};

/// Whose voice a track carries.
struct VoiceRecord {
    Uuid track;
    std::string participant_src_id;
    std::string role;                  // "recorded", "remote", "calling", "called" or empty
    std::string certainty;             // "certain", "likely", "guess"
    bool contradicted = false;         // other evidence names somebody else
    std::string evidence_json = "[]";  // [{"kind","participant","detail"}]
};

struct RecordingRecord {
    Uuid id;
    Uuid recording_session;             // RS
    std::string communication_session;  // CS as the SRC names it; empty: the RS named none
    std::optional<Uuid> conversation;   // given by the catalogue
    std::vector<std::string>
        conversation_keys;  // recordings that share one are of one conversation
    RecordingState state = RecordingState::Recording;
    WallTime start;               // first media; while there is none: the INVITE
    std::optional<WallTime> end;  // none while it runs
    double duration_s = 0;        // of the audio
    std::string direction;        // "inbound", "outbound", "unknown"; seen from the recorded party
    std::string src_uri;          // From of the INVITE
    std::string src_address;      // where it came from
    std::string src_user_agent;
    std::string call_id;
    std::string to_uri;
    std::string headers_json = "{}";  // of the INVITE
    std::string end_cause;            // EndCause as text; "interrupted" when the server was killed
    std::string end_reason;
    Verdict verdict = Verdict::Unknown;
    std::vector<std::string> reasons;  // machine-readable: "stream-silent", "truncated", ...
    std::string extension_json = "[]";
    std::vector<GroupRecord> groups;
    std::vector<CommunicationSessionRecord> sessions;
    std::vector<ParticipantRecord> participants;
    std::vector<TrackRecord> tracks;
    std::vector<AssociationRecord> associations;
    std::vector<SegmentRecord> segments;
    std::vector<ArtefactRecord> artefacts;
    std::vector<MetadataRecord> documents;
    std::vector<TelephoneEventRecord> telephone_events;
    std::vector<FieldRecord> fields;      // each name and value once, best source first
    std::vector<ProfileRecord> profiles;  // by rank
    std::vector<VoiceRecord> voices;
};

/// A part of a session's capture in which no communication session was on record.
struct SessionCaptureRecord {
    Uuid recording_session;
    std::uint32_t part = 0;
    WallTime ended;
    std::string path;  // below the store's root
    std::uint64_t bytes = 0;
    std::string sha256;  // hex
};

}  // namespace siprec::server
