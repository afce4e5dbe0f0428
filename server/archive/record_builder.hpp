#pragma once

// From what a capture says to the record of its recording. No file, no clock, no database.

#include "archive/capture_digest.hpp"
#include "archive/verdict.hpp"
#include "catalog/records.hpp"
#include "interop/profile_set.hpp"
#include "render/wav_renderer.hpp"

#include <siprec/codec.hpp>

namespace siprec::server {

/// The same for a recording session however often its capture is archived.
[[nodiscard]] Uuid recording_id(const Uuid& recording_session);

/// The record of a session that is still running: state `recording`, no verdict.
/// @param digest    has a session
/// @param profiles  the interop profiles in force
[[nodiscard]] RecordingRecord build_running_record(const CaptureDigest& digest,
                                                   const ProfileSet& profiles = shipped_profiles());

/// The record of a session that is over, and what to render.
struct BuiltRecord {
    RecordingRecord
        record;       ///< without artefacts; verdict and duration come with `complete_record`
    RenderPlan plan;  ///< without tracks when there is nothing to render
    Evidence evidence;
};

/// @param digest   has a session
/// @param damaged  the capture could not be read to its end
[[nodiscard]] BuiltRecord build_finished_record(const CaptureDigest& digest,
                                                const DecoderRegistry& decoders,
                                                std::uint32_t sample_rate,
                                                bool damaged,
                                                const ProfileSet& profiles = shipped_profiles());

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
