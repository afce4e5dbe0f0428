#pragma once

#include "archive/capture_digest.hpp"
#include "catalog/records.hpp"

#include <siprec/uuid.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

/// One file in `captures/`.
struct CapturePart {
    std::string name;
    bool is_played = false;
    bool is_damaged = false;
    bool is_claimed = false;  ///< some recording has it among its artefacts
    std::string unreadable;   ///< why it goes to `failed/`; empty: it does not
};

/// Which recording: that of a stay, or that of the whole session.
struct StayName {
    std::string session_id;
    std::uint32_t number = 0;  ///< 0: the session's
};

/// A recording that is rendered and stored, and not yet in the catalogue.
struct PendingRecording {
    RecordingRecord record;
    StayName stay;
};

/// One session on its way into store and catalogue. What is not here is on disk: a job that is
/// forgotten (the process was killed) is found again in `captures/` and ends the same.
struct SessionJob {
    Uuid session;
    std::map<std::uint32_t, CapturePart> parts;
    std::unique_ptr<CaptureDigest> digest;  ///< of the parts played
    std::uint32_t first_part = 0;           ///< the first one that was played
    std::optional<PendingRecording> pending;
    bool is_session_entered = false;  ///< the recording of a session without CS

    /// The next part to play; null: there is none yet.
    [[nodiscard]] CapturePart* next_part();

    /// The last part that was played; the digest has one.
    [[nodiscard]] const CapturePart& last_played() const;

    /// A stay that is over; null: none.
    [[nodiscard]] const SessionStay* finished_stay() const;

    /// The session named no CS and is over: it is one recording.
    [[nodiscard]] bool is_session_due() const;

    /// The session goes on in another part, and takes nothing along from those that were played.
    [[nodiscard]] bool is_between_recordings() const;

    /// Nothing that is in this part is needed by a recording to come.
    [[nodiscard]] bool is_done_with(std::uint32_t part) const;
};

}  // namespace siprec::server
