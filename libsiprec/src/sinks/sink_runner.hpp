#pragma once

// Threads that run other people's code: calls queued in strands, a strand a session. A call that
// does not return loses its strand and its thread, and nobody else anything.

#include "base/mutex.hpp"

#include <siprec/clock.hpp>
#include <siprec/isolated_sinks.hpp>
#include <siprec/log.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace siprec::sinks {

using Call = std::function<void()>;

/// Calls that run one after the other. *Thread-safe.*
class Strand {
  public:
    Strand(std::string name, std::size_t queue_bytes)
        : name_(std::move(name)), queue_bytes_(queue_bytes) {}

    /// Goes on without what was queued, and without what comes.
    void cut_off();

    [[nodiscard]] bool is_cut_off() const noexcept {
        return cut_off_.load(std::memory_order_acquire);
    }

  private:
    friend class SinkRunner;

    struct Entry {
        Call call;
        std::size_t bytes = 0;
    };

    const std::string name_;
    const std::size_t queue_bytes_;
    std::atomic<bool> cut_off_ = false;
    base::Mutex mutex_;
    std::deque<Entry> entries_ SIPREC_GUARDED_BY(mutex_);
    std::size_t bytes_ SIPREC_GUARDED_BY(mutex_) = 0;
    bool is_scheduled_ SIPREC_GUARDED_BY(mutex_) = false;  // queued for a thread, or on one
};

/// The threads. Lives on while one of them is in a call that does not return. *Thread-safe.*
class SinkRunner : public std::enable_shared_from_this<SinkRunner> {
  public:
    SinkRunner(const IsolationConfig& config, Logger& logger);

    /// To be called once, before anything is queued.
    void start();

    [[nodiscard]] std::shared_ptr<Strand> make_strand(std::string name);

    /// Queues a call that must not be lost.
    void post(const std::shared_ptr<Strand>& strand, Call call);

    /// Queues a call that holds `bytes` of media. @return false when there is no room
    [[nodiscard]] bool try_post(const std::shared_ptr<Strand>& strand,
                                std::size_t bytes,
                                Call call);

    /// Gives up a reference on a thread of the runner, for the destructor behind it may be slow.
    void dispose(std::shared_ptr<void> object);

    /// Lets the strands finish, at most the configured patience; then cuts off what is left.
    void stop();

  private:
    struct Worker {
        std::shared_ptr<Strand> strand;  // none: idle
        SteadyTime since;                // of the call that it is in
        bool is_replaced = false;
    };

    bool enqueue(const std::shared_ptr<Strand>& strand, Strand::Entry entry, bool droppable);
    void start_worker() SIPREC_REQUIRES(mutex_);
    void work(const std::shared_ptr<Worker>& worker);
    std::shared_ptr<Strand> next_strand(const std::shared_ptr<Worker>& worker);
    bool run_one(Strand& strand);
    void watch();
    std::vector<std::shared_ptr<Strand>> replace_stuck(SteadyTime now) SIPREC_REQUIRES(mutex_);

    const IsolationConfig config_;
    Logger& logger_;
    base::Mutex mutex_;
    base::ConditionVariable changed_;
    std::deque<std::shared_ptr<Strand>> ready_ SIPREC_GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<Worker>> workers_ SIPREC_GUARDED_BY(mutex_);
    std::size_t threads_ SIPREC_GUARDED_BY(mutex_) = 0;     // that have not ended, but the stuck
    std::size_t unfinished_ SIPREC_GUARDED_BY(mutex_) = 0;  // strands that are scheduled
    bool stopping_ SIPREC_GUARDED_BY(mutex_) = false;
};

}  // namespace siprec::sinks
