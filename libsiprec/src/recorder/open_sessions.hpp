#pragma once

#include "base/mutex.hpp"

#include <cstddef>

namespace siprec::recorder {

/// Counts the sessions whose sinks have not finished, for an orderly stop. *Thread-safe.*
class OpenSessions {
  public:
    void add() {
        const base::MutexLock lock(mutex_);
        ++count_;
    }

    void remove() {
        {
            const base::MutexLock lock(mutex_);
            --count_;
        }
        none_.notify_all();
    }

    void wait_until_none() {
        const base::MutexLock lock(mutex_);
        while (count_ > 0) {
            none_.wait(mutex_);
        }
    }

  private:
    base::Mutex mutex_;
    base::ConditionVariable none_;
    std::size_t count_ SIPREC_GUARDED_BY(mutex_) = 0;
};

}  // namespace siprec::recorder
