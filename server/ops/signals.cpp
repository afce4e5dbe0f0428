#include "ops/signals.hpp"

#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <ctime>

namespace siprec::server {

namespace {

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

Result<SignalQueue> SignalQueue::open() {
    const sigset_t set = handled_signals();
    if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0 || ::signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return Error(ErrorCode::Io, "the system refused to block signals");
    }
    return SignalQueue();
}

std::optional<ServerSignal> SignalQueue::next(std::chrono::milliseconds timeout) const {
    const sigset_t set = handled_signals();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    const timespec wait{.tv_sec = seconds.count(),
                        .tv_nsec = std::chrono::nanoseconds(timeout - seconds).count()};
    switch (::sigtimedwait(&set, nullptr, &wait)) {
        case SIGTERM:
            return ServerSignal::Terminate;
        case SIGINT:
            return ServerSignal::Interrupt;
        case SIGHUP:
            return ServerSignal::Reload;
        default:
            return std::nullopt;
    }
}

std::uint64_t raise_open_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    rlimit raised = limit;
    raised.rlim_cur = raised.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

}  // namespace siprec::server
