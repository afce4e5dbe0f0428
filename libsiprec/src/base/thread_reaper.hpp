#pragma once

// Joins threads that are about to end, for those who must not wait: media threads.

#include "base/mutex.hpp"

#include <cstdint>
#include <deque>
#include <thread>

namespace siprec::base {

/// *Thread-safe.*
class ThreadReaper {
  public:
    ThreadReaper();
    ThreadReaper(const ThreadReaper&) = delete;
    ThreadReaper& operator=(const ThreadReaper&) = delete;

    /// Joins what it was given.
    ~ThreadReaper();

    /// Takes a thread that ends by itself, soon.
    void take(std::thread thread);

    /// Returns when all threads taken so far have ended.
    void wait();

  private:
    void run();

    Mutex mutex_;
    ConditionVariable changed_;
    std::deque<std::thread> waiting_ SIPREC_GUARDED_BY(mutex_);
    std::uint64_t taken_ SIPREC_GUARDED_BY(mutex_) = 0;
    std::uint64_t joined_ SIPREC_GUARDED_BY(mutex_) = 0;
    bool stopping_ SIPREC_GUARDED_BY(mutex_) = false;
    std::thread worker_;  // last: it uses all of the above
};

/// The program's. Lives until its end.
[[nodiscard]] ThreadReaper& thread_reaper();

}  // namespace siprec::base
