#pragma once

// From what a capture says to the record of its recording. No file, no clock, no database.

#include "archive/capture_digest.hpp"
#include "archive/verdict.hpp"
#include "catalog/records.hpp"
#include "render/wav_renderer.hpp"

#include <siprec/codec.hpp>

namespace siprec::server {

/// The recording of a session that names no CS, and of the first that it names: the same however
/// often its capture is archived.
[[nodiscard]] Uuid recording_id(const Uuid& recording_session);

/// The recording of a stay.
[[nodiscard]] Uuid recording_id(const Uuid& recording_session, const SessionStay& stay);

/// The record of a recording that is still running, or waits for the end of its capture: state
/// `recording` or `finalizing`, no verdict; of many documents the last.
/// @param digest  has a session
/// @param stay    null: the session names no CS
[[nodiscard]] RecordingRecord build_running_record(const CaptureDigest& digest,
                                                   const SessionStay* stay);

/// The record of a recording that is over, and what to render.
struct BuiltRecord {
    RecordingRecord
        record;       ///< without artefacts; verdict and duration come with `complete_record`
    RenderPlan plan;  ///< without tracks when there is nothing to render
    Evidence evidence;
    std::vector<TrackDigest> tracks;  ///< as in the record
};

/// @param digest   has a session
/// @param stay     that is over; null: the session names no CS, and is over
/// @param damaged  the capture could not be read to its end
[[nodiscard]] BuiltRecord build_finished_record(const CaptureDigest& digest,
                                                const SessionStay* stay,
                                                const DecoderRegistry& decoders,
                                                std::uint32_t sample_rate,
                                                bool damaged);

/// Adds what the rendering found, and the verdict.
/// @param rendering  none when nothing was rendered
void complete_record(BuiltRecord& built,
                     const CaptureDigest& digest,
                     const std::optional<Rendering>& rendering);

/// The row of a capture that cannot be read: so that its recording is missed by nobody.
[[nodiscard]] RecordingRecord build_unreadable_record(const Uuid& recording_session,
                                                      WallTime when,
                                                      std::string_view reason);

}  // namespace siprec::server
