#pragma once

#include <chrono>
#include <cstdint>

namespace siprec {

/// What was received on one media stream, all SSRCs together, since it opened.
struct StreamStats {
    std::uint64_t packets = 0;     ///< RTP packets handed to the sinks
    std::uint64_t bytes = 0;       ///< of those, RTP header included
    std::uint64_t duplicates = 0;  ///< same SSRC and sequence again; handed on all the same
    std::uint64_t reordered = 0;   ///< arrived after a later sequence number
    std::int64_t lost = 0;         ///< expected minus received (RFC 3550 A.3); may be < 0
    std::uint64_t ssrc_changes = 0;
    std::uint64_t unknown_payload = 0;  ///< payload type not in the answer; handed on all the same
    std::uint64_t dropped_malformed = 0;  ///< not RTP, not RTCP
    std::uint64_t dropped_stranger = 0;   ///< from another source after the stream was latched
    std::uint64_t dropped_inactive = 0;   ///< arrived while the stream was inactive
    std::uint64_t dropped_auth = 0;  ///< SRTP or SRTCP that is not authentic, or came without keys
    std::uint64_t dropped_replay = 0;  ///< SRTP or SRTCP that came before, or far too late
    std::uint64_t rtcp_packets = 0;
    std::chrono::nanoseconds jitter{0};  ///< interarrival jitter of the current SSRC (RFC 3550 A.8)
};

/// Counters of a whole recorder since it started, unless stated otherwise.
struct RecorderStats {
    std::uint64_t sessions_active = 0;  ///< now
    std::uint64_t streams_active = 0;   ///< now
    std::uint64_t sessions_started = 0;
    std::uint64_t sessions_refused = 0;
    std::uint64_t sessions_ended = 0;
    std::uint64_t sip_requests = 0;
    std::uint64_t sip_malformed = 0;
    std::uint64_t sip_overloaded = 0;        ///< INVITEs that got 503 because we are behind
    std::uint64_t sip_limited = 0;           ///< dropped, because their source sends nothing useful
    std::uint64_t sip_sources = 0;           ///< now under watch for that
    std::uint64_t sip_challenged = 0;        ///< 401
    std::chrono::microseconds sip_delay{0};  ///< now: how long a message waits for the SIP thread
    std::uint64_t tls_connections = 0;       ///< now
    std::uint64_t tls_handshakes_failed = 0;
    std::uint64_t tls_refused = 0;  ///< connections over a ceiling
    std::uint64_t metadata_documents = 0;
    std::uint64_t metadata_unusable = 0;  ///< kept, but could not be parsed
    std::uint64_t ports_in_use = 0;       ///< now; RTP/RTCP port pairs
    std::uint64_t ports_total = 0;
    StreamStats media;  ///< summed over all streams, closed ones included; jitter is 0
};

}  // namespace siprec
