#include "archive/archive_worker.hpp"

#include "store/files.hpp"

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

}  // namespace

void Backoff::fail(SteadyTime now) {
    delay_ = delay_ == std::chrono::seconds{} ? kFirstDelay : std::min(delay_ * 2, kLongestDelay);
    due_ = now + delay_;
}

bool WorkerShare::has(std::string_view capture_name) const {
    return count <= 1 || std::hash<std::string_view>{}(capture_name) % count == index;
}

ArchiveWorker::ArchiveWorker(const DataLayout& layout,
                             const RenderConfig& render,
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
      archiver_(layout, render, profiles, decoders, logger),
      live_(layout, profiles, logger) {}

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
        const bool is_done = advance(entry->second);
        entry = is_done ? jobs_.erase(entry) : std::next(entry);
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
        if (share_.has(name) && !jobs_.contains(name)) {
            jobs_[name].job.name = name;
        }
    }
}

bool ArchiveWorker::is_waiting(const Job& job, SteadyTime now) const {
    if (!job.backoff.is_due(now)) {
        return true;
    }
    if (job.job.is_entered) {
        return false;
    }
    const bool catalog_rests = !catalog_backoff_.is_due(now);
    return catalog_rests && (job.job.record.has_value() || prepared_ >= kMaxPrepared);
}

bool ArchiveWorker::advance(Job& job) {
    if (!job.job.record && !prepare(job)) {
        return false;
    }
    if (!job.job.is_entered && !enter(job)) {
        return false;
    }
    if (auto removed = archiver_.remove(job.job); !removed) {
        job.backoff.fail(clock_.steady_now());
        logger_.log(LogLevel::Error, "archive", removed.error().to_string());
        return false;
    }
    return true;
}

bool ArchiveWorker::prepare(Job& job) {
    if (auto prepared = archiver_.prepare(job.job); !prepared) {
        job.backoff.fail(clock_.steady_now());
        const std::string id = session_of(job.job.name).to_string();
        const std::string reason = prepared.error().to_string();
        logger_.log(LogLevel::Error,
                    "archive",
                    "a capture could not be stored, it will be tried again",
                    {{"rs", id}, {"reason", reason}});
        return false;
    }
    job.backoff.succeed();
    ++prepared_;
    return true;
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
        const std::string id = session_of(job.job.name).to_string();
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
