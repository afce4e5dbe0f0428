// The smallest session recording server: every SIPREC session that arrives becomes a WAV file, one
// channel a stream. Usage: minimal_srs ADDRESS:PORT [FOLDER]
#include <siprec/siprec.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

class ConsoleLogger final : public siprec::Logger {
  public:
    void write(siprec::LogLevel level,
               std::string_view component,
               std::string_view message,
               std::span<const siprec::LogField> fields) noexcept override {
        if (level == siprec::LogLevel::Debug) {
            return;
        }
        std::string line;
        line.append(component).append(": ").append(message);
        for (const siprec::LogField& field : fields) {
            line.append(" ").append(field.name).append("=").append(field.value);
        }
        std::fprintf(stderr, "%s\n", line.c_str());
    }
};

}  // namespace

int main(int argc, char** argv) {
    const auto address = siprec::Endpoint::parse(argc > 1 ? argv[1] : "");
    if (!address) {
        std::fprintf(stderr, "usage: %s ADDRESS:PORT [FOLDER]\n", argv[0]);
        return EXIT_FAILURE;
    }
    const std::string folder = argc > 2 ? argv[2] : "recordings";

    // Blocked before any thread starts, so that all inherit it and sigwait below gets the signal.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    siprec::RecorderConfig config;
    config.listeners = {{siprec::Transport::Udp, *address}, {siprec::Transport::Tcp, *address}};
    config.media.addresses = {address->address};

    ConsoleLogger logger;
    const auto wav_files = siprec::make_wav_recorder(folder, 8000, logger);
    const auto recorder =
        siprec::Recorder::start(config, *wav_files, siprec::default_policy(), logger);
    if (!recorder) {
        std::fprintf(stderr, "%s\n", recorder.error().to_string().c_str());
        return EXIT_FAILURE;
    }
    for (const siprec::Listener& listener : (*recorder)->listeners()) {
        std::printf("listening on %s:%s, recording to %s\n",
                    std::string(siprec::to_string(listener.transport)).c_str(),
                    listener.endpoint.to_string().c_str(),
                    folder.c_str());
    }
    std::fflush(stdout);

    int received = 0;
    sigwait(&signals, &received);
    (*recorder)->stop();
    const siprec::RecorderStats stats = (*recorder)->stats();
    std::printf("%llu sessions recorded\n",
                static_cast<unsigned long long>(stats.sessions_started));
    return EXIT_SUCCESS;
}
