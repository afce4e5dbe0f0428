#include "archive/capture_archiver.hpp"

#include "archive/side_artefacts.hpp"
#include "render/wav_renderer.hpp"
#include "store/files.hpp"

#include <sys/stat.h>

#include <algorithm>
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
                       const std::vector<std::string>& captures,
                       const DecoderRegistry& decoders,
                       BuiltRecord& built,
                       std::optional<Rendering>& rendering) {
    const std::string relative =
        FileStore::artefact_path(built.record.start, built.record.id, "wav");
    const auto part = store.prepare(relative);
    if (!part) {
        return part.error();
    }
    auto rendered = render_wav(captures, built.plan, decoders, *part);
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

bool has_media(const BuiltRecord& built) {
    return std::ranges::any_of(built.tracks,
                               [](const TrackDigest& track) { return track.media.packets > 0; });
}

Result<void> store_captures(const FileStore& store,
                            const std::vector<std::string>& captures,
                            BuiltRecord& built) {
    for (std::size_t i = 0; i < captures.size(); ++i) {
        const std::string extension = i == 0 ? "pcapng" : std::to_string(i + 1) + ".pcapng";
        const std::string relative =
            FileStore::artefact_path(built.record.start, built.record.id, extension);
        const auto digest = store.adopt(captures[i], relative);
        if (!digest) {
            return digest.error();
        }
        built.record.artefacts.push_back({.kind = "capture",
                                          .path = relative,
                                          .media_type = "application/x-pcapng",
                                          .bytes = digest->bytes,
                                          .sha256 = digest->sha256});
    }
    return {};
}

}  // namespace

CaptureArchiver::CaptureArchiver(DataLayout layout,
                                 const RenderConfig& render,
                                 const metadata::ParseLimits& limits,
                                 const ProfileStore& profiles,
                                 const DecoderRegistry& decoders,
                                 Logger& logger)
    : layout_(std::move(layout)),
      store_(layout_.recordings()),
      render_(render),
      limits_(limits),
      profiles_(profiles),
      decoders_(decoders),
      logger_(logger) {}

Result<bool> CaptureArchiver::prepare(SessionJob& job) {
    CapturePart* part = nullptr;
    const bool is_recording_due = job.finished_stay() != nullptr || job.is_session_due();
    if (!is_recording_due) {
        part = job.next_part();
    }
    if (part == nullptr && !is_recording_due) {
        return false;
    }
    // A recording is built when its last part was played, and goes down with that.
    const CapturePart& cause = part != nullptr ? *part : job.last_played();
    auto attempts = Attempts::begin(path_of(cause));
    if (!attempts) {
        return attempts.error();
    }
    {
        const std::lock_guard lock(mutex_);
        attempt_ = *attempts;
    }
    auto prepared = work(job, part, *attempts);
    {
        const std::lock_guard lock(mutex_);
        attempt_.reset();
    }
    auto cleared = part != nullptr ? attempts->excuse() : attempts->end();
    if (!prepared || !cleared) {
        return prepared ? std::move(cleared).error() : std::move(prepared).error();
    }
    return true;
}

Result<void> CaptureArchiver::work(SessionJob& job, CapturePart* part, const Attempts& attempts) {
    if (part == nullptr) {
        return build(job, job.finished_stay(), attempts);
    }
    return attempts.is_hopeless()
               ? make_unreadable(job, *part, "it ended the archive worker again and again")
               : play(job, *part);
}

void CaptureArchiver::excuse() {
    const std::lock_guard lock(mutex_);
    if (attempt_) {
        if (auto excused = attempt_->excuse(); !excused) {
            logger_.log(LogLevel::Warning, "archive", excused.error().to_string());
        }
    }
}

Result<void> CaptureArchiver::play(SessionJob& job, CapturePart& part) const {
    // Into a digest of its own first: one that cannot be read must leave nothing behind.
    const std::string path = path_of(part);
    const bool is_first = !job.digest;
    auto digest = is_first ? std::make_unique<CaptureDigest>(profiles_.current(), limits_)
                           : std::move(job.digest);
    const auto played = play_file(path, *digest);
    if (!played || !digest->session()) {
        if (!is_first) {
            job.digest = std::move(digest);
        }
        if (!played) {
            return played.error();
        }
        return make_unreadable(
            job, part, played->damage ? played->damage->to_string() : "no session-started entry");
    }
    part.is_played = true;
    part.is_damaged = played->truncated || played->damage.has_value();
    job.digest = std::move(digest);
    if (is_first) {
        job.first_part = job.digest->part();
    }
    const std::uint32_t number = part_of(part.name);
    const bool has_end = job.digest->ended().has_value();
    if (!has_end && !job.digest->is_rotated() && job.parts.upper_bound(number) != job.parts.end()) {
        job.digest->on_event({job.digest->end_time(), CaptureRotated{number + 1}});
    }
    if (has_end || !job.digest->is_rotated()) {
        job.digest->close();
    }
    return {};
}

Result<void> CaptureArchiver::build(SessionJob& job,
                                    const SessionStay* stay,
                                    const Attempts& attempts) const {
    std::vector<std::string> captures;
    bool damaged = stay != nullptr && stay->first_part < job.first_part;
    const std::uint32_t first = stay == nullptr ? 1 : stay->first_part;
    for (auto& [number, part] : job.parts) {
        if (number >= first && part.is_played && part.unreadable.empty()) {
            captures.push_back(path_of(part));
            damaged = damaged || part.is_damaged;
        }
    }
    BuiltRecord built =
        build_finished_record(*job.digest, stay, decoders_, render_.sample_rate, damaged);
    std::optional<Rendering> rendering;
    built.evidence.render_failed = attempts.is_doubtful() && has_media(built);
    if (!built.evidence.render_failed && !built.plan.tracks.empty()) {
        if (auto rendered = render(captures, built, rendering); !rendered) {
            return rendered;
        }
    }
    if (!attempts.is_doubtful()) {
        if (auto stored = store_side_artefacts(store_, captures, built, logger_); !stored) {
            return stored;
        }
    }
    if (auto stored = store_captures(store_, captures, built); !stored) {
        return stored;
    }
    for (auto& [number, part] : job.parts) {
        part.is_claimed = part.is_claimed || (number >= first && part.is_played);
    }
    complete_record(built, *job.digest, rendering);
    job.pending =
        PendingRecording{std::move(built.record),
                         stay != nullptr ? StayName{stay->session_id, stay->number} : StayName{}};
    return {};
}

Result<void> CaptureArchiver::render(const std::vector<std::string>& captures,
                                     BuiltRecord& built,
                                     std::optional<Rendering>& rendering) const {
    auto stored = store_wav(store_, captures, decoders_, built, rendering);
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

Result<void> CaptureArchiver::make_unreadable(SessionJob& job,
                                              CapturePart& part,
                                              std::string reason) const {
    const auto when = modification_time(path_of(part));
    if (!when) {
        return when.error();
    }
    const std::string id = job.session.to_string();
    logger_.log(LogLevel::Error,
                "archive",
                "a capture cannot be read, it goes to failed/",
                {{"rs", id}, {"reason", reason}});
    job.pending = PendingRecording{build_unreadable_record(job.session, *when, reason), {}};
    // Beside the recordings of the other parts.
    if (const std::uint32_t number = part_of(part.name); number > 1) {
        job.pending->record.id =
            Uuid::derived(job.session, "unreadable part " + std::to_string(number));
    }
    part.is_played = true;
    part.unreadable = std::move(reason);
    return {};
}

Result<void> CaptureArchiver::enter(SessionJob& job, Catalog& catalog) const {
    const RecordingRecord& record = job.pending->record;
    const StayName& stay = job.pending->stay;
    if (auto entered = catalog.put(record); !entered) {
        return entered;
    }
    log_result(record);
    if (stay.number > 0) {
        job.digest->forget(stay.session_id, stay.number);
    } else if (job.digest) {
        job.is_session_entered = true;
    }
    job.pending.reset();
    return {};
}

Result<void> CaptureArchiver::remove_parts(SessionJob& job, Catalog& catalog) const {
    while (!job.parts.empty()) {
        // In order: a part that is there stands for all that follow it.
        const auto& [number, part] = *job.parts.begin();
        if (!job.is_done_with(number)) {
            return {};
        }
        const std::string path = path_of(part);
        if (part.unreadable.empty() && !part.is_claimed) {
            if (auto kept = keep_unclaimed(job, number, catalog); !kept) {
                return kept;
            }
        }
        auto removed = part.unreadable.empty() ? remove_durably(path)
                                               : set_aside(layout_, path, part.unreadable);
        if (!removed) {
            return removed;
        }
        if (auto forgotten = Attempts::forget(path); !forgotten) {
            return forgotten;
        }
        job.parts.erase(job.parts.begin());
        // A part behind a gap begins anew, from what it says itself.
        if (std::none_of(job.parts.begin(), job.parts.end(), [](const auto& left) {
                return left.second.is_played;
            })) {
            job.digest.reset();
            job.is_session_entered = false;
        }
    }
    return {};
}

Result<void> CaptureArchiver::keep_unclaimed(const SessionJob& job,
                                             std::uint32_t number,
                                             Catalog& catalog) const {
    const std::string path = path_of(job.parts.at(number));
    SessionCaptureRecord capture;
    capture.recording_session = job.session;
    capture.part = number;
    capture.ended = job.digest->end_time();
    const std::string relative =
        FileStore::artefact_path(job.digest->session()->started,
                                 Uuid::derived(job.session, "part " + std::to_string(number)),
                                 "pcapng");
    const auto digest = store_.adopt(path, relative);
    if (!digest) {
        return digest.error();
    }
    capture.path = relative;
    capture.bytes = digest->bytes;
    capture.sha256 = digest->sha256;
    return catalog.put_capture(capture);
}

std::string CaptureArchiver::path_of(const CapturePart& part) const {
    return layout_.captures() + "/" + part.name;
}

void CaptureArchiver::log_result(const RecordingRecord& record) const {
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
