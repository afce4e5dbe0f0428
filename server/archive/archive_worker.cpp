#include "archive/archive_worker.hpp"

#include "store/files.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace siprec::server {
namespace {

constexpr std::chrono::seconds kFirstDelay{1};
constexpr std::chrono::seconds kLongestDelay{30};
// A round ends after so long, so that running sessions are looked at while many finished ones wait.
constexpr std::chrono::milliseconds kRoundLength{500};
// While the catalogue is away, so many recordings are rendered ahead; the rest waits in captures/,
// where an outage of any length costs no memory.
constexpr std::size_t kMaxPrepared = 256;
constexpr std::chrono::seconds kLostPart{60};

}  // namespace

void Backoff::fail(SteadyTime now) {
    delay_ = delay_ == std::chrono::seconds{} ? kFirstDelay : std::min(delay_ * 2, kLongestDelay);
    due_ = now + delay_;
}

bool WorkerShare::has(std::string_view capture_name) const {
    return count <= 1 || std::hash<Uuid>{}(session_of(capture_name)) % count == index;
}

ArchiveWorker::ArchiveWorker(const DataLayout& layout,
                             const RenderConfig& render,
                             const metadata::ParseLimits& limits,
                             WorkerShare share,
                             const ProfileStore& profiles,
                             Catalog& catalog,
                             const DecoderRegistry& decoders,
                             const Clock& clock,
                             Logger& logger)
    : layout_(layout),
      share_(share),
      catalog_(catalog),
      clock_(clock),
      logger_(logger),
      archiver_(layout, render, limits, profiles, decoders, logger),
      live_(layout, limits, profiles, logger) {}

bool ArchiveWorker::run_round() {
    watch_live();
    find_captures();
    const SteadyTime end = clock_.steady_now() + kRoundLength;
    for (auto entry = jobs_.begin(); entry != jobs_.end();) {
        const SteadyTime now = clock_.steady_now();
        if (now >= end) {
            return true;
        }
        if (is_waiting(entry->second, now)) {
            ++entry;
            continue;
        }
        Progress progress = Progress::More;
        while (progress == Progress::More && clock_.steady_now() < end) {
            progress = advance(entry->second);
        }
        entry = progress == Progress::Done ? jobs_.erase(entry) : std::next(entry);
    }
    return false;
}

void ArchiveWorker::watch_live() {
    if (!catalog_backoff_.is_due(clock_.steady_now())) {
        return;
    }
    const auto names = list_files(layout_.live(), kCaptureSuffix);
    if (!names) {
        logger_.log(LogLevel::Error, "archive", names.error().to_string());
        return;
    }
    std::set<std::string> mine;
    std::copy_if(names->begin(),
                 names->end(),
                 std::inserter(mine, mine.end()),
                 [this](const std::string& name) { return share_.has(name); });
    const auto entered = live_.update(mine, catalog_);
    if (!entered) {
        note_catalog_failure(entered.error());
    } else if (*entered > 0) {
        note_catalog_success();
    }
}

void ArchiveWorker::find_captures() {
    const auto names = list_files(layout_.captures(), kCaptureSuffix);
    if (!names) {
        logger_.log(LogLevel::Error, "archive", names.error().to_string());
        return;
    }
    for (const std::string& name : *names) {
        const Uuid session = session_of(name);
        if (!session.is_nil() && share_.has(name)) {
            SessionJob& job = jobs_[session].job;
            job.session = session;
            job.parts.try_emplace(part_of(name)).first->second.name = name;
        }
    }
}

bool ArchiveWorker::is_waiting(const Job& job, SteadyTime now) const {
    if (!job.backoff.is_due(now)) {
        return true;
    }
    const bool catalog_rests = !catalog_backoff_.is_due(now);
    return catalog_rests && (job.job.pending.has_value() || prepared_ >= kMaxPrepared);
}

ArchiveWorker::Progress ArchiveWorker::advance(Job& job) {
    if (job.job.pending) {
        return enter(job) ? Progress::More : Progress::Waits;
    }
    if (skip_entered(job)) {
        return Progress::More;
    }
    // At once, however many parts wait: the next one begins with a digest of its own, so that
    // neither memory nor the folder grows with a backlog.
    if (job.job.is_between_recordings() && !remove_parts(job)) {
        return Progress::Waits;
    }
    const Progress progress = prepare(job);
    return progress == Progress::Done ? tidy(job) : progress;
}

/// A stay that began in a part that is no longer here was entered before that part went, unless the
/// part was lost.
bool ArchiveWorker::skip_entered(Job& job) {
    const SessionStay* const stay = job.job.finished_stay();
    if (stay == nullptr || stay->first_part >= job.job.first_part ||
        !catalog_backoff_.is_due(clock_.steady_now())) {
        return false;
    }
    const auto entered = catalog_.get(recording_id(job.job.session, *stay));
    if (!entered || entered->state == RecordingState::Recording ||
        entered->state == RecordingState::Finalizing) {
        return false;
    }
    for (auto& [number, part] : job.job.parts) {
        part.is_claimed = true;
    }
    const std::string session_id = stay->session_id;
    job.job.digest->forget(session_id, stay->number);
    return true;
}

ArchiveWorker::Progress ArchiveWorker::prepare(Job& job) {
    const auto prepared = archiver_.prepare(job.job);
    if (!prepared) {
        job.backoff.fail(clock_.steady_now());
        const std::string id = job.job.session.to_string();
        const std::string reason = prepared.error().to_string();
        logger_.log(LogLevel::Error,
                    "archive",
                    "a capture could not be stored, it will be tried again",
                    {{"rs", id}, {"reason", reason}});
        return Progress::Waits;
    }
    job.backoff.succeed();
    if (!*prepared) {
        return Progress::Done;
    }
    job.stuck_since.reset();
    prepared_ += job.job.pending ? 1U : 0U;
    return Progress::More;
}

bool ArchiveWorker::enter(Job& job) {
    const SteadyTime now = clock_.steady_now();
    if (!catalog_backoff_.is_due(now)) {
        return false;
    }
    auto entered = archiver_.enter(job.job, catalog_);
    if (!entered && entered.error().is_retryable()) {
        note_catalog_failure(entered.error());
        return false;
    }
    if (!entered) {
        // Not the catalogue but this record: the others go on.
        job.backoff.fail(now);
        const std::string id = job.job.session.to_string();
        const std::string reason = entered.error().to_string();
        logger_.log(LogLevel::Error,
                    "archive",
                    "the catalogue refuses a recording, it will be tried again",
                    {{"rs", id}, {"reason", reason}});
        return false;
    }
    --prepared_;
    note_catalog_success();
    return true;
}

bool ArchiveWorker::remove_parts(Job& job) {
    const auto removed = archiver_.remove_parts(job.job, catalog_);
    if (!removed) {
        if (removed.error().is_retryable()) {
            note_catalog_failure(removed.error());
        }
        job.backoff.fail(clock_.steady_now());
        logger_.log(LogLevel::Error, "archive", removed.error().to_string());
    }
    return removed.has_value();
}

ArchiveWorker::Progress ArchiveWorker::tidy(Job& job) {
    if (!remove_parts(job)) {
        return Progress::Waits;
    }
    if (job.job.parts.empty()) {
        return Progress::Done;
    }
    give_up_waiting(job);
    return Progress::Waits;
}

/// The live wing never hands a part over before the next one has its beginning; this is for parts
/// that somebody has taken away.
void ArchiveWorker::give_up_waiting(Job& job) {
    if (!job.job.digest) {
        return;
    }
    const std::string next = capture_name(job.job.session, job.job.digest->part() + 1);
    const bool is_coming = ::access((layout_.live() + "/" + next).c_str(), F_OK) == 0 ||
                           ::access((layout_.captures() + "/" + next).c_str(), F_OK) == 0;
    const SteadyTime now = clock_.steady_now();
    if (is_coming) {
        job.stuck_since.reset();
    } else if (!job.stuck_since) {
        job.stuck_since = now;
    } else if (now - *job.stuck_since >= kLostPart) {
        job.job.digest->close();
    }
}

void ArchiveWorker::note_catalog_success() {
    catalog_backoff_.succeed();
    if (std::exchange(catalog_away_, false)) {
        logger_.log(LogLevel::Info, "archive", "the catalogue answers again");
    }
}

void ArchiveWorker::note_catalog_failure(const Error& failure) {
    catalog_backoff_.fail(clock_.steady_now());
    catalog_away_ = true;
    const std::string reason = failure.to_string();
    logger_.log(LogLevel::Warning,
                "archive",
                "the catalogue does not answer, recordings wait in the spool",
                {{"reason", reason}});
}

}  // namespace siprec::server
