#pragma once

// A mutex that clang's thread-safety analysis can reason about (-Wthread-safety); libstdc++'s own
// carries no capability attributes.

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define SIPREC_CAPABILITY(x) __attribute__((capability(x)))
#define SIPREC_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define SIPREC_GUARDED_BY(x) __attribute__((guarded_by(x)))
#define SIPREC_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define SIPREC_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define SIPREC_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define SIPREC_NO_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define SIPREC_CAPABILITY(x)
#define SIPREC_SCOPED_CAPABILITY
#define SIPREC_GUARDED_BY(x)
#define SIPREC_REQUIRES(...)
#define SIPREC_ACQUIRE(...)
#define SIPREC_RELEASE(...)
#define SIPREC_NO_ANALYSIS
#endif

namespace siprec::base {

class SIPREC_CAPABILITY("mutex") Mutex {
  public:
    void lock() SIPREC_ACQUIRE() { mutex_.lock(); }

    void unlock() SIPREC_RELEASE() { mutex_.unlock(); }

  private:
    friend class ConditionVariable;
    std::mutex mutex_;
};

class SIPREC_SCOPED_CAPABILITY MutexLock {
  public:
    explicit MutexLock(Mutex& mutex) SIPREC_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }

    ~MutexLock() SIPREC_RELEASE() { mutex_.unlock(); }

    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

  private:
    Mutex& mutex_;
};

/// Waits with the mutex held; wakes for no reason at times, so test the condition in a loop.
class ConditionVariable {
  public:
    void wait(Mutex& mutex) SIPREC_REQUIRES(mutex) {
        std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
        condition_.wait(lock);
        lock.release();
    }

    template <typename Duration>
    std::cv_status wait_for(Mutex& mutex, const Duration& duration) SIPREC_REQUIRES(mutex) {
        std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
        const std::cv_status status = condition_.wait_for(lock, duration);
        lock.release();
        return status;
    }

    void notify_one() noexcept { condition_.notify_one(); }

    void notify_all() noexcept { condition_.notify_all(); }

  private:
    std::condition_variable condition_;
};

}  // namespace siprec::base
