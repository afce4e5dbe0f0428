#include "recorder/live_wing.hpp"

#include "capture/capture_sink.hpp"
#include "capture/capture_writer.hpp"
#include "capture/layout.hpp"
#include "capture/recovery.hpp"
#include "capture/spool.hpp"
#include "recorder/admission.hpp"
#include "recorder/disk_watch.hpp"
#include "recorder/session_sinks.hpp"
#include "store/files.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace siprec::server {
namespace {

constexpr std::chrono::seconds kWatchInterval{1};

/// Each stream takes two sockets and each session a file; the usual soft limit of 1,024 ends at 200
/// calls.
void raise_file_limit(Logger& logger) {
    struct rlimit limit {};

    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        logger.log(LogLevel::Warning, "capture", "the limit on open files could not be raised");
    }
}

/// Room for every session that may run, and for what the disk is behind.
CaptureSpool::Options spool_limits(const Config& config) {
    constexpr std::size_t kBytesPerSession = std::size_t{64} * 1024;
    CaptureSpool::Options limits;
    limits.memory_limit_bytes =
        std::max(limits.memory_limit_bytes, config.recorder.limits.max_sessions * kBytesPerSession);
    return limits;
}

class LiveWingImpl final : public LiveWing {
  public:
    LiveWingImpl(const Config& config,
                 DataLayout layout,
                 FileLock lock,
                 std::unique_ptr<SessionSinks> more_sinks,
                 Logger& logger)
        : lock_(std::move(lock)),
          more_sinks_(std::move(more_sinks)),
          spool_(std::move(layout), spool_limits(config), logger, system_clock()),
          sinks_(spool_, config.recorder.user_agent, system_clock()),
          admission_(config, more_sinks_.get()),
          disk_(config.data_directory, config.disk, logger),
          writer_(spool_, config.capture) {
        watch();
        watcher_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                std::unique_lock guard(mutex_);
                wake_.wait_for(guard, stop, kWatchInterval, [] { return false; });
                watch();
            }
        });
    }

    LiveWingImpl(const LiveWingImpl&) = delete;
    LiveWingImpl& operator=(const LiveWingImpl&) = delete;

    ~LiveWingImpl() override { shut_down(); }

    [[nodiscard]] Result<void> open(const RecorderConfig& config, Logger& logger) {
        auto recorder = Recorder::start(config, sinks_, admission_, logger);
        if (!recorder) {
            return std::move(recorder).error();
        }
        recorder_ = std::move(*recorder);
        return {};
    }

    [[nodiscard]] std::vector<Listener> listeners() const override {
        return recorder_->listeners();
    }

    [[nodiscard]] RecorderStats recorder_stats() const override { return recorder_->stats(); }

    [[nodiscard]] CaptureStats capture_stats() const override {
        const SpoolCounters& counters = spool_.counters();
        return {.packets = counters.packets.load(std::memory_order_relaxed),
                .bytes_written = counters.bytes_written.load(std::memory_order_relaxed),
                .write_errors = counters.write_errors.load(std::memory_order_relaxed),
                .packets_dropped = counters.packets_dropped.load(std::memory_order_relaxed),
                .queue_bytes = counters.queue_bytes.load(std::memory_order_relaxed),
                .captures_open = counters.captures_open.load(std::memory_order_relaxed),
                .commits = counters.commits.load(std::memory_order_relaxed),
                .disk_free_bytes = disk_.free_bytes(),
                .disk_alarm = disk_.is_alarm(),
                .refusing = !admission_.is_open()};
    }

    [[nodiscard]] std::vector<SessionStatus> sessions() const override {
        return recorder_->sessions();
    }

    [[nodiscard]] Result<void> end_session(const Uuid& session, std::string reason) override {
        return recorder_->end_session(session, std::move(reason));
    }

    [[nodiscard]] Result<void> pause(const Uuid& session) override {
        return recorder_->pause(session);
    }

    [[nodiscard]] Result<void> resume(const Uuid& session) override {
        return recorder_->resume(session);
    }

    [[nodiscard]] Result<void> drop_stream(const Uuid& session,
                                           std::uint32_t media_index) override {
        return recorder_->drop_stream(session, media_index);
    }

    [[nodiscard]] Result<void> request_snapshot(const Uuid& session, std::string reason) override {
        return recorder_->request_snapshot(session, std::move(reason));
    }

    [[nodiscard]] Result<Uuid> start_session(std::string src) override {
        if (!is_ready()) {
            return Error(ErrorCode::Unavailable, "no new session can be recorded now");
        }
        return recorder_->start_session(std::move(src));
    }

    [[nodiscard]] Result<void> attach_sink(const Uuid& session, const std::string& name) override {
        const auto sinks = more_sinks_->find(name);
        if (!sinks) {
            return sinks.error();
        }
        return recorder_->attach_sinks(session, **sinks);
    }

    [[nodiscard]] WebSocketStats websocket_stats() const override {
        return more_sinks_->websocket_stats();
    }

    [[nodiscard]] bool is_ready() const override {
        return !draining_.load(std::memory_order_relaxed) && admission_.is_open();
    }

    [[nodiscard]] Result<void> reload(const Config& config) override {
        admission_.allow(config.allowed_sources);
        return recorder_->reload(config.recorder);
    }

    void drain() override {
        draining_.store(true, std::memory_order_relaxed);
        recorder_->drain();
    }

    void stop() override { shut_down(); }

  private:
    void watch() {
        disk_.check();
        admission_.set_disk_full(disk_.is_full());
        admission_.set_writer_failing(spool_.is_failing());
    }

    // Not virtual, as the destructor calls it. In this order: sessions end and their sinks append
    // the last events, then the writer writes them out.
    void shut_down() {
        draining_.store(true, std::memory_order_relaxed);
        if (recorder_ != nullptr) {
            recorder_->stop();
        }
        writer_.stop();
        if (watcher_.joinable()) {
            watcher_.request_stop();
            watcher_.join();
        }
    }

    FileLock lock_;
    std::unique_ptr<SessionSinks> more_sinks_;
    CaptureSpool spool_;
    CaptureSinkFactory sinks_;
    Admission admission_;
    DiskWatch disk_;
    CaptureWriter writer_;
    std::atomic<bool> draining_{false};
    std::unique_ptr<Recorder> recorder_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread watcher_;
};

}  // namespace

Result<std::unique_ptr<LiveWing>> LiveWing::start(const Config& config, Logger& logger) {
    const DataLayout layout{config.data_directory};
    if (auto created = layout.create(); !created) {
        return std::move(created).error();
    }
    auto lock = FileLock::acquire(layout.live_lock());
    if (!lock) {
        return std::move(lock).error();
    }
    if (const auto recovered = recover_captures(layout, logger); !recovered) {
        return recovered.error();
    }
    raise_file_limit(logger);
    auto more_sinks = SessionSinks::create(config.sinks, logger);
    if (!more_sinks) {
        return std::move(more_sinks).error();
    }
    auto wing = std::make_unique<LiveWingImpl>(
        config, layout, std::move(*lock), std::move(*more_sinks), logger);
    if (auto opened = wing->open(config.recorder, logger); !opened) {
        return std::move(opened).error();
    }
    return std::unique_ptr<LiveWing>(std::move(wing));
}

}  // namespace siprec::server
