#pragma once

// Keeps a child process running: starts it, starts it again when it ends, with a growing pause.

#include "ops/child_process.hpp"

#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace siprec::server {

struct SupervisorPlan {
    std::string name;  // for the log
    /// What to start; called before each start, on the supervisor's thread. A failure is logged and
    /// tried again like a child that ended.
    std::function<Result<ChildCommand>()> prepare;
    /// Called again and again while the child runs, on the supervisor's thread; may be empty.
    std::function<void()> watch;
    int stop_signal = SIGTERM;
    std::chrono::milliseconds stop_grace{10'000};  // then SIGKILL
    std::chrono::milliseconds first_pause{200};    // doubled each time
    std::chrono::milliseconds longest_pause{10'000};
};

/// *Thread-safe.*
class Supervisor {
  public:
    /// @param logger  outlives the supervisor
    Supervisor(SupervisorPlan plan, Logger& logger);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    ~Supervisor();

    /// How often the child was started after the first time.
    [[nodiscard]] std::uint64_t restarts() const noexcept;

    /// 0 while no child runs.
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Passes a signal on, when a child runs.
    void signal(int number);

    /// Ends the child and waits for it. Further calls do nothing.
    void stop();

  private:
    void run(const std::stop_token& stop);
    Result<ChildProcess> start();
    /// @return true when it ran long enough to start afresh with the pauses
    bool watch_over(ChildProcess child, const std::stop_token& stop);
    void end(ChildProcess& child);
    void pause(std::chrono::milliseconds duration, const std::stop_token& stop);

    SupervisorPlan plan_;
    Logger& logger_;
    std::atomic<std::uint64_t> starts_{0};
    std::atomic<pid_t> pid_{0};
    std::mutex
        signal_mutex_;  // held while a child is reaped: a pid that is signalled is still ours
    std::mutex pause_mutex_;
    std::condition_variable_any paused_;
    std::jthread thread_;  // last: it uses all the others
};

}  // namespace siprec::server
