#include "base/thread_reaper.hpp"

#include <utility>

namespace siprec::base {

ThreadReaper::ThreadReaper() : worker_([this] { run(); }) {}

ThreadReaper::~ThreadReaper() {
    {
        const MutexLock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    worker_.join();
}

void ThreadReaper::take(std::thread thread) {
    {
        const MutexLock lock(mutex_);
        waiting_.push_back(std::move(thread));
        ++taken_;
    }
    changed_.notify_all();
}

void ThreadReaper::wait() {
    const MutexLock lock(mutex_);
    const std::uint64_t until = taken_;
    while (joined_ < until) {
        changed_.wait(mutex_);
    }
}

void ThreadReaper::run() {
    while (true) {
        std::thread next;
        {
            const MutexLock lock(mutex_);
            while (waiting_.empty() && !stopping_) {
                changed_.wait(mutex_);
            }
            if (waiting_.empty()) {
                return;
            }
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        next.join();
        {
            const MutexLock lock(mutex_);
            ++joined_;
        }
        changed_.notify_all();
    }
}

ThreadReaper& thread_reaper() {
    static ThreadReaper reaper;
    return reaper;
}

}  // namespace siprec::base
