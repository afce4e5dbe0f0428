#pragma once

// The server's configuration: one struct, read from TOML and the command line.

#include <siprec/config.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>
#include <siprec/websocket_sink.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::server {

struct CaptureConfig {
    // Buffered media reaches the kernel's files: with the poll interval of the sockets, what a kill
    // can take.
    std::chrono::milliseconds flush_interval{150};
    std::chrono::milliseconds commit_interval{
        1000};  // group commit to the disk: what a power cut can take
};

struct RenderConfig {
    std::uint32_t sample_rate = 8000;  // Hz of the WAV
    std::uint32_t workers = 1;
};

struct DiskConfig {
    std::uint64_t alarm_free_mib = 2048;  // below: alarm
    std::uint64_t refuse_free_mib = 512;  // below: new sessions get 503
};

struct InteropConfig {
    std::string directory;  // profiles beside those that come with the server; empty: none
};

/// Something that gets the media of sessions beside the capture.
struct SinkConfig {
    enum class Kind : std::uint8_t { WebSocket, RtpForward };
    std::string name;  // by which it is attached through the API
    Kind kind = Kind::WebSocket;

    // Which sessions get it when they start: all that is given must hold, and of each list one.
    // A `*` in a pattern stands for anything; case does not matter.
    bool attach = true;  // false: none do, only by the API
    std::vector<Subnet> sources;
    std::vector<std::string> user_agents;
    std::vector<std::string> from;
    std::vector<std::string> to;

    WebSocketConfig websocket{};
    Endpoint target{};  // RtpForward: m-line n goes to this port + 2n, its RTCP to the next
};

enum class Role : std::uint8_t { All, Live, Archive };

/// Who may take over a running session with Replaces (RFC 3891 3).
enum class Takeover : std::uint8_t { Never, SameAddress, Anybody };

struct Config {
    Role role = Role::All;
    std::string data_directory;           // holds captures, recordings, the private database
    RecorderConfig recorder;              // listeners, media, limits
    std::vector<Subnet> allowed_sources;  // empty: anybody; else INVITEs from others get 403
    Takeover takeover = Takeover::SameAddress;
    bool begin_paused = false;  // every session waits for `resume` with its streams inactive
    Endpoint http{};            // 127.0.0.1:8080 by default
    std::string database_url;   // empty: a private PostgreSQL in data_directory
    CaptureConfig capture;
    RenderConfig render;
    DiskConfig disk;
    InteropConfig interop;
    std::vector<SinkConfig> sinks;
    std::string log_level = "info";          // debug, info, warning, error
    std::string log_file;                    // empty: standard error
    std::chrono::seconds drain_timeout{10};  // SIGTERM: how long running sessions may go on
};

/// The defaults for this user: data in /var/lib/siprec for root, else in the XDG data folder.
[[nodiscard]] Config default_config();

/// Reads a TOML file over `base`. Unknown keys, wrong types and values out of range are errors that
/// name file, line and key.
[[nodiscard]] Result<Config> load_config(const std::string& path, Config base);

/// `udp:HOST:PORT`, `tcp:HOST:PORT` or `tls:HOST:PORT`; the host is an address, IPv6 in brackets.
[[nodiscard]] Result<Listener> parse_listener(std::string_view text);

/// `HOST` or `HOST:LOW-HIGH`; IPv6 in brackets where ports follow.
struct MediaAddress {
    IpAddress address;
    std::optional<std::pair<std::uint16_t, std::uint16_t>> ports;
};

[[nodiscard]] Result<MediaAddress> parse_media(std::string_view text);

/// "never", "announced" or "always".
[[nodiscard]] Result<SnapshotPolicy> parse_snapshot_policy(std::string_view text);

/// "never", "same-address" or "anybody".
[[nodiscard]] Result<Takeover> parse_takeover(std::string_view text);

/// "off", "prefer" or "require".
[[nodiscard]] Result<SrtpPolicy> parse_srtp_policy(std::string_view text);

/// `ADDRESS=POLICY`: what holds for INVITEs from there.
[[nodiscard]] Result<std::pair<IpAddress, SrtpPolicy>> parse_source_policy(std::string_view text);

/// A crypto suite by its name in `a=crypto`.
[[nodiscard]] Result<srtp::Suite> parse_suite(std::string_view text);

/// "all", "live" or "archive".
[[nodiscard]] Result<Role> parse_role(std::string_view text);

/// What must hold between the options: addresses, port range, intervals.
[[nodiscard]] Result<void> check_config(const Config& config);

}  // namespace siprec::server
