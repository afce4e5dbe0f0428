#include "archive/verdict.hpp"

#include <algorithm>

namespace siprec::server {
namespace {

constexpr double kLossThreshold = 0.01;

bool loses_too_much(const TrackRecord& track) {
    if (track.lost <= 0) {
        return false;
    }
    const auto lost = static_cast<double>(track.lost);
    return lost > kLossThreshold * (lost + static_cast<double>(track.packets));
}

/// @return true when nothing at all was received although something was expected
bool judge_media(std::vector<std::string>& reasons, const std::vector<TrackDigest>& tracks) {
    const bool has_media = std::any_of(
        tracks.begin(), tracks.end(), [](const auto& track) { return track.media.packets > 0; });
    const bool was_active = std::any_of(
        tracks.begin(), tracks.end(), [](const auto& track) { return track.was_active(); });
    if (!has_media) {
        reasons.emplace_back(was_active || tracks.empty() ? "no-media" : "never-active");
        return was_active || tracks.empty();
    }
    for (const TrackDigest& track : tracks) {
        if (track.is_audio() && track.was_active() && track.media.packets == 0) {
            reasons.push_back("stream-silent:" + track.name());
        }
    }
    return false;
}

void judge_metadata(std::vector<std::string>& reasons,
                    const RecordingRecord& record,
                    const CaptureDigest& digest) {
    if (digest.has_usable_metadata()) {
        if (digest.has_malformed_metadata()) {
            reasons.emplace_back("metadata-malformed");
        }
    } else {
        reasons.emplace_back(record.documents.empty() ? "metadata-missing" : "metadata-unusable");
    }
}

void judge_rendering(std::vector<std::string>& reasons, const Evidence& evidence) {
    for (const std::string& encoding : evidence.undecodable) {
        reasons.push_back("undecodable-codec:" + encoding);
    }
    for (const std::string& encoding : evidence.not_rendered) {
        reasons.push_back("not-rendered:" + encoding);
    }
    const auto frames_lost = static_cast<double>(evidence.video_frames_lost);
    if (frames_lost > kLossThreshold * (frames_lost + static_cast<double>(evidence.video_frames))) {
        reasons.emplace_back("video-frames-lost");
    }
    if (evidence.text_cut) {
        reasons.emplace_back("text-cut");
    }
    if (evidence.audio_cut) {
        reasons.emplace_back("audio-cut");
    }
    if (evidence.audio_left_out) {
        reasons.emplace_back("audio-left-out");
    }
    if (evidence.render_failed) {
        reasons.emplace_back("render-failed");
    }
}

void judge_end(std::vector<std::string>& reasons,
               const CaptureDigest& digest,
               const Evidence& evidence) {
    const std::string cause = evidence.end_cause.value_or("");
    if (cause == kInterrupted || cause == "media-timeout") {
        reasons.push_back(cause);
    } else if (cause == "failed") {
        reasons.emplace_back("session-failed");
    }
    if (evidence.capture_damaged) {
        reasons.emplace_back("truncated");
    }
    if (digest.gap_packets() > 0) {
        reasons.emplace_back("capture-gap");
    }
}

}  // namespace

void judge(RecordingRecord& record,
           const CaptureDigest& digest,
           const std::vector<TrackDigest>& tracks,
           const Evidence& evidence) {
    auto& reasons = record.reasons;
    reasons.clear();
    const bool failed = judge_media(reasons, tracks);
    judge_end(reasons, digest, evidence);
    judge_metadata(reasons, record, digest);
    if (std::any_of(record.tracks.begin(), record.tracks.end(), loses_too_much)) {
        reasons.emplace_back("packet-loss");
    }
    if (std::any_of(record.voices.begin(), record.voices.end(), [](const VoiceRecord& voice) {
            return voice.contradicted;
        })) {
        reasons.emplace_back("parties-look-swapped");
    }
    judge_rendering(reasons, evidence);
    if (failed) {
        record.verdict = Verdict::Failed;
    } else {
        record.verdict = reasons.empty() ? Verdict::Good : Verdict::Degraded;
    }
}

}  // namespace siprec::server
