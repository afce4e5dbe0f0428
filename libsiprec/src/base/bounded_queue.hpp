#pragma once

#include "base/mutex.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace siprec::base {

/// A queue between threads that refuses the newest item when it is full. *Thread-safe.*
template <typename T>
class BoundedQueue {
  public:
    explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

    /// @return false, with `item` untouched, when the queue is full or closed
    [[nodiscard]] bool try_push(T& item) {
        {
            const MutexLock lock(mutex_);
            if (closed_ || items_.size() >= capacity_) {
                return false;
            }
            items_.push_back(std::move(item));
        }
        not_empty_.notify_one();
        return true;
    }

    /// For what must not be lost and is itself bounded elsewhere (the end of a session that was
    /// admitted): goes in although the queue is full. @return false only when it is closed
    [[nodiscard]] bool push_always(T item) {
        {
            const MutexLock lock(mutex_);
            if (closed_) {
                return false;
            }
            items_.push_back(std::move(item));
        }
        not_empty_.notify_one();
        return true;
    }

    /// Takes everything that is there, without waiting.
    [[nodiscard]] std::deque<T> take_all() {
        const MutexLock lock(mutex_);
        return std::exchange(items_, {});
    }

    /// Waits for one item. @return nothing when the queue is closed and empty
    [[nodiscard]] std::optional<T> pop() {
        const MutexLock lock(mutex_);
        while (items_.empty() && !closed_) {
            not_empty_.wait(mutex_);
        }
        return pop_front();
    }

    /// Waits for one item, at most `timeout`.
    [[nodiscard]] std::optional<T> pop_for(std::chrono::nanoseconds timeout) {
        const MutexLock lock(mutex_);
        if (items_.empty() && !closed_) {
            not_empty_.wait_for(mutex_, timeout);
        }
        return pop_front();
    }

    /// No further item goes in; what is there can still be taken.
    void close() {
        {
            const MutexLock lock(mutex_);
            closed_ = true;
        }
        not_empty_.notify_all();
    }

    [[nodiscard]] std::size_t size() const {
        const MutexLock lock(mutex_);
        return items_.size();
    }

  private:
    std::optional<T> pop_front() SIPREC_REQUIRES(mutex_) {
        if (items_.empty()) {
            return std::nullopt;
        }
        std::optional<T> item(std::move(items_.front()));
        items_.pop_front();
        return item;
    }

    const std::size_t capacity_;
    mutable Mutex mutex_;
    ConditionVariable not_empty_;
    std::deque<T> items_ SIPREC_GUARDED_BY(mutex_);
    bool closed_ SIPREC_GUARDED_BY(mutex_) = false;
};

}  // namespace siprec::base
