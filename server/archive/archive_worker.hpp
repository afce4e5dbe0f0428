#pragma once

#include "archive/capture_archiver.hpp"
#include "archive/live_watch.hpp"

#include <siprec/clock.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
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

/// Which sessions a worker takes, with all parts of their captures. Both states of a recording,
/// running and finished, are entered by the same worker one after the other, so that the older
/// state never comes last.
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
                  const metadata::ParseLimits& limits,
                  WorkerShare share,
                  const ProfileStore& profiles,
                  Catalog& catalog,
                  const DecoderRegistry& decoders,
                  const Clock& clock,
                  Logger& logger);

    /// Looks at what is there and does what is due. @return true when more could be done at once
    [[nodiscard]] bool run_round();

    /// *Thread-safe*: the process is about to be stopped; what the worker does at this moment is no
    /// death of its capture.
    void excuse() { archiver_.excuse(); }

  private:
    struct Job {
        SessionJob job;
        Backoff backoff;
        std::optional<SteadyTime> stuck_since;  // promised another part that is nowhere
    };

    enum class Progress : std::uint8_t { More, Waits, Done };

    void watch_live();
    void find_captures();
    [[nodiscard]] bool is_waiting(const Job& job, SteadyTime now) const;
    [[nodiscard]] Progress advance(Job& job);
    [[nodiscard]] Progress prepare(Job& job);
    [[nodiscard]] bool enter(Job& job);
    [[nodiscard]] bool skip_entered(Job& job);
    [[nodiscard]] bool remove_parts(Job& job);
    [[nodiscard]] Progress tidy(Job& job);
    void give_up_waiting(Job& job);
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
    std::map<Uuid, Job> jobs_;
    std::size_t prepared_ = 0;  // recordings that wait for the catalogue in memory
};

}  // namespace siprec::server
