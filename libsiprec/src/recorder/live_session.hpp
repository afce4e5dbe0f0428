#pragma once

#include "recorder/media_session.hpp"
#include "session/recording_session.hpp"

#include <cstdint>
#include <memory>

namespace siprec::recorder {

/// One session as the SIP thread sees it.
struct LiveSession {
    std::shared_ptr<const SessionInfo> info;
    session::RecordingSession machine;
    // Shared with the tasks on their way to its media thread, which alone touches what is in it.
    std::shared_ptr<MediaSession> media;
    std::uint32_t thread = 0;
    bool acknowledged = false;
    bool ended = false;  // over; kept for the last messages of its dialog
};

}  // namespace siprec::recorder
