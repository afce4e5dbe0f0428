#pragma once

// Captures from memory to disk, as steps that a thread (or a test) drives.

#include "capture/capture_log.hpp"
#include "capture/layout.hpp"
#include "store/files.hpp"

#include <siprec/clock.hpp>
#include <siprec/log.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace siprec::server {

/// Says each kind of trouble at most once a second, with how often it happened. One thread.
class TroubleLog {
  public:
    TroubleLog(Logger& logger, const Clock& clock) : logger_(logger), clock_(clock) {}

    void report(const Uuid& session, std::string_view message);

  private:
    Logger& logger_;
    const Clock& clock_;
    SteadyTime quiet_until_{};
    std::uint64_t unsaid_ = 0;
};

/// Counters; *thread-safe*.
struct SpoolCounters {
    std::atomic<std::uint64_t> packets{0};
    std::atomic<std::uint64_t> bytes_written{0};
    std::atomic<std::uint64_t> write_errors{0};
    std::atomic<std::uint64_t> packets_dropped{0};
    std::atomic<std::uint64_t> queue_bytes{0};
    std::atomic<std::uint64_t> captures_open{0};
    std::atomic<std::uint64_t> commits{0};
};

/// The captures of one data directory. `open` may be called by any thread, `flush` by one and
/// `commit` by one, which may be another: a sync that takes long keeps nobody from writing.
class CaptureSpool {
  public:
    struct Options {
        /// Above, packets are dropped and the gap goes on record.
        std::size_t memory_limit_bytes = std::size_t{256} * 1024 * 1024;
    };

    /// @param layout  its folders exist
    CaptureSpool(DataLayout layout, Options options, Logger& logger, const Clock& clock);

    /// A new capture, or a further part of one; its file comes with the first flush.
    [[nodiscard]] std::shared_ptr<CaptureLog> open(const Uuid& session, std::uint32_t part = 1);

    /// Appends to the files what the sessions have published. What the disk refuses stays in memory
    /// and is tried again at the next call.
    void flush();

    /// Makes everything durable that was flushed before, and hands finished captures to the
    /// archive.
    void commit();

    /// The last flush or commit failed somewhere.
    [[nodiscard]] bool is_failing() const noexcept {
        return flush_failing_.load(std::memory_order_relaxed) ||
               commit_failing_.load(std::memory_order_relaxed);
    }

    [[nodiscard]] SpoolCounters& counters() noexcept { return counters_; }

    [[nodiscard]] const SpoolCounters& counters() const noexcept { return counters_; }

  private:
    struct OpenCapture {
        // Shared because the media thread that fills the log and the capture writer that empties it
        // end at different times.
        std::shared_ptr<CaptureLog> log;
        UniqueFd file;
    };

    /// One file.
    struct Part {
        Uuid session;
        std::uint32_t number;
    };

    [[nodiscard]] std::string live_path(const Part& part) const;
    void adopt_new();
    [[nodiscard]] bool flush_one(OpenCapture& capture);
    [[nodiscard]] Result<void> write_pending(OpenCapture& capture);
    void close_one(OpenCapture& capture);
    [[nodiscard]] Result<void> sync_live();
    [[nodiscard]] bool hand_over(std::vector<Part>& finished);

    const DataLayout layout_;
    MemoryBudget budget_;
    SpoolCounters counters_;
    std::atomic<bool> flush_failing_{false};
    std::atomic<bool> commit_failing_{false};
    std::atomic<bool> dirty_{false};

    std::vector<OpenCapture> captures_;  // flush only
    TroubleLog flush_trouble_;           // flush only
    TroubleLog commit_trouble_;          // commit only
    UniqueFd live_directory_;            // commit only

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<CaptureLog>> new_;  // guarded by mutex_
    std::vector<Part> finished_;  // guarded by mutex_; written, not yet handed over
};

}  // namespace siprec::server
