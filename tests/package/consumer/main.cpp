// A vendor's program in miniature: starts a recorder on loopback, asks it where it listens, stops
// it.
#include <siprec/siprec.hpp>

#include <cstdio>

namespace {

class NoSinks final : public siprec::SessionSinkFactory {
  public:
    std::unique_ptr<siprec::SessionSink> open_session(
        const siprec::SessionInfo& /*session*/) override {
        return nullptr;
    }
};

}  // namespace

int main() {
    NoSinks sinks;
    siprec::RecorderConfig config;
    const auto address = siprec::IpAddress::parse("127.0.0.1");
    if (!address) {
        return 1;
    }
    config.listeners = {{siprec::Transport::Udp, {.address = *address, .port = 0}}};
    config.media.addresses = {*address};
    auto recorder = siprec::Recorder::start(std::move(config), sinks);
    if (!recorder) {
        std::fprintf(stderr, "%s\n", recorder.error().to_string().c_str());
        return 1;
    }
    const bool listens = (*recorder)->listeners().front().endpoint.port != 0;
    (*recorder)->stop();
    return listens ? 0 : 1;
}
