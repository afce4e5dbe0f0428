// siprec-server: a session recording server (RFC 7866) on libsiprec.

#include "command_line.hpp"
#include "interop/profile_set.hpp"
#include "ops/logger.hpp"
#include "ops/signals.hpp"
#include "server_process.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace {

using siprec::LogLevel;
using siprec::server::CommandLine;
using siprec::server::Config;
using siprec::server::Role;
using siprec::server::ServerLogger;
using siprec::server::ServerProcess;
using siprec::server::SignalQueue;

constexpr std::uint64_t kFewFiles = 8192;  // two sockets a stream: some 2,000 two-stream calls

int fail(const siprec::Error& error) {
    fmt::print(stderr, "siprec-server: {}\n", error.message());
    return EXIT_FAILURE;
}

int say(const std::string& line) {
    fmt::print("{}\n", line);
    return std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int serve(CommandLine options, Config config, const SignalQueue& signals) {
    auto logger =
        ServerLogger::open(config.log_file, siprec::server::log_level_of(config.log_level));
    if (!logger) {
        return fail(logger.error());
    }
    ServerLogger& log = **logger;
    const std::uint64_t files = siprec::server::raise_open_file_limit();
    if (files < kFewFiles && config.role != Role::Archive) {
        log.log(LogLevel::Warning,
                "server",
                "the limit of open files (ulimit -Hn) is low",
                {{"files", std::to_string(files)}});
    }
    const bool is_worker = options.is_worker;
    ServerProcess server(std::move(options), std::move(config), log);
    if (const auto started = server.start(); !started) {
        log.log(LogLevel::Error, "server", "cannot start", {{"error", started.error().message()}});
        return EXIT_FAILURE;
    }
    if (!is_worker && say(server.ready_line()) != EXIT_SUCCESS) {
        log.log(LogLevel::Warning, "server", "nobody reads the standard output");
    }
    server.run(signals);
    log.log(LogLevel::Info, "server", "stopping");
    server.stop();
    log.log(LogLevel::Info, "server", "stopped");
    return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
    auto parsed = siprec::server::parse_command_line(argc, argv);
    if (const int* status = std::get_if<int>(&parsed)) {
        return *status;
    }
    auto& options = std::get<CommandLine>(parsed);
    auto config = siprec::server::resolve_config(options);
    if (!config) {
        return fail(config.error());
    }
    if (options.check_config) {
        if (const auto checked = siprec::server::check_profiles(config->interop); !checked) {
            return fail(checked.error());
        }
        return say("configuration is good");
    }
    // Before the first thread, so that all of them leave the signals to this one.
    const auto signals = SignalQueue::open();
    if (!signals) {
        return fail(signals.error());
    }
    return serve(std::move(options), *std::move(config), *signals);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "siprec-server: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
