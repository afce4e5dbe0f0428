#pragma once

// What a capture says beside its packets: the events of a recording session as journal entries. The
// live wing writes them, the archive wing reads them back; nothing else passes between the two.

#include <siprec/clock.hpp>
#include <siprec/pcapng.hpp>
#include <siprec/result.hpp>
#include <siprec/session.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace siprec::server {

/// Named in the comment of the section header; raised when a reader of the old form would go wrong.
inline constexpr std::string_view kCaptureFormat = "siprec-capture/1";

/// Interface 0 carries the SIP messages; each media stream has one of its own.
inline constexpr std::uint32_t kSipInterface = 0;

struct SessionStarted {
    SessionInfo session;
};

struct StreamOpened {
    std::uint32_t interface_id = 0;
    StreamInfo stream;
};

struct StreamChanged {
    StreamInfo stream;
};

struct StreamClosed {
    Uuid stream;
    StreamStats stats;
};

struct MetadataReceived {
    std::string document;  ///< the bytes as received
    std::string content_type;
    std::string method;
    bool usable = true;
    bool repeated = false;  ///< the last one of the part before, for completeness
};

struct SessionEnded {
    std::string cause;  ///< EndCause as text, or kInterrupted
    std::string reason;
};

/// The cause that recovery writes for a session whose server was killed.
inline constexpr std::string_view kInterrupted = "interrupted";

/// Packets that were received and could not be written.
struct Gap {
    WallTime from;
    WallTime until;
    std::uint64_t packets = 0;
};

/// A SIP message too long for the datagram that stands for it, whole.
struct LongSipMessage {
    std::string bytes;
};

/// Second entry of a further part of a capture: what was known when it began, so that it needs no
/// earlier part.
struct CaptureContinued {
    std::uint32_t part = 2;
    std::string tracker;   ///< SessionTracker::to_json
    std::string document;  ///< the metadata as one complete document; empty: none had come
};

/// Last entry of a part that another one follows.
struct CaptureRotated {
    std::uint32_t next_part = 2;
};

using EventBody = std::variant<SessionStarted,
                               StreamOpened,
                               StreamChanged,
                               StreamClosed,
                               MetadataReceived,
                               SessionEnded,
                               Gap,
                               LongSipMessage,
                               CaptureContinued,
                               CaptureRotated>;

struct Event {
    WallTime time;
    EventBody body;
};

void append_event(std::vector<std::byte>& out, const Event& event);

/// @return nothing for a journal entry that is no event of ours or of a kind this version does not
/// know;
///         Malformed when it is one and contradicts itself
[[nodiscard]] Result<std::optional<Event>> read_event(const pcapng::JournalEntry& entry);

}  // namespace siprec::server
