#pragma once

#include "archive/capture_archiver.hpp"
#include "archive/live_watch.hpp"

#include <siprec/clock.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace siprec::server {

/// 1 s, doubled at each failure up to 30 s.
class Backoff {
  public:
    void fail(SteadyTime now);

    void succeed() noexcept { delay_ = {}; }

    [[nodiscard]] bool is_due(SteadyTime now) const noexcept {
        return delay_ == std::chrono::seconds{} || now >= due_;
    }

  private:
    std::chrono::seconds delay_{};
    SteadyTime due_{};
};

/// Which captures a worker takes. Both states of a recording, running and finished, are entered by
/// the same worker one after the other, so that the older state never comes last.
struct WorkerShare {
    std::size_t index = 0;
    std::size_t count = 1;

    [[nodiscard]] bool has(std::string_view capture_name) const;
};

/// Archives its share of the captures of one data directory, round by round. One thread.
class ArchiveWorker {
  public:
    /// @param profiles, clock, catalog, decoders, logger  outlive the worker; the catalogue is used
    /// by nobody else
    ArchiveWorker(const DataLayout& layout,
                  const RenderConfig& render,
                  WorkerShare share,
                  const ProfileStore& profiles,
                  Catalog& catalog,
                  const DecoderRegistry& decoders,
                  const Clock& clock,
                  Logger& logger);

    /// Looks at what is there and does what is due. @return true when more could be done at once
    [[nodiscard]] bool run_round();

  private:
    struct Job {
        ArchiveJob job;
        Backoff backoff;
    };

    void watch_live();
    void find_captures();
    [[nodiscard]] bool is_waiting(const Job& job, SteadyTime now) const;
    [[nodiscard]] bool advance(Job& job);
    [[nodiscard]] bool prepare(Job& job);
    [[nodiscard]] bool enter(Job& job);
    void note_catalog_success();
    void note_catalog_failure(const Error& failure);

    const DataLayout layout_;
    const WorkerShare share_;
    Catalog& catalog_;
    const Clock& clock_;
    Logger& logger_;
    CaptureArchiver archiver_;
    LiveWatch live_;
    Backoff catalog_backoff_;
    bool catalog_away_ = false;  // said in the log
    std::map<std::string, Job> jobs_;
    std::size_t prepared_ = 0;  // jobs that wait for the catalogue with their record in memory
};

}  // namespace siprec::server
