// A session recording server that keeps nothing: the audio of every session goes to a WebSocket
// server, for instance the transcript_server.py that stands beside this file.
// Usage: live_transcript_sink ADDRESS:PORT URL
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
    if (!address || argc < 3) {
        std::fprintf(stderr, "usage: %s ADDRESS:PORT ws://HOST:PORT/PATH\n", argv[0]);
        return EXIT_FAILURE;
    }

    // Blocked before any thread starts, so that all inherit it and sigwait below gets the signal.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    ConsoleLogger logger;
    const auto decoders = siprec::DecoderRegistry::with_defaults();
    siprec::WebSocketConfig stream;
    stream.url = argv[2];
    stream.sample_rate = 16'000;
    stream.frame = std::chrono::milliseconds(100);
    const auto sinks = siprec::WebSocketSinks::create(stream, decoders, logger);
    if (!sinks) {
        std::fprintf(stderr, "%s\n", sinks.error().to_string().c_str());
        return EXIT_FAILURE;
    }

    siprec::RecorderConfig config;
    config.listeners = {{siprec::Transport::Udp, *address}, {siprec::Transport::Tcp, *address}};
    config.media.addresses = {address->address};
    const auto recorder =
        siprec::Recorder::start(config, **sinks, siprec::default_policy(), logger);
    if (!recorder) {
        std::fprintf(stderr, "%s\n", recorder.error().to_string().c_str());
        return EXIT_FAILURE;
    }
    for (const siprec::Listener& listener : (*recorder)->listeners()) {
        std::printf("listening on %s:%s, streaming to %s\n",
                    std::string(siprec::to_string(listener.transport)).c_str(),
                    listener.endpoint.to_string().c_str(),
                    stream.url.c_str());
    }
    std::fflush(stdout);

    int received = 0;
    sigwait(&signals, &received);
    (*recorder)->stop();
    const siprec::WebSocketStats stats = (*sinks)->stats();
    std::printf("%llu sessions, %llu messages sent\n",
                static_cast<unsigned long long>((*recorder)->stats().sessions_started),
                static_cast<unsigned long long>(stats.messages_sent));
    return EXIT_SUCCESS;
}
