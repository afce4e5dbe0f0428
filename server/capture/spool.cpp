#include "capture/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace siprec::server {

void TroubleLog::report(const Uuid& session, std::string_view message) {
    ++unsaid_;
    const SteadyTime now = clock_.steady_now();
    if (now < quiet_until_) {
        return;
    }
    quiet_until_ = now + std::chrono::seconds(1);
    const std::string count = std::to_string(unsaid_);
    const std::string id = session.to_string();
    logger_.log(LogLevel::Error, "capture", message, {{"rs", id}, {"failures", count}});
    unsaid_ = 0;
}

CaptureSpool::CaptureSpool(DataLayout layout, Options options, Logger& logger, const Clock& clock)
    : layout_(std::move(layout)),
      budget_(options.memory_limit_bytes),
      flush_trouble_(logger, clock),
      commit_trouble_(logger, clock) {}

std::shared_ptr<CaptureLog> CaptureSpool::open(const Uuid& session, std::uint32_t part) {
    auto log = std::make_shared<CaptureLog>(session, part, budget_);
    counters_.captures_open.fetch_add(1, std::memory_order_relaxed);
    const std::scoped_lock lock(mutex_);
    new_.push_back(log);
    return log;
}

std::string CaptureSpool::live_path(const Part& part) const {
    return layout_.live() + "/" + capture_name(part.session, part.number);
}

void CaptureSpool::adopt_new() {
    const std::scoped_lock lock(mutex_);
    for (auto& log : new_) {
        captures_.push_back({.log = std::move(log), .file = {}});
    }
    new_.clear();
}

void CaptureSpool::flush() {
    adopt_new();
    bool failing = false;
    std::uint64_t waiting_bytes = 0;
    std::erase_if(captures_, [&](OpenCapture& capture) {
        const bool written = flush_one(capture);
        failing = failing || !written;
        waiting_bytes += written ? 0 : capture.log->pending_bytes();
        if (!written || !capture.log->is_drained() || !capture.log->is_followed()) {
            return false;
        }
        close_one(capture);
        return true;
    });
    counters_.queue_bytes.store(waiting_bytes, std::memory_order_relaxed);
    flush_failing_.store(failing, std::memory_order_relaxed);
}

bool CaptureSpool::flush_one(OpenCapture& capture) {
    counters_.packets.fetch_add(capture.log->take_packets(), std::memory_order_relaxed);
    if (auto written = write_pending(capture); !written) {
        counters_.write_errors.fetch_add(1, std::memory_order_relaxed);
        flush_trouble_.report(capture.log->session(), written.error().to_string());
        return false;
    }
    return true;
}

Result<void> CaptureSpool::write_pending(OpenCapture& capture) {
    for (auto bytes = capture.log->pending(); !bytes.empty(); bytes = capture.log->pending()) {
        const std::string path = live_path({capture.log->session(), capture.log->part()});
        if (!capture.file) {
            auto file = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
            if (!file) {
                return std::move(file).error();
            }
            capture.file = std::move(*file);
        }
        const WriteOutcome outcome = write_some(capture.file.get(), bytes);
        capture.log->consume(outcome.written);
        if (outcome.written > 0) {
            counters_.bytes_written.fetch_add(outcome.written, std::memory_order_relaxed);
            dirty_.store(true, std::memory_order_release);
            capture.log->note_written();
        }
        if (outcome.error_number != 0) {
            return file_error("write", path, outcome.error_number);
        }
    }
    return {};
}

void CaptureSpool::close_one(OpenCapture& capture) {
    const Part part{capture.log->session(), capture.log->part()};
    if (auto closed = capture.file.close(live_path(part)); !closed) {
        counters_.write_errors.fetch_add(1, std::memory_order_relaxed);
        flush_trouble_.report(part.session, closed.error().to_string());
    }
    counters_.captures_open.fetch_sub(1, std::memory_order_relaxed);
    dirty_.store(true, std::memory_order_release);
    const std::scoped_lock lock(mutex_);
    finished_.push_back(part);
}

void CaptureSpool::commit() {
    std::vector<Part> finished;
    {
        const std::scoped_lock lock(mutex_);
        finished.swap(finished_);
    }
    if (!dirty_.exchange(false, std::memory_order_acq_rel) && finished.empty()) {
        return;
    }
    bool failing = false;
    if (auto synced = sync_live(); !synced) {
        failing = true;
        dirty_.store(true, std::memory_order_release);
        counters_.write_errors.fetch_add(1, std::memory_order_relaxed);
        commit_trouble_.report({}, synced.error().to_string());
    }
    // Handed over even if the sync failed: the kernel reports a failed write-back once, and waiting
    // makes the file no better.
    failing = !hand_over(finished) || failing;
    counters_.commits.fetch_add(1, std::memory_order_relaxed);
    commit_failing_.store(failing, std::memory_order_relaxed);
    const std::scoped_lock lock(mutex_);
    finished_.insert(finished_.end(), finished.begin(), finished.end());
}

Result<void> CaptureSpool::sync_live() {
    if (!live_directory_) {
        auto directory = open_file(layout_.live(), O_RDONLY | O_DIRECTORY);
        if (!directory) {
            return std::move(directory).error();
        }
        live_directory_ = std::move(*directory);
    }
    // One call for all captures, however many there are; a sync each would cost a journal commit
    // each.
    if (::syncfs(live_directory_.get()) != 0) {
        return file_error("sync", layout_.live(), errno);
    }
    return {};
}

bool CaptureSpool::hand_over(std::vector<Part>& finished) {
    if (finished.empty()) {
        return true;
    }
    std::erase_if(finished, [&](const Part& part) {
        const std::string from = live_path(part);
        const std::string to = layout_.captures() + "/" + capture_name(part.session, part.number);
        if (::rename(from.c_str(), to.c_str()) == 0) {
            return true;
        }
        const Error failure = file_error("rename", from, errno);
        counters_.write_errors.fetch_add(1, std::memory_order_relaxed);
        commit_trouble_.report(part.session, failure.to_string());
        return failure.code() == ErrorCode::NotFound;
    });
    bool good = finished.empty();
    for (const std::string& folder : {layout_.captures(), layout_.live()}) {
        if (auto synced = sync_path(folder); !synced) {
            good = false;
            commit_trouble_.report({}, synced.error().to_string());
        }
    }
    return good;
}

}  // namespace siprec::server
