#pragma once

#include "recorder/media_session.hpp"
#include "recorder/peer.hpp"
#include "session/recording_session.hpp"
#include "session/session_timer.hpp"
#include "sip/message.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace siprec::recorder {

/// Something that we want of a client within a session.
struct Wish {
    enum class Kind : std::uint8_t { Offer, Snapshot, Refresh, Probe, Picture };
    using Done = std::function<void(Result<void>)>;

    Kind kind = Kind::Offer;
    session::RecordingSession::Wish offer = session::RecordingSession::Wish::Pause;
    std::size_t media_index = 0;  // Offer that drops a stream
    std::string reason;           // Snapshot
    Done done;                    // may be empty
    SteadyTime not_before;
    int attempts = 0;
};

/// What brought a change: the SIP method, and when it arrived.
struct Origin {
    std::string method;
    WallTime time;
};

/// One session as the SIP thread sees it.
struct LiveSession {
    sip::DialogId dialog{};
    std::shared_ptr<const SessionInfo> info;
    session::RecordingSession machine;
    session::SessionTimer timer;
    Peer peer{};
    // Shared with the tasks on their way to its media thread, which alone touches what is in it.
    std::shared_ptr<MediaSession> media;
    std::uint32_t thread = 0;
    std::optional<SteadyTime> next_check{};  // its entry among the deadlines
    std::deque<Wish> wishes{};               // the first one is under way when `asking`
    bool asking = false;                     // one request of ours at a time (RFC 3261 14.1)
    bool has_baseline = false;               // a complete metadata document has come
    bool snapshot_asked = false;             // by ourselves: once in a session (RFC 7866 9.2)
    bool acknowledged = false;
    bool ended = false;  // over; kept for the last messages of its dialog
};

}  // namespace siprec::recorder
