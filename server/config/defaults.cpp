#include "config/config.hpp"

#include <unistd.h>

#include <cstdlib>

namespace siprec::server {

namespace {

constexpr std::uint16_t kSipPort = 5060;
constexpr std::uint16_t kHttpPort = 8080;

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
    return value == nullptr ? std::string{} : std::string{value};
}

std::string default_data_directory() {
    if (::geteuid() == 0) {
        return "/var/lib/siprec";
    }
    const std::string xdg = environment("XDG_DATA_HOME");
    // XDG base directory specification: a path that is not absolute is to be ignored.
    return xdg.starts_with('/') ? xdg + "/siprec" : environment("HOME") + "/.local/share/siprec";
}

}  // namespace

Config default_config() {
    Config config;
    config.data_directory = default_data_directory();
    const Endpoint anywhere{.address = IpAddress{}, .port = kSipPort};
    config.recorder.listeners = {{.transport = Transport::Udp, .endpoint = anywhere},
                                 {.transport = Transport::Tcp, .endpoint = anywhere}};
    config.recorder.user_agent = "siprec-server";
    // A lost BYE must not hold ports and a capture until the next start.
    config.recorder.media.timeout = std::chrono::hours(1);
    config.http = {.address = IpAddress::v4({127, 0, 0, 1}), .port = kHttpPort};
    return config;
}

}  // namespace siprec::server
