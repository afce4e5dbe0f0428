#include "archive/capture_archiver.hpp"

#include "render/wav_renderer.hpp"
#include "store/files.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace siprec::server {
namespace {

Result<WallTime> modification_time(const std::string& path) {
    struct stat status {};

    if (::stat(path.c_str(), &status) != 0) {
        return file_error("look at", path, errno);
    }
    return WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                    std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

Result<void> store_wav(const FileStore& store,
                       const std::string& capture,
                       const DecoderRegistry& decoders,
                       BuiltRecord& built,
                       std::optional<Rendering>& rendering) {
    const std::string relative =
        FileStore::artefact_path(built.record.start, built.record.id, "wav");
    const auto part = store.prepare(relative);
    if (!part) {
        return part.error();
    }
    auto rendered = render_wav(capture, built.plan, decoders, *part);
    if (!rendered) {
        return std::move(rendered).error();
    }
    const auto digest = store.commit(relative);
    if (!digest) {
        return digest.error();
    }
    rendering = std::move(*rendered);
    built.record.artefacts.push_back({.kind = "wav",
                                      .path = relative,
                                      .media_type = "audio/wav",
                                      .bytes = digest->bytes,
                                      .sha256 = digest->sha256});
    return {};
}

Result<void> store_capture(const FileStore& store, const std::string& capture, BuiltRecord& built) {
    const std::string relative =
        FileStore::artefact_path(built.record.start, built.record.id, "pcapng");
    const auto digest = store.adopt(capture, relative);
    if (!digest) {
        return digest.error();
    }
    built.record.artefacts.push_back({.kind = "capture",
                                      .path = relative,
                                      .media_type = "application/x-pcapng",
                                      .bytes = digest->bytes,
                                      .sha256 = digest->sha256});
    return {};
}

}  // namespace

CaptureArchiver::CaptureArchiver(DataLayout layout,
                                 const RenderConfig& render,
                                 const ProfileStore& profiles,
                                 const DecoderRegistry& decoders,
                                 Logger& logger)
    : layout_(std::move(layout)),
      store_(layout_.recordings()),
      render_(render),
      profiles_(profiles),
      decoders_(decoders),
      logger_(logger) {}

Result<void> CaptureArchiver::prepare(ArchiveJob& job) const {
    const auto attempts = Attempts::begin(layout_.captures() + "/" + job.name);
    if (!attempts) {
        return attempts.error();
    }
    auto prepared = attempts->is_hopeless()
                        ? make_unreadable(job, "it ended the archive worker again and again")
                        : prepare_once(job, *attempts);
    auto cleared = attempts->end();
    return prepared ? cleared : prepared;
}

Result<void> CaptureArchiver::prepare_once(ArchiveJob& job, const Attempts& attempts) const {
    const std::string path = layout_.captures() + "/" + job.name;
    CaptureDigest digest;
    const auto played = play_file(path, digest);
    if (!played) {
        return played.error();
    }
    if (!digest.session()) {
        return make_unreadable(
            job, played->damage ? played->damage->to_string() : "no session-started entry");
    }
    const bool damaged = played->truncated || played->damage.has_value();
    BuiltRecord built = build_finished_record(
        digest, decoders_, render_.sample_rate, damaged, *profiles_.current());
    std::optional<Rendering> rendering;
    built.evidence.render_failed = attempts.is_doubtful() && !built.plan.tracks.empty();
    if (!built.evidence.render_failed && !built.plan.tracks.empty()) {
        if (auto rendered = render(path, built, rendering); !rendered) {
            return rendered;
        }
    }
    if (auto stored = store_capture(store_, path, built); !stored) {
        return stored;
    }
    complete_record(built, digest, rendering);
    job.record = std::move(built.record);
    return {};
}

Result<void> CaptureArchiver::render(const std::string& capture,
                                     BuiltRecord& built,
                                     std::optional<Rendering>& rendering) const {
    auto stored = store_wav(store_, capture, decoders_, built, rendering);
    const bool disk_refuses =
        !stored && (stored.error().code() == ErrorCode::Io ||
                    stored.error().code() == ErrorCode::NotFound || stored.error().is_retryable());
    if (stored || disk_refuses) {
        return stored;
    }
    // No later attempt will do better; the capture is kept and says what there was to hear.
    built.evidence.render_failed = true;
    const std::string id = built.record.recording_session.to_string();
    const std::string reason = stored.error().to_string();
    logger_.log(LogLevel::Error,
                "archive",
                "a capture could not be rendered",
                {{"rs", id}, {"call_id", built.record.call_id}, {"reason", reason}});
    return {};
}

Result<void> CaptureArchiver::make_unreadable(ArchiveJob& job, std::string reason) const {
    const auto when = modification_time(layout_.captures() + "/" + job.name);
    if (!when) {
        return when.error();
    }
    const std::string id = session_of(job.name).to_string();
    logger_.log(LogLevel::Error,
                "archive",
                "a capture cannot be read, it goes to failed/",
                {{"rs", id}, {"reason", reason}});
    job.record = build_unreadable_record(session_of(job.name), *when, reason);
    job.unreadable = std::move(reason);
    return {};
}

Result<void> CaptureArchiver::enter(ArchiveJob& job, Catalog& catalog) const {
    if (auto entered = catalog.put(*job.record); !entered) {
        return entered;
    }
    job.is_entered = true;
    return {};
}

Result<void> CaptureArchiver::remove(const ArchiveJob& job) const {
    const std::string path = layout_.captures() + "/" + job.name;
    auto removed =
        job.unreadable.empty() ? remove_durably(path) : set_aside(layout_, path, job.unreadable);
    if (removed) {
        log_result(job);
    }
    return removed;
}

void CaptureArchiver::log_result(const ArchiveJob& job) const {
    const RecordingRecord& record = *job.record;
    std::string reasons;
    for (const std::string& reason : record.reasons) {
        reasons += (reasons.empty() ? "" : ",") + reason;
    }
    const std::string recording_session = record.recording_session.to_string();
    const std::string id = record.id.to_string();
    const std::string duration = std::to_string(record.duration_s);
    logger_.log(record.verdict == Verdict::Good ? LogLevel::Info : LogLevel::Warning,
                "archive",
                "recording stored",
                {{"rs", recording_session},
                 {"call_id", record.call_id},
                 {"recording", id},
                 {"duration_s", duration},
                 {"verdict", to_string(record.verdict)},
                 {"reasons", reasons}});
}

}  // namespace siprec::server
