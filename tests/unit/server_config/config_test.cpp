#include "config/config.hpp"

#include <siprec/uuid.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

namespace {

using namespace std::chrono_literals;

using siprec::Endpoint;
using siprec::IpAddress;
using siprec::Transport;
using siprec::server::Config;
using siprec::server::default_config;
using siprec::server::load_config;

/// A file in the temporary folder, gone with the object.
class ConfigFile {
  public:
    explicit ConfigFile(const std::string& text)
        : path_(std::filesystem::temp_directory_path() /
                ("siprec-" + siprec::Uuid::random().to_string() + ".toml")) {
        std::ofstream(path_) << text;
    }

    ConfigFile(const ConfigFile&) = delete;
    ConfigFile& operator=(const ConfigFile&) = delete;

    ~ConfigFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

siprec::Result<Config> load(const std::string& text) {
    return load_config(ConfigFile(text).path(), default_config());
}

TEST_CASE("config: defaults are sound and listen where the design says", "[unit][config]") {
    const Config config = default_config();
    CHECK(check_config(config));
    REQUIRE(config.recorder.listeners.size() == 2);
    CHECK(config.recorder.listeners[0].transport == Transport::Udp);
    CHECK(config.recorder.listeners[0].endpoint.to_string() == "0.0.0.0:5060");
    CHECK(config.recorder.listeners[1].transport == Transport::Tcp);
    CHECK(config.http.to_string() == "127.0.0.1:8080");
    CHECK(config.recorder.media.port_low == 20000);
    CHECK(config.recorder.media.port_high == 59999);
    CHECK(config.drain_timeout == 10s);
    CHECK_FALSE(config.data_directory.empty());
}

void check_recorder(const siprec::RecorderConfig& read, const siprec::RecorderConfig& wanted) {
    REQUIRE(read.listeners.size() == wanted.listeners.size());
    for (std::size_t i = 0; i < wanted.listeners.size(); ++i) {
        CHECK(read.listeners[i].transport == wanted.listeners[i].transport);
        CHECK(read.listeners[i].endpoint == wanted.listeners[i].endpoint);
    }
    CHECK(read.user_agent == wanted.user_agent);
    CHECK(read.media.addresses == wanted.media.addresses);
    CHECK(read.media.advertised == wanted.media.advertised);
    CHECK(read.media.port_low == wanted.media.port_low);
    CHECK(read.media.port_high == wanted.media.port_high);
    CHECK(read.media.threads == wanted.media.threads);
    CHECK(read.media.poll_interval == wanted.media.poll_interval);
    CHECK(read.media.linger == wanted.media.linger);
    CHECK(read.media.receive_buffer_bytes == wanted.media.receive_buffer_bytes);
    CHECK(read.media.timeout == wanted.media.timeout);
    CHECK(read.limits.max_sessions == wanted.limits.max_sessions);
    CHECK(read.limits.max_message_bytes == wanted.limits.max_message_bytes);
    CHECK(read.limits.max_streams_per_session == wanted.limits.max_streams_per_session);
    CHECK(read.limits.metadata.max_bytes == wanted.limits.metadata.max_bytes);
    CHECK(read.limits.metadata.max_depth == wanted.limits.metadata.max_depth);
    CHECK(read.limits.metadata.max_elements == wanted.limits.metadata.max_elements);
    CHECK(read.limits.metadata.max_attributes_per_element ==
          wanted.limits.metadata.max_attributes_per_element);
}

TEST_CASE("config: example shows the defaults when it is read", "[unit][config]") {
    const Config wanted = default_config();
    // Something else everywhere first, so that an option that the example leaves out shows.
    Config base;
    base.recorder.user_agent = "other";
    base.recorder.media.addresses = {IpAddress::v4({127, 0, 0, 1})};
    base.recorder.media.advertised = IpAddress::v4({127, 0, 0, 1});
    base.recorder.media.port_low = 2;
    base.recorder.media.port_high = 3;
    base.recorder.media.threads = 7;
    base.recorder.media.poll_interval = 1us;
    base.recorder.media.linger = 1ms;
    base.recorder.media.receive_buffer_bytes = 1;
    base.recorder.media.timeout = 1s;
    base.recorder.strict = true;
    base.recorder.timer = {.enabled = false, .expires = 91s, .min_se = 91s, .probe_after = 1s};
    base.recorder.snapshot = siprec::SnapshotPolicy::Never;
    base.takeover = siprec::server::Takeover::Never;
    base.begin_paused = true;
    base.recorder.limits = {
        .max_sessions = 1,
        .max_message_bytes = 1,
        .max_streams_per_session = 1,
        .metadata = {
            .max_bytes = 1, .max_depth = 1, .max_elements = 1, .max_attributes_per_element = 1}};
    base.role = siprec::server::Role::Live;
    base.allowed_sources = {siprec::Subnet{}};
    base.database_url = "x";
    base.capture = {.flush_interval = 1ms, .commit_interval = 2ms};
    base.render = {.sample_rate = 1, .workers = 9};
    base.disk = {.alarm_free_mib = 2, .refuse_free_mib = 1};
    base.sinks.emplace_back();
    base.log_level = "debug";
    base.log_file = "x";
    base.drain_timeout = 1s;

    const auto read = load_config(SIPREC_SOURCE_DIR "/schemas/siprec-server.example.toml", base);
    INFO((read ? "" : read.error().message()));
    REQUIRE(read);
    CHECK(check_config(*read));
    check_recorder(read->recorder, wanted.recorder);
    CHECK_FALSE(read->recorder.strict);
    CHECK(read->recorder.timer.enabled);
    CHECK(read->recorder.timer.expires == wanted.recorder.timer.expires);
    CHECK(read->recorder.timer.min_se == wanted.recorder.timer.min_se);
    CHECK(read->recorder.timer.probe_after == wanted.recorder.timer.probe_after);
    CHECK(read->recorder.snapshot == wanted.recorder.snapshot);
    CHECK(read->takeover == wanted.takeover);
    CHECK(read->begin_paused == wanted.begin_paused);
    CHECK(read->role == wanted.role);
    CHECK(read->data_directory == "/var/lib/siprec");
    CHECK(read->allowed_sources.empty());
    CHECK(read->http == wanted.http);
    CHECK(read->database_url == wanted.database_url);
    CHECK(read->sinks.empty());
    CHECK(read->capture.flush_interval == wanted.capture.flush_interval);
    CHECK(read->capture.commit_interval == wanted.capture.commit_interval);
    CHECK(read->render.sample_rate == wanted.render.sample_rate);
    CHECK(read->render.workers == wanted.render.workers);
    CHECK(read->disk.alarm_free_mib == wanted.disk.alarm_free_mib);
    CHECK(read->disk.refuse_free_mib == wanted.disk.refuse_free_mib);
    CHECK(read->log_level == wanted.log_level);
    CHECK(read->log_file == wanted.log_file);
    CHECK(read->drain_timeout == wanted.drain_timeout);
}

TEST_CASE("config: file wins over defaults when it says something", "[unit][config]") {
    const auto config = load(R"(
[sip]
listen = ["udp:[::1]:5070"]
allowed_sources = ["192.0.2.1", "2001:db8::1"]
[media]
addresses = ["192.0.2.9", "::"]
advertised = "198.51.100.1"
timeout_s = 90
)");
    REQUIRE(config);
    REQUIRE(config->recorder.listeners.size() == 1);
    CHECK(config->recorder.listeners[0].endpoint.to_string() == "[::1]:5070");
    CHECK(config->allowed_sources.size() == 2);
    CHECK(config->recorder.media.addresses.size() == 2);
    REQUIRE(config->recorder.media.advertised);
    CHECK(config->recorder.media.timeout == 90s);
    CHECK(config->http.to_string() == "127.0.0.1:8080");
}

TEST_CASE("config: error names line and option when the file is wrong", "[unit][config]") {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
        {"[sip]\nlisten = [\"udp:host:5060\"]\n", {":2:", "sip.listen", "udp:host:5060"}},
        {"[media]\n\nport_low = 70000\n", {":3:", "media.port_low", "70000"}},
        {"[media]\nthreads = \"two\"\n", {":2:", "media.threads", "whole number"}},
        {"[media]\nportlow = 2\n", {":2:", "media.portlow", "no such option"}},
        {"\n[medai]\n", {":2:", "medai", "no such option"}},
        {"[limits.metadata]\ndepth = 1\n", {":2:", "limits.metadata.depth"}},
        {"sip = 1\n", {":1:", "sip", "table"}},
        {"[sip]\nlisten = 5060\n", {":2:", "sip.listen", "list"}},
        {"[http]\nlisten = 8080\n", {":2:", "http.listen", "text"}},
        {"role = \"both\"\n", {":1:", "role", "both"}},
        {"a = \n", {":1:"}},
    };
    for (const auto& [text, parts] : cases) {
        INFO(text);
        const auto config = load(text);
        REQUIRE_FALSE(config);
        INFO(config.error().message());
        for (const std::string& part : parts) {
            CHECK(config.error().message().find(part) != std::string::npos);
        }
    }
    CHECK_FALSE(load_config("/nonexistent/siprec.toml", default_config()));
}

TEST_CASE("config: check refuses options that do not go together", "[unit][config]") {
    using Change = void (*)(Config&);
    const std::vector<std::pair<std::string, Change>> cases = {
        {"sip.listen", [](Config& c) { c.recorder.listeners.clear(); }},
        {"TLS", [](Config& c) { c.recorder.listeners[0].transport = Transport::Tls; }},
        {"twice", [](Config& c) { c.recorder.listeners.push_back(c.recorder.listeners[0]); }},
        {"media ports", [](Config& c) { c.recorder.listeners[0].endpoint.port = 20001; }},
        {"media.addresses", [](Config& c) { c.recorder.media.addresses.clear(); }},
        {"media.addresses", [](Config& c) { c.recorder.media.addresses.resize(2); }},
        {"odd", [](Config& c) { c.recorder.media.port_low = 20001; }},
        {"media.port_high", [](Config& c) { c.recorder.media.port_high = 20000; }},
        {"media.advertised", [](Config& c) { c.recorder.media.advertised = IpAddress{}; }},
        {"log.level", [](Config& c) { c.log_level = "loud"; }},
        {"render.sample_rate", [](Config& c) { c.render.sample_rate = 8001; }},
        {"disk", [](Config& c) { c.disk.refuse_free_mib = 4096; }},
        {"capture", [](Config& c) { c.capture.commit_interval = 1ms; }},
        {"database.url", [](Config& c) { c.role = siprec::server::Role::Archive; }},
        {"data_directory", [](Config& c) { c.data_directory.clear(); }},
    };
    for (const auto& [part, change] : cases) {
        INFO(part);
        Config config = default_config();
        change(config);
        const auto checked = check_config(config);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().message().find(part) != std::string::npos);
    }
}

TEST_CASE("config: media.srtp is read", "[unit][config]") {
    const auto read = load(
        "[media.srtp]\npolicy = \"require\"\n"
        "by_source = [\"192.0.2.1=off\", \"2001:db8::1=prefer\"]\n"
        "suites = [\"AEAD_AES_256_GCM\", \"AES_CM_128_HMAC_SHA1_80\"]\n"
        "sdes_needs_tls = true\nsha1_fingerprints = false\n"
        "unauthenticated_srtp = true\n");
    REQUIRE(read);
    const auto& srtp = read->recorder.media.srtp;
    CHECK(srtp.policy == siprec::SrtpPolicy::Require);
    REQUIRE(srtp.by_source.size() == 2);
    CHECK(srtp.by_source[0].second == siprec::SrtpPolicy::Off);
    CHECK(srtp.by_source[1].first.to_string() == "2001:db8::1");
    CHECK(srtp.suites == std::vector{siprec::srtp::Suite::AeadAes256Gcm,
                                     siprec::srtp::Suite::AesCm128HmacSha1_80});
    CHECK(srtp.sdes_needs_tls);
    CHECK_FALSE(srtp.sha1_fingerprints);
    CHECK(srtp.unauthenticated_srtp);
    for (const auto* wrong : {"policy = \"never\"",
                              "by_source = [\"192.0.2.1\"]",
                              "by_source = [\"host=off\"]",
                              "suites = [\"ARIA\"]",
                              "sdes_needs_tls = 1"}) {
        CHECK_FALSE(load(std::string("[media.srtp]\n") + wrong + "\n"));
    }
}

TEST_CASE("config: listener and media address are read as they are written", "[unit][config]") {
    const auto listener = siprec::server::parse_listener("tcp:[2001:db8::1]:5080");
    REQUIRE(listener);
    CHECK(listener->transport == Transport::Tcp);
    CHECK(listener->endpoint.to_string() == "[2001:db8::1]:5080");
    for (const char* text :
         {"", "udp", "sctp:1.2.3.4:5060", "udp:1.2.3.4", "udp:1.2.3.4:99999", "udp:::5060"}) {
        INFO(text);
        CHECK_FALSE(siprec::server::parse_listener(text));
    }
    const auto plain = siprec::server::parse_media("::1");
    REQUIRE(plain);
    CHECK(plain->address.is_v6());
    CHECK_FALSE(plain->ports);
    const auto ranged = siprec::server::parse_media("[::1]:30000-30099");
    REQUIRE(ranged);
    REQUIRE(ranged->ports);
    CHECK(ranged->ports->first == 30000);
    CHECK(ranged->ports->second == 30099);
    for (const char* text :
         {"", "host", "1.2.3.4:", "1.2.3.4:30000", "1.2.3.4:a-b", "1.2.3.4:1-70000"}) {
        INFO(text);
        CHECK_FALSE(siprec::server::parse_media(text));
    }
}

}  // namespace

TEST_CASE("config: sinks are read with their rules and their settings", "[unit][config]") {
    const auto read = load(R"([[sinks]]
name = "speech"
type = "websocket"
url = "wss://speech.example/in"
headers = ["Authorization: Bearer a:b"]
sample_rate = 8000
frame_ms = 100
queue_kib = 64
reconnect_most_ms = 1000
sources = ["192.0.2.0/24"]
user_agents = ["Cisco*"]
[[sinks]]
name = "analyser"
type = "rtp-forward"
target = "192.0.2.9:40000"
attach = false
)");
    INFO((read ? "" : read.error().message()));
    REQUIRE(read);
    CHECK(check_config(*read));
    REQUIRE(read->sinks.size() == 2);
    const auto& speech = read->sinks[0];
    CHECK(speech.attach);
    CHECK(speech.sources.size() == 1);
    CHECK(speech.user_agents == std::vector<std::string>{"Cisco*"});
    CHECK(speech.websocket.url == "wss://speech.example/in");
    REQUIRE(speech.websocket.headers.size() == 1);
    CHECK(speech.websocket.headers[0] ==
          std::pair<std::string, std::string>("Authorization", "Bearer a:b"));
    CHECK(speech.websocket.sample_rate == 8000);
    CHECK(speech.websocket.frame == 100ms);
    CHECK(speech.websocket.queue_bytes == 65536);
    CHECK(speech.websocket.reconnect_first == 500ms);
    CHECK(speech.websocket.reconnect_most == 1000ms);
    CHECK(read->sinks[1].kind == siprec::server::SinkConfig::Kind::RtpForward);
    CHECK_FALSE(read->sinks[1].attach);
    CHECK(read->sinks[1].target.to_string() == "192.0.2.9:40000");
}

TEST_CASE("config: sinks that make no sense are refused by name", "[unit][config]") {
    const std::string start = "[[sinks]]\nname = \"a\"\n";
    // What no file can say is refused when it is read ...
    for (const std::string& text : {start + "type = \"mqtt\"",
                                    start + "target = \"127.0.0.1:5004\"",  // not of a websocket
                                    start + "type = \"rtp-forward\"\ntarget = \"nowhere\"",
                                    start + "url = \"ws://a\"\nheaders = [\"none\"]",
                                    start + "url = \"ws://a\"\nframe_ms = 5"}) {
        INFO(text);
        CHECK_FALSE(load(text));
    }
    // ... and what does not fit together when it is checked.
    for (const std::string& text : {start,
                                    start + "url = \"http://a\"",
                                    start + "url = \"ws://a\"\nreconnect_most_ms = 1",
                                    start + "url = \"ws://a\"\nheaders = [\"a b: c\"]",
                                    start + "type = \"rtp-forward\"",
                                    start + "url = \"ws://a\"\n" + start + "url = \"ws://b\"",
                                    std::string("[[sinks]]\nname = \"a b\"\nurl = \"ws://a\"")}) {
        INFO(text);
        const auto read = load(text);
        REQUIRE(read);
        const auto checked = check_config(*read);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().message().starts_with("sinks: "));
    }
}
