// siprec-src: places SIPREC calls, sends their media and judges the recorder's answers.
#include "engine.hpp"
#include "options.hpp"

#include <sys/signalfd.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <utility>
#include <variant>

namespace {

int run(srcsim::Options options) {
    sigset_t signals{};
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    // Before the first thread starts, so that all of them inherit it.
    if (::pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) {
        std::cerr << "siprec-src: cannot block signals\n";
        return srcsim::kExitCallFailed;
    }
    const srcsim::Fd signal_fd{::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)};
    const std::size_t file_limit = srcsim::raise_file_limit();
    const bool wants_json = options.json;
    const std::size_t files = options.calls * (options.mixed ? 2 : 4);
    if (files > file_limit) {
        std::cerr << "siprec-src: " << options.calls << " calls at once would need " << files
                  << " files, the limit is " << file_limit << '\n';
    }
    auto engine = srcsim::Engine::open(std::move(options), signal_fd.get());
    if (!engine) {
        std::cerr << "siprec-src: " << engine.error().message() << '\n';
        return srcsim::kExitUsage;
    }
    const srcsim::Report report = (*engine)->run();
    std::cout << (wants_json ? report.to_json() + "\n" : report.to_text()) << std::flush;
    return std::cout && report.is_success() ? srcsim::kExitOk : srcsim::kExitCallFailed;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        auto parsed = srcsim::parse_options(argc, argv);
        if (const int* code = std::get_if<int>(&parsed)) {
            return *code;
        }
        return run(std::move(std::get<srcsim::Options>(parsed)));
    } catch (const std::exception& error) {
        std::cerr << "siprec-src: " << error.what() << '\n';
        return srcsim::kExitCallFailed;
    }
}
