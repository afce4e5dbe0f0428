#include "archive/archive_wing.hpp"

#include "archive/archive_worker.hpp"
#include "capture/layout.hpp"
#include "catalog/catalog.hpp"
#include "store/files.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace siprec::server {
namespace {

constexpr std::chrono::milliseconds kRoundPause{500};
constexpr std::chrono::seconds kLockPause{1};
// Below the live wing on the same machine, which must not wait for a renderer.
constexpr int kNiceness = 10;

/// Waits, or less when told to stop.
class Pause {
  public:
    template <typename Duration>
    void wait(const std::stop_token& stop, Duration length) {
        std::unique_lock lock(mutex_);
        condition_.wait_for(lock, stop, length, [] { return false; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable_any condition_;
};

/// A worker that was restarted may have to wait for the end of the one before.
std::optional<FileLock> wait_for_lock(const DataLayout& layout,
                                      Logger& logger,
                                      const std::stop_token& stop) {
    Pause pause;
    bool said = false;
    while (!stop.stop_requested()) {
        auto lock = layout.create() ? FileLock::acquire(layout.archive_lock())
                                    : Result<FileLock>(Error(ErrorCode::Io, layout.root));
        if (lock) {
            return std::move(*lock);
        }
        if (!std::exchange(said, true)) {
            logger.log(LogLevel::Warning, "archive", lock.error().to_string());
        }
        pause.wait(stop, kLockPause);
    }
    return std::nullopt;
}

void run_worker(ArchiveWorker& worker, const std::stop_token& stop) {
    Pause pause;
    while (!stop.stop_requested()) {
        if (!worker.run_round()) {
            pause.wait(stop, kRoundPause);
        }
    }
}

}  // namespace

void run_archive(const Config& config,
                 const std::string& database_url,
                 const ProfileStore& profiles,
                 Logger& logger,
                 const std::stop_token& stop) {
    const DataLayout layout{config.data_directory};
    const auto lock = wait_for_lock(layout, logger, stop);
    if (!lock) {
        return;
    }
    const DecoderRegistry decoders = DecoderRegistry::with_defaults();
    const std::size_t count = std::max<std::size_t>(1, config.render.workers);
    std::vector<std::jthread> workers;
    for (std::size_t index = 0; index < count; ++index) {
        workers.emplace_back([&, index] {
            // On Linux this is the thread's own niceness; without it the work is done all the same.
            (void)::setpriority(PRIO_PROCESS, 0, kNiceness);
            const auto catalog = Catalog::create(database_url);
            ArchiveWorker worker(layout,
                                 config.render,
                                 config.recorder.limits.metadata,
                                 {index, count},
                                 profiles,
                                 *catalog,
                                 decoders,
                                 system_clock(),
                                 logger);
            // Who told us to stop may not wait for the end of a long rendering.
            const std::stop_callback stopped(stop, [&worker] { worker.excuse(); });
            run_worker(worker, stop);
        });
    }
    logger.log(LogLevel::Info, "archive", "archive wing started");
    workers.clear();
    logger.log(LogLevel::Info, "archive", "archive wing stopped");
}

}  // namespace siprec::server
