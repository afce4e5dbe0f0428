#include "archive/side_artefacts.hpp"

#include "archive/extension_json.hpp"
#include "archive/sound_beside.hpp"
#include "render/text_renderer.hpp"
#include "render/video_renderer.hpp"
#include "render/video_source.hpp"
#include "store/files.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

namespace siprec::server {
namespace {

struct Kind {
    const char* name;
    const char* extension;
    const char* media_type;
};

constexpr Kind kVideo{"video", "mkv", "video/x-matroska"};
constexpr Kind kText{"text", "vtt", "text/vtt"};

/// Formats that carry others, or repair them (RFC 2198, RFC 4588, RFC 5109, RFC 8627).
bool is_helper(const std::string& encoding) {
    constexpr std::array<std::string_view, 5> kHelpers = {
        "RED", "RTX", "ULPFEC", "FLEXFEC", "FLEXFEC-03"};
    return std::ranges::find(kHelpers, encoding) != kHelpers.end();
}

/// The name by which the text's writer is known: that of the participant, else the label.
std::string speaker_of(const RecordingRecord& record, const TrackRecord& track) {
    const auto party = std::ranges::find_if(record.participants, [&](const ParticipantRecord& one) {
        return !track.owners.empty() && one.src_id == track.owners.front().participant_src_id &&
               !one.names.empty();
    });
    if (party == record.participants.end()) {
        return track.label;
    }
    const NameRecord& name = party->names.front();
    return name.name.empty() ? name.aor : name.name;
}

Result<void> keep(const FileStore& store,
                  const Kind& kind,
                  const std::string& relative,
                  BuiltRecord& built) {
    const auto digest = store.commit(relative);
    if (!digest) {
        return digest.error();
    }
    built.record.artefacts.push_back({.kind = kind.name,
                                      .path = relative,
                                      .media_type = kind.media_type,
                                      .bytes = digest->bytes,
                                      .sha256 = digest->sha256});
    return {};
}

bool disk_refuses(const Error& error) {
    return error.code() == ErrorCode::Io || error.code() == ErrorCode::NotFound ||
           error.is_retryable();
}

/// No later attempt will do better; the captures are kept and say what there was.
Result<void> give_up(const Error& error,
                     const Kind& kind,
                     const std::string& part,
                     BuiltRecord& built,
                     Logger& logger) {
    if (disk_refuses(error)) {
        return error;
    }
    built.evidence.render_failed = true;
    const std::string id = built.record.recording_session.to_string();
    const std::string reason = error.to_string();
    logger.log(LogLevel::Error,
               "archive",
               "a capture could not be rendered",
               {{"rs", id},
                {"call_id", built.record.call_id},
                {"artefact", kind.name},
                {"reason", reason}});
    return remove_durably(part);
}

/// What of a track no artefact shows.
void note_not_rendered(const TrackDigest& track,
                       const std::set<std::string>& rendered,
                       Evidence& evidence) {
    for (const std::string& encoding : track.media.encodings) {
        const std::string name = storable(encoding);
        const bool is_known =
            is_helper(encoding) || rendered.contains(encoding) ||
            std::ranges::find(evidence.not_rendered, name) != evidence.not_rendered.end();
        if (!is_known) {
            evidence.not_rendered.push_back(name);
        }
    }
}

void note_video(const VideoPlan& plan, const VideoRendering& rendering, BuiltRecord& built) {
    Evidence& evidence = built.evidence;
    for (std::size_t index = 0; index < plan.video.size(); ++index) {
        const RenderedVideo& stream = rendering.streams[index];
        evidence.video_frames += stream.frames;
        evidence.video_frames_lost += stream.damaged;
        const auto track = std::ranges::find(built.tracks,
                                             plan.video[index].id,
                                             [](const TrackDigest& one) { return one.stream.id; });
        std::set<std::string> rendered;
        for (const std::string& encoding : track->media.encodings) {
            if (stream.codec && video_codec(encoding) == stream.codec) {
                rendered.insert(encoding);
            }
        }
        note_not_rendered(*track, rendered, evidence);
    }
    if (built.plan.tracks.empty()) {
        built.record.duration_s = std::chrono::duration<double>(rendering.duration).count();
    }
}

VideoPlan video_plan(const FileStore& store, const BuiltRecord& built) {
    VideoPlan plan{.origin = built.record.start,
                   .spans = built.plan.spans,
                   .documents_before = built.plan.documents_before};
    for (std::size_t index = 0; index < built.tracks.size(); ++index) {
        const TrackDigest& track = built.tracks[index];
        if (track.stream.media_type == "video" && track.media.packets > 0) {
            plan.video.push_back({track.stream.id, sound_beside(built, index)});
        }
    }
    const auto& artefacts = built.record.artefacts;
    const auto wav = std::ranges::find(artefacts, "wav", &ArtefactRecord::kind);
    if (wav != artefacts.end()) {
        plan.wav_path = store.absolute(wav->path);
    }
    return plan;
}

Result<void> store_video(const FileStore& store,
                         const std::vector<std::string>& captures,
                         BuiltRecord& built,
                         Logger& logger) {
    const VideoPlan plan = video_plan(store, built);
    if (plan.video.empty()) {
        return {};
    }
    const std::string relative =
        FileStore::artefact_path(built.record.start, built.record.id, kVideo.extension);
    const auto part = store.prepare(relative);
    if (!part) {
        return part.error();
    }
    const auto rendering = render_video(captures, plan, *part);
    if (!rendering) {
        return give_up(rendering.error(), kVideo, *part, built, logger);
    }
    note_video(plan, *rendering, built);
    return rendering->frames > 0 ? keep(store, kVideo, relative, built) : Result<void>();
}

Result<void> store_text(const FileStore& store,
                        const std::vector<std::string>& captures,
                        BuiltRecord& built,
                        Logger& logger) {
    TextPlan plan{.origin = built.record.start,
                  .spans = built.plan.spans,
                  .documents_before = built.plan.documents_before};
    for (std::size_t index = 0; index < built.tracks.size(); ++index) {
        const TrackDigest& track = built.tracks[index];
        if (track.stream.media_type == "text" && track.media.packets > 0) {
            plan.tracks.push_back(
                {track.stream.id, speaker_of(built.record, built.record.tracks[index])});
            note_not_rendered(track, {"T140"}, built.evidence);
        }
    }
    if (plan.tracks.empty()) {
        return {};
    }
    const std::string relative =
        FileStore::artefact_path(built.record.start, built.record.id, kText.extension);
    const auto part = store.prepare(relative);
    if (!part) {
        return part.error();
    }
    const auto rendering = render_text(captures, plan, *part);
    if (!rendering) {
        return give_up(rendering.error(), kText, *part, built, logger);
    }
    built.evidence.text_cut = rendering->cut;
    return rendering->cues > 0 ? keep(store, kText, relative, built) : Result<void>();
}

}  // namespace

Result<void> store_side_artefacts(const FileStore& store,
                                  const std::vector<std::string>& captures,
                                  BuiltRecord& built,
                                  Logger& logger) {
    if (auto stored = store_video(store, captures, built, logger); !stored) {
        return stored;
    }
    if (auto stored = store_text(store, captures, built, logger); !stored) {
        return stored;
    }
    for (const TrackDigest& track : built.tracks) {
        const std::string& type = track.stream.media_type;
        if (type != "audio" && type != "video" && type != "text") {
            note_not_rendered(track, {}, built.evidence);
        }
    }
    return {};
}

}  // namespace siprec::server
