#include "ops/child_process.hpp"
#include "ops/signals.hpp"
#include "ops/supervisor.hpp"

#include <siprec/uuid.hpp>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace {

using namespace std::chrono_literals;

using siprec::server::ChildCommand;
using siprec::server::ChildProcess;
using siprec::server::describe_exit;
using siprec::server::ServerSignal;
using siprec::server::SignalQueue;
using siprec::server::Supervisor;
using siprec::server::SupervisorPlan;

ChildCommand shell(const std::string& script) {
    ChildCommand command;
    command.arguments = {"/bin/sh", "-c", script};
    return command;
}

template <typename Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

TEST_CASE("process: exit status and output come back when it ends", "[unit][ops]") {
    const std::string path =
        std::filesystem::temp_directory_path() / ("siprec-" + siprec::Uuid::random().to_string());
    ChildCommand command = shell("echo $SIPREC_X; echo err >&2; exit 3");
    command.environment = {{"SIPREC_X", "value"}};
    command.output_file = path;
    auto child = ChildProcess::spawn(command);
    REQUIRE(child);
    CHECK(describe_exit(child->wait()) == "exit status 3");
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    CHECK(text.str() == "value\nerr\n");
    std::filesystem::remove(path);
}

TEST_CASE("process: error names program and cause when exec fails", "[unit][ops]") {
    ChildCommand command;
    command.arguments = {"/nonexistent/program"};
    const auto child = ChildProcess::spawn(command);
    REQUIRE_FALSE(child);
    CHECK(child.error().message().find("/nonexistent/program: No such file") != std::string::npos);
    CHECK_FALSE(ChildProcess::spawn(ChildCommand{}));
}

TEST_CASE("process: inherits no file when we left one open", "[unit][ops]") {
    const int leaked = ::dup(STDERR_FILENO);
    REQUIRE(leaked > STDERR_FILENO);
    auto child = ChildProcess::spawn(shell("test ! -e /proc/self/fd/" + std::to_string(leaked)));
    ::close(leaked);
    REQUIRE(child);
    CHECK(describe_exit(child->wait()) == "exit status 0");
}

TEST_CASE("process: dies when the thread that started it ends", "[unit][ops]") {
    pid_t pid = 0;
    std::optional<ChildProcess> child;
    std::thread([&] {
        auto spawned = ChildProcess::spawn(shell("exec sleep 100"));
        if (spawned) {
            pid = spawned->pid();
            child.emplace(*std::move(spawned));
        }
    }).join();
    REQUIRE(child);
    REQUIRE(pid > 0);
    CHECK(describe_exit(child->wait()) == "killed by signal 15");
}

TEST_CASE("supervisor: starts the child again when it ends", "[unit][ops]") {
    std::atomic<int> prepared{0};
    SupervisorPlan plan;
    plan.name = "test";
    plan.first_pause = 1ms;
    plan.longest_pause = 2ms;
    plan.prepare = [&]() -> siprec::Result<ChildCommand> {
        // The second attempt fails, which must not end the attempts.
        if (++prepared == 2) {
            return siprec::Error(siprec::ErrorCode::Unavailable, "not now");
        }
        return shell("exit 1");
    };
    Supervisor supervisor(std::move(plan), siprec::null_logger());
    CHECK(eventually([&] { return supervisor.restarts() >= 2; }));
    supervisor.stop();
    CHECK(prepared >= 4);
    CHECK(supervisor.pid() == 0);
}

TEST_CASE("supervisor: kills the child when it does not stop", "[unit][ops]") {
    SupervisorPlan plan;
    plan.name = "test";
    plan.stop_grace = 50ms;
    plan.prepare = []() -> siprec::Result<ChildCommand> {
        return shell("trap '' TERM; while :; do sleep 1; done");
    };
    Supervisor supervisor(std::move(plan), siprec::null_logger());
    REQUIRE(eventually([&] { return supervisor.pid() > 0; }));
    const pid_t pid = supervisor.pid();
    supervisor.stop();
    CHECK(supervisor.pid() == 0);
    CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("signals: come out of the queue when they were sent", "[unit][ops]") {
    const auto signals = SignalQueue::open();
    REQUIRE(signals);
    CHECK_FALSE(signals->next(0ms));
    REQUIRE(::kill(::getpid(), SIGHUP) == 0);
    CHECK(signals->next(1s) == ServerSignal::Reload);
    REQUIRE(::kill(::getpid(), SIGTERM) == 0);
    CHECK(signals->next(1s) == ServerSignal::Terminate);
}

}  // namespace
