#include "ops/supervisor.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace siprec::server {

namespace {

constexpr std::chrono::milliseconds kRound{100};
constexpr std::chrono::seconds kSettled{30};  // a child that ran so long has started well

}  // namespace

Supervisor::Supervisor(SupervisorPlan plan, Logger& logger)
    : plan_(std::move(plan)),
      logger_(logger),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Supervisor::~Supervisor() {
    stop();
}

std::uint64_t Supervisor::restarts() const noexcept {
    const std::uint64_t starts = starts_;
    return starts == 0 ? 0 : starts - 1;
}

void Supervisor::signal(int number) {
    const std::lock_guard lock(signal_mutex_);
    if (pid_ > 0) {
        ::kill(pid_, number);
    }
}

void Supervisor::stop() {
    thread_.request_stop();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Supervisor::run(const std::stop_token& stop) {
    auto next_pause = plan_.first_pause;
    std::string last_error;
    while (!stop.stop_requested()) {
        auto child = start();
        bool settled = false;
        if (child) {
            last_error.clear();
            settled = watch_over(std::move(*child), stop);
        } else if (last_error != child.error().message()) {
            // The same cause again and again is one alarm.
            last_error = child.error().message();
            logger_.log(LogLevel::Error,
                        "ops",
                        "cannot start a process, trying on",
                        {{"process", plan_.name}, {"error", last_error}});
        }
        next_pause = settled ? plan_.first_pause : next_pause;
        pause(next_pause, stop);
        next_pause = std::min(next_pause * 2, plan_.longest_pause);
    }
}

Result<ChildProcess> Supervisor::start() {
    auto command = plan_.prepare();
    if (!command) {
        return command.error();
    }
    return ChildProcess::spawn(*command);
}

bool Supervisor::watch_over(ChildProcess child, const std::stop_token& stop) {
    const auto started = std::chrono::steady_clock::now();
    pid_ = child.pid();
    ++starts_;
    logger_.log(LogLevel::Info,
                "ops",
                "process started",
                {{"process", plan_.name}, {"pid", std::to_string(child.pid())}});
    std::optional<int> status;
    while (!status && !stop.stop_requested()) {
        if (plan_.watch) {
            plan_.watch();
        }
        pause(kRound, stop);
        const std::lock_guard lock(signal_mutex_);
        status = child.poll();
        if (status) {
            pid_ = 0;
        }
    }
    if (!status) {
        end(child);
        return true;
    }
    logger_.log(LogLevel::Error,
                "ops",
                "process ended by itself, starting it again",
                {{"process", plan_.name}, {"status", describe_exit(*status)}});
    return std::chrono::steady_clock::now() - started >= kSettled;
}

void Supervisor::end(ChildProcess& child) {
    const auto deadline = std::chrono::steady_clock::now() + plan_.stop_grace;
    signal(plan_.stop_signal);
    std::optional<int> status;
    while (!status && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        const std::lock_guard lock(signal_mutex_);
        status = child.poll();
        if (status) {
            pid_ = 0;
        }
    }
    if (!status) {
        logger_.log(LogLevel::Warning,
                    "ops",
                    "process did not stop in time, killing it",
                    {{"process", plan_.name}});
        const std::lock_guard lock(signal_mutex_);
        ::kill(child.pid(), SIGKILL);
        status = child.wait();
        pid_ = 0;
    }
    logger_.log(LogLevel::Info,
                "ops",
                "process stopped",
                {{"process", plan_.name}, {"status", describe_exit(*status)}});
}

void Supervisor::pause(std::chrono::milliseconds duration, const std::stop_token& stop) {
    std::unique_lock lock(pause_mutex_);
    paused_.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace siprec::server
