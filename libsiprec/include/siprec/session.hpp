#pragma once

#include <siprec/clock.hpp>
#include <siprec/metadata.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>
#include <siprec/uuid.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec {

/// How an INVITE showed that it starts a recording session (reference: vendor quirks, section 1).
struct SiprecEvidence {
    bool require_tag = false;    ///< `Require: siprec`
    bool supported_tag = false;  ///< `Supported: siprec`: a hint only
    bool contact_tag = false;    ///< `+sip.src` (or `src`) on the Contact
    bool metadata_part = false;  ///< a recording-session body part

    /// RFC 7866 6.2: option tag and feature tag.
    [[nodiscard]] bool is_strict() const noexcept { return require_tag && contact_tag; }

    [[nodiscard]] bool is_any() const noexcept {
        return require_tag || contact_tag || metadata_part;
    }
};

/// What is known of a recording session (RS) when its INVITE arrives. *Immutable* value.
struct SessionInfo {
    Uuid id;  ///< ours, random
    std::string call_id;
    std::string from_uri;  ///< the SRC's
    std::string from_display;
    std::string to_uri;
    std::string request_uri;
    std::string contact_uri;  ///< empty when the Contact does not parse
    std::string user_agent;
    std::vector<std::pair<std::string, std::string>> headers;  ///< of the INVITE, all, in order
    Transport transport = Transport::Udp;
    Endpoint source;  ///< where the INVITE came from
    Endpoint local;   ///< where it arrived
    SiprecEvidence evidence;
    bool record_aware = false;     ///< `record-aware` in Supported (RFC 7866 6.3)
    bool started_by_us = false;    ///< the INVITE was ours; `headers` are those of its answer
    std::optional<Uuid> replaces;  ///< the session that this one took over (RFC 3891)
    WallTime started;              ///< arrival of the INVITE
};

/// One SIP message of the session, as received or as sent. A view, valid during the call.
struct SipMessage {
    std::string_view bytes;  ///< SDES keys blanked
    bool sent = false;       ///< false: received
    Transport transport = Transport::Udp;
    Endpoint local;
    Endpoint remote;
    WallTime time;
};

/// A metadata document of the session has arrived and has been merged. A view, valid during the
/// call.
struct MetadataEvent {
    std::string_view document;      ///< the bytes as received
    std::string_view content_type;  ///< as written
    std::string_view method;  ///< the SIP method that carried it: "INVITE", "UPDATE", "BYE", ...
    WallTime received;
    const Result<metadata::ParsedDocument>& parsed;  ///< or why it could not be read
    const metadata::State& state;                    ///< after the merge
};

/// Why a session ended.
enum class EndCause : std::uint8_t {
    Bye,             ///< the SRC hung up
    Cancelled,       ///< the SRC gave up before the answer was acknowledged
    NoAck,           ///< our 200 was never acknowledged
    LocalStop,       ///< the program asked for it
    Shutdown,        ///< the recorder stopped
    MediaTimeout,    ///< no media on any active stream for the configured time
    Replaced,        ///< another INVITE took its place (RFC 3891)
    Failed,          ///< a defect of ours; the log says which
    SessionTimeout,  ///< the SRC did not refresh it, or knows it no more (RFC 4028 10)
};

/// "bye", "cancelled", "no-ack", "local-stop", "shutdown", "media-timeout", "replaced", "failed",
/// "session-timeout".
[[nodiscard]] SIPREC_EXPORT std::string_view to_string(EndCause cause) noexcept;

struct SessionEnd {
    EndCause cause = EndCause::Bye;
    std::string reason;  ///< text of the Reason header, or what the program gave
    WallTime time;
};

/// One running session, for status displays. A copy.
struct SessionStatus {
    Uuid id;
    std::string call_id;
    std::string from_uri;
    std::string to_uri;
    std::string user_agent;
    Endpoint source;
    WallTime started;
    std::uint32_t streams = 0;
    bool paused = false;  ///< by us: see `Recorder::pause`
};

}  // namespace siprec
