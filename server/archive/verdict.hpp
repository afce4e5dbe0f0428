#pragma once

#include "archive/capture_digest.hpp"
#include "catalog/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

/// What the builder and the renderer know beside the digest.
struct Evidence {
    bool capture_damaged = false;
    std::optional<std::string> end_cause;   ///< none: the CS ended, and the session went on
    std::vector<std::string> undecodable;   ///< encodings without decoder
    std::vector<std::string> not_rendered;  ///< encodings of video, text and the unknown
    std::uint64_t video_frames = 0;         ///< rendered
    std::uint64_t video_frames_lost = 0;    ///< left out since packets were missing
    bool text_cut = false;
    bool audio_cut = false;
    bool audio_left_out = false;  ///< packets came too late, or were not what their codec writes
    bool render_failed = false;
};

/// Sets verdict and reasons: `failed` when there is nothing to hear, `degraded` when something is
/// missing.
/// @param tracks  with what is the recording's
void judge(RecordingRecord& record,
           const CaptureDigest& digest,
           const std::vector<TrackDigest>& tracks,
           const Evidence& evidence);

}  // namespace siprec::server
