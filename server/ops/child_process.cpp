#include "ops/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace siprec::server {

namespace {

std::string error_text(int error) {
    return std::system_category().message(error);
}

/// A C array of C strings, as exec wants it.
class StringArray {
  public:
    explicit StringArray(std::vector<std::string> strings) : strings_(std::move(strings)) {
        for (std::string& text : strings_) {
            pointers_.push_back(text.data());
        }
        pointers_.push_back(nullptr);
    }

    [[nodiscard]] char* const* data() const { return pointers_.data(); }

  private:
    std::vector<std::string> strings_;
    std::vector<char*> pointers_;
};

/// The additions come first: getenv finds the first of two.
std::vector<std::string> environment_for(const ChildCommand& command) {
    std::vector<std::string> all;
    for (const auto& [name, value] : command.environment) {
        all.push_back(fmt::format("{}={}", name, value));
    }
    for (char** entry = environ; *entry != nullptr; ++entry) {
        all.emplace_back(*entry);
    }
    return all;
}

/// All that the child needs between fork and exec, made before the fork: in the child of a program
/// with threads nothing may allocate or lock.
struct Launch {
    StringArray arguments;
    StringArray environment;
    std::optional<UserIds> run_as;
    const char* output_file;  // null: ours
    int death_signal;
    pid_t parent;
    int report_fd;
};

bool redirect(int fd, const char* path, int flags) noexcept {
    const int opened = ::open(path, flags | O_CLOEXEC, 0640);
    return opened >= 0 && ::dup2(opened, fd) == fd;
}

bool become(const std::optional<UserIds>& ids) noexcept {
    if (!ids) {
        return true;
    }
    const gid_t group = ids->group;
    return ::setgroups(1, &group) == 0 && ::setresgid(group, group, group) == 0 &&
           ::setresuid(ids->user, ids->user, ids->user) == 0;
}

bool reset_signals() noexcept {
    sigset_t none;
    return ::sigemptyset(&none) == 0 && ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0 &&
           ::signal(SIGPIPE, SIG_DFL) != SIG_ERR;
}

bool prepare(const Launch& launch) noexcept {
    if (!redirect(STDIN_FILENO, "/dev/null", O_RDONLY)) {
        return false;
    }
    if (launch.output_file != nullptr &&
        (!redirect(STDOUT_FILENO, launch.output_file, O_WRONLY | O_CREAT | O_APPEND) ||
         ::dup2(STDOUT_FILENO, STDERR_FILENO) != STDERR_FILENO)) {
        return false;
    }
    // A library of ours may have opened a socket without O_CLOEXEC: a child that outlives us must
    // not keep a port.
    if (::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0 && errno != ENOSYS &&
        errno != EINVAL) {
        return false;
    }
    // The death signal after setuid, which clears it.
    return ::setsid() >= 0 && become(launch.run_as) && reset_signals() &&
           ::prctl(PR_SET_PDEATHSIG, launch.death_signal) == 0;
}

[[noreturn]] void run_child(const Launch& launch) noexcept {
    if (prepare(launch)) {
        if (::getppid() != launch.parent) {
            ::_exit(EXIT_FAILURE);  // the parent died before it could be watched
        }
        ::execve(launch.arguments.data()[0], launch.arguments.data(), launch.environment.data());
    }
    const int error = errno;
    if (::write(launch.report_fd, &error, sizeof error) != sizeof error) {
        ::_exit(EXIT_FAILURE);
    }
    ::_exit(EXIT_FAILURE);
}

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const ChildCommand& command) {
    if (command.arguments.empty()) {
        return Error(ErrorCode::InvalidArgument, "no program to start");
    }
    const std::string& program = command.arguments.front();
    std::array<int, 2> report{};
    if (::pipe2(report.data(), O_CLOEXEC) != 0) {
        return Error(ErrorCode::Io, fmt::format("pipe: {}", error_text(errno)));
    }
    const Launch launch{
        .arguments = StringArray(command.arguments),
        .environment = StringArray(environment_for(command)),
        .run_as = command.run_as,
        .output_file = command.output_file.empty() ? nullptr : command.output_file.c_str(),
        .death_signal = command.death_signal,
        .parent = ::getpid(),
        .report_fd = report[1]};
    const pid_t pid = ::fork();
    if (pid == 0) {
        run_child(launch);
    }
    const int fork_error = errno;
    ::close(report[1]);
    if (pid < 0) {
        ::close(report[0]);
        return Error(ErrorCode::Io, fmt::format("fork: {}", error_text(fork_error)));
    }
    ChildProcess child(pid);
    // The pipe closes by itself when exec succeeds.
    int child_error = 0;
    ssize_t got = 0;
    do {
        got = ::read(report[0], &child_error, sizeof child_error);
    } while (got < 0 && errno == EINTR);
    ::close(report[0]);
    if (got != 0) {
        child.wait();
        return Error(ErrorCode::Io, fmt::format("start {}: {}", program, error_text(child_error)));
    }
    return child;
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        wait();
    }
}

std::optional<int> ChildProcess::poll() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) == 0) {
        return std::nullopt;
    }
    pid_ = 0;
    return status;
}

int ChildProcess::wait() {
    int status = 0;
    while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
}

std::string describe_exit(int wait_status) {
    return WIFSIGNALED(wait_status) ? fmt::format("killed by signal {}", WTERMSIG(wait_status))
                                    : fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

}  // namespace siprec::server
