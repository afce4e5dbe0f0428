#pragma once

// Programs that the server starts: its own archive worker and the private PostgreSQL.

#include <siprec/result.hpp>

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siprec::server {

struct UserIds {
    uid_t user = 0;
    gid_t group = 0;
};

struct ChildCommand {
    std::vector<std::string> arguments;  // the first is the program's path
    std::vector<std::pair<std::string, std::string>> environment;  // beside and before our own
    std::optional<UserIds> run_as;                                 // none: as we are
    std::string output_file;     // for stdout and stderr, appended; empty: ours
    int death_signal = SIGTERM;  // what it gets when we die, however we die
};

/// A running child in a session of its own (so that the terminal's Ctrl-C reaches only us). Killed
/// and reaped by the destructor. One thread at a time.
class ChildProcess {
  public:
    /// Linux ties the death signal to the thread that forks: call it on a thread that lives as long
    /// as the child shall. @return Io naming program and cause, also when exec itself failed
    [[nodiscard]] static Result<ChildProcess> spawn(const ChildCommand& command);

    ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

    ChildProcess& operator=(ChildProcess&& other) noexcept {
        std::swap(pid_, other.pid_);
        return *this;
    }

    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// The wait status once it has ended; then the object holds no process any more.
    [[nodiscard]] std::optional<int> poll();

    /// Blocks until it ends. @return the wait status
    int wait();

  private:
    explicit ChildProcess(pid_t pid) : pid_(pid) {}

    pid_t pid_ = 0;  // 0: none
};

/// "exit status 1", "killed by signal 9".
[[nodiscard]] std::string describe_exit(int wait_status);

}  // namespace siprec::server
