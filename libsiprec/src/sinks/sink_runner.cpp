#include "sinks/sink_runner.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace siprec::sinks {

namespace {

// Calls of one strand that run before others have their turn.
constexpr int kTurn = 64;

SteadyTime steady_now() noexcept {
    return system_clock().steady_now();
}

}  // namespace

void Strand::cut_off() {
    cut_off_.store(true, std::memory_order_release);
    std::deque<Entry> dropped;
    {
        const base::MutexLock lock(mutex_);
        dropped.swap(entries_);
        bytes_ = 0;
    }
}

SinkRunner::SinkRunner(const IsolationConfig& config, Logger& logger)
    : config_(config), logger_(logger) {}

void SinkRunner::start() {
    const base::MutexLock lock(mutex_);
    for (std::uint32_t i = 0; i < std::max(config_.threads, 1U); ++i) {
        start_worker();
    }
    ++threads_;
    // Detached, as all threads here: whoever stops waits for their number, not for their ends, of
    // which one may never come.
    std::thread([self = shared_from_this()] { self->watch(); }).detach();
}

void SinkRunner::start_worker() {
    auto worker = std::make_shared<Worker>();
    workers_.push_back(worker);
    ++threads_;
    std::thread([self = shared_from_this(), worker] { self->work(worker); }).detach();
}

std::shared_ptr<Strand> SinkRunner::make_strand(std::string name) {
    return std::make_shared<Strand>(std::move(name), config_.queue_bytes);
}

void SinkRunner::dispose(std::shared_ptr<void> object) {
    post(make_strand({}), [object = std::move(object)] {});
}

void SinkRunner::post(const std::shared_ptr<Strand>& strand, Call call) {
    static_cast<void>(enqueue(strand, {.call = std::move(call), .bytes = 0}, false));
}

bool SinkRunner::try_post(const std::shared_ptr<Strand>& strand, std::size_t bytes, Call call) {
    return enqueue(strand, {.call = std::move(call), .bytes = bytes}, true);
}

bool SinkRunner::enqueue(const std::shared_ptr<Strand>& strand,
                         Strand::Entry entry,
                         bool droppable) {
    if (strand->is_cut_off()) {
        return false;
    }
    {
        const base::MutexLock lock(strand->mutex_);
        if (droppable && strand->bytes_ + entry.bytes > strand->queue_bytes_) {
            return false;
        }
        strand->bytes_ += entry.bytes;
        strand->entries_.push_back(std::move(entry));
        if (std::exchange(strand->is_scheduled_, true)) {
            return true;
        }
    }
    {
        const base::MutexLock lock(mutex_);
        ++unfinished_;
        ready_.push_back(strand);
    }
    changed_.notify_all();
    return true;
}

void SinkRunner::work(const std::shared_ptr<Worker>& worker) {
    while (const auto strand = next_strand(worker)) {
        bool has_more = true;
        for (int i = 0; i < kTurn && has_more; ++i) {
            {
                const base::MutexLock lock(mutex_);
                worker->since = steady_now();
            }
            has_more = run_one(*strand);
        }
        const base::MutexLock lock(mutex_);
        worker->strand.reset();
        if (worker->is_replaced) {
            return;  // counted out when it was replaced
        }
        if (has_more) {
            ready_.push_back(strand);
        } else {
            --unfinished_;
        }
        changed_.notify_all();
    }
    const base::MutexLock lock(mutex_);
    --threads_;
    changed_.notify_all();
}

/// Waits for one. @return none when all is over
std::shared_ptr<Strand> SinkRunner::next_strand(const std::shared_ptr<Worker>& worker) {
    const base::MutexLock lock(mutex_);
    while (ready_.empty()) {
        if (stopping_) {
            return nullptr;
        }
        changed_.wait(mutex_);
    }
    worker->strand = std::move(ready_.front());
    worker->since = steady_now();
    ready_.pop_front();
    return worker->strand;
}

/// @return whether the strand has more to run
bool SinkRunner::run_one(Strand& strand) {
    Strand::Entry entry;
    {
        const base::MutexLock lock(strand.mutex_);
        if (strand.entries_.empty()) {
            strand.is_scheduled_ = false;
            return false;
        }
        entry = std::move(strand.entries_.front());
        strand.entries_.pop_front();
        strand.bytes_ -= entry.bytes;
    }
    try {
        entry.call();
    } catch (const std::exception& error) {
        strand.cut_off();
        logger_.log(LogLevel::Error,
                    "sinks",
                    "a sink threw; it is closed",
                    {{"rs", strand.name_}, {"error", error.what()}});
    } catch (...) {
        strand.cut_off();
        logger_.log(LogLevel::Error, "sinks", "a sink threw; it is closed", {{"rs", strand.name_}});
    }
    return true;
}

void SinkRunner::watch() {
    const auto pause = std::max(config_.patience / 4, std::chrono::milliseconds(1));
    bool is_over = false;
    while (!is_over) {
        std::vector<std::shared_ptr<Strand>> stuck;
        {
            const base::MutexLock lock(mutex_);
            changed_.wait_for(mutex_, pause);
            stuck = replace_stuck(steady_now());
            is_over = stopping_ && unfinished_ == 0;
        }
        for (const std::shared_ptr<Strand>& strand : stuck) {
            strand->cut_off();
            logger_.log(LogLevel::Error,
                        "sinks",
                        "a sink does not return; it gets nothing more",
                        {{"rs", strand->name_}});
        }
    }
    const base::MutexLock lock(mutex_);
    --threads_;
    changed_.notify_all();
}

/// @return the strands whose calls do not return; their threads are no longer counted
std::vector<std::shared_ptr<Strand>> SinkRunner::replace_stuck(SteadyTime now) {
    std::vector<std::shared_ptr<Strand>> stuck;
    std::erase_if(workers_, [&](const std::shared_ptr<Worker>& worker) {
        if (!worker->strand || now - worker->since <= config_.patience) {
            return false;
        }
        worker->is_replaced = true;
        stuck.push_back(worker->strand);
        return true;
    });
    threads_ -= stuck.size();
    unfinished_ -= stuck.size();
    for (std::size_t i = 0; i < stuck.size(); ++i) {
        start_worker();
    }
    return stuck;
}

void SinkRunner::stop() {
    const auto deadline = steady_now() + config_.patience;
    std::vector<std::shared_ptr<Strand>> late;
    {
        const base::MutexLock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
        while (unfinished_ > 0 && steady_now() < deadline) {
            changed_.wait_for(mutex_, std::chrono::milliseconds(20));
        }
        late.assign(ready_.begin(), ready_.end());
        for (const std::shared_ptr<Worker>& worker : workers_) {
            if (worker->strand) {
                late.push_back(worker->strand);
            }
        }
    }
    for (const std::shared_ptr<Strand>& strand : late) {
        strand->cut_off();
    }
    // Those in a call now are waited for as long as any call may take, and then left behind.
    const base::MutexLock lock(mutex_);
    while (threads_ > 0) {
        changed_.wait_for(mutex_, std::chrono::milliseconds(20));
    }
}

}  // namespace siprec::sinks
