// The sink against a WebSocket server of the test's own, over loopback.
#include "unit/websocket/server.hpp"

#include <siprec/websocket_sink.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using siprec::test::Received;
using Server = siprec::test::WebSocketServer;

siprec::WallTime at(std::chrono::milliseconds offset) {
    return siprec::WallTime(1'700'000'000s) + offset;
}

/// One session with one G.711 stream, driven as a recorder would.
class Call {
  public:
    explicit Call(siprec::SessionSinkFactory& sinks) {
        siprec::SessionInfo info;
        info.id = siprec::Uuid::random();
        info.call_id = "call-1";
        info.started = at(0ms);
        session_ = sinks.open_session(info);
        siprec::StreamInfo stream;
        stream.id = siprec::Uuid::random();
        stream.media_index = 1;
        stream.label = "96";
        stream.media_type = "audio";
        stream.formats = {{.payload_type = 0,
                           .encoding = "PCMU",
                           .clock_rate = 8000,
                           .channels = 1,
                           .parameters = {}}};
        media_ = session_->open_stream(stream);
        const auto parsed = siprec::metadata::parse(
            "<recording xmlns='urn:ietf:params:xml:ns:recording:1'>"
            "<participant participant_id='p1'><nameID aor='sip:ann@x'><name>Ann</name></nameID>"
            "</participant><stream stream_id='s1'><label>96</label></stream>"
            "<participantstreamassoc participant_id='p1'><send>s1</send></participantstreamassoc>"
            "</recording>");
        siprec::metadata::State state;
        state.apply(parsed->document, at(0ms));
        session_->on_metadata({.document = "",
                               .content_type = "",
                               .method = "INVITE",
                               .received = at(0ms),
                               .parsed = parsed,
                               .state = state});
    }

    /// Packets of 20 ms of one G.711 octet.
    void send(int from, int count, std::byte octet) {
        for (int i = from; i < from + count; ++i) {
            std::array<std::byte, 172> bytes{};
            bytes.fill(octet);
            const auto stamp = static_cast<std::uint32_t>(i) * 160U;
            const std::array<std::uint8_t, 12> header{0x80,
                                                      0,
                                                      0,
                                                      static_cast<std::uint8_t>(i),
                                                      0,
                                                      static_cast<std::uint8_t>(stamp >> 16U),
                                                      static_cast<std::uint8_t>(stamp >> 8U),
                                                      static_cast<std::uint8_t>(stamp),
                                                      0,
                                                      0,
                                                      0,
                                                      7};
            std::ranges::transform(header, bytes.begin(), [](auto b) { return std::byte{b}; });
            auto packet = siprec::parse_rtp(bytes);
            REQUIRE(packet);
            packet->arrival = at(20ms * i);
            media_->on_rtp(*packet);
        }
    }

    void end(std::chrono::milliseconds when) {
        media_->on_closed({}, at(when));
        media_.reset();
        session_->on_ended({.cause = siprec::EndCause::Bye, .reason = "over", .time = at(when)});
        session_.reset();
    }

  private:
    std::unique_ptr<siprec::SessionSink> session_;
    std::unique_ptr<siprec::MediaSink> media_;
};

siprec::WebSocketConfig config_for(const Server& server) {
    siprec::WebSocketConfig config;
    config.url = server.url();
    config.headers = {{"Authorization", "Bearer secret"}};
    config.sample_rate = 8000;
    config.reconnect_first = 10ms;
    config.reconnect_most = 20ms;
    return config;
}

std::vector<std::string> types_of(const std::vector<Received>& messages) {
    std::vector<std::string> types;
    for (const Received& message : messages) {
        types.push_back(
            message.is_binary ? "audio" : Json::parse(message.bytes).at("type").get<std::string>());
    }
    types.erase(std::unique(types.begin(), types.end()), types.end());
    return types;
}

Json find(const std::vector<Received>& messages, const std::string& type) {
    Json last;
    for (const Received& message : messages) {
        if (!message.is_binary && Json::parse(message.bytes).at("type") == type) {
            last = Json::parse(message.bytes);
        }
    }
    return last;
}

template <typename Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 1000; ++i) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

/// A self-signed certificate and its key in one file.
class Certificate {
  public:
    explicit Certificate(const std::string& name) {
        static int count = 0;
        file_ = std::filesystem::temp_directory_path() /
                ("siprec-websocket-" + std::to_string(::getpid()) + "-" + std::to_string(++count) +
                 ".pem");
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj /CN=" +
            name + " -addext subjectAltName=DNS:" + name + " -keyout " + file_.string() +
            ".key -out " + file_.string() + " 2>/dev/null && cat " + file_.string() + ".key >> " +
            file_.string();
        if (std::system(command.c_str()) != 0) {
            throw std::runtime_error("openssl made no certificate");
        }
    }

    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;

    ~Certificate() {
        std::error_code ignored;
        std::filesystem::remove(file_, ignored);
        std::filesystem::remove(file_.string() + ".key", ignored);
    }

    [[nodiscard]] std::string pem() const { return file_.string(); }

  private:
    std::filesystem::path file_;
};

std::size_t audio_samples(const std::vector<Received>& messages) {
    std::size_t samples = 0;
    for (const Received& message : messages) {
        samples += message.is_binary ? (message.bytes.size() - 12) / 2 : 0;
    }
    return samples;
}

const siprec::DecoderRegistry& decoders() {
    static const auto registry = siprec::DecoderRegistry::with_defaults();
    return registry;
}

}  // namespace

TEST_CASE("websocket: a call arrives as start and metadata and audio and stop",
          "[unit][websocket]") {
    Server server;
    auto sinks = siprec::WebSocketSinks::create(config_for(server), decoders());
    REQUIRE(sinks);
    Call call(**sinks);
    call.send(0, 50, std::byte{0x00});  // G.711 mu-law: -32124
    call.end(1000ms);
    const auto messages = server.connection(0);
    sinks->reset();
    const auto types = types_of(messages);
    REQUIRE(types.size() >= 4);
    CHECK(types.front() == "start");
    CHECK(types.back() == "stop");
    const Json start = find(messages, "start");
    CHECK(start.at("call_id") == "call-1");
    CHECK(start.at("audio").at("sample_rate") == 8000);
    CHECK(start.at("resumed") == false);
    CHECK(find(messages, "stream").at("label") == "96");
    CHECK(find(messages, "stop").at("cause") == "bye");
    const Json participant = find(messages, "participant");
    CHECK(participant.at("name") == "Ann");
    CHECK(participant.at("aor") == "sip:ann@x");
    CHECK(participant.at("present") == true);
    CHECK(participant.at("streams") == Json::array({1}));
    CHECK(find(messages, "metadata").at("document").get<std::string>().find("sip:ann@x") !=
          std::string::npos);
    CHECK(find(messages, "stream").at("open") == false);  // the last of them
    CHECK(find(messages, "loss").is_null());
    CHECK(audio_samples(messages) == 8000);
    CHECK(server.authorization() == "Bearer secret");
    const auto first = std::ranges::find_if(messages, &Received::is_binary);
    REQUIRE(first != messages.end());
    // Version 1, voice, stream 1, position 0, then 20 ms of samples.
    CHECK(first->bytes.substr(0, 12) == std::string("\x01\x00\x00\x01\0\0\0\0\0\0\0\0", 12));
    CHECK(first->bytes.size() == 12 + 2 * 160);
    CHECK(first->bytes.substr(12, 2) == "\x84\x82");
}

TEST_CASE("websocket: a lost connection is made again and begins with what holds",
          "[unit][websocket]") {
    Server server;
    server.hang_up_after = 4;
    auto sinks = siprec::WebSocketSinks::create(config_for(server), decoders());
    REQUIRE(sinks);
    Call call(**sinks);
    call.send(0, 20, std::byte{0x00});
    CHECK(server.connection(0).size() == 4);
    call.send(20, 20, std::byte{0x00});
    call.end(800ms);
    const auto second = server.connection(1);
    REQUIRE_FALSE(second.empty());
    CHECK(Json::parse(second.front().bytes).at("type") == "start");
    CHECK(find(second, "start").at("resumed") == true);
    CHECK(find(second, "participant").at("name") == "Ann");
    CHECK(find(second, "stop").at("reason") == "over");
    CHECK((*sinks)->stats().failed == 1);
    CHECK((*sinks)->stats().connected == 2);
    sinks->reset();
}

TEST_CASE("websocket: what a receiver that was away lost is told to it", "[unit][websocket]") {
    std::uint16_t port = 0;
    {
        const Server gone;
        port = gone.port();
    }
    siprec::WebSocketConfig config;
    config.url = "ws://127.0.0.1:" + std::to_string(port);
    config.sample_rate = 8000;
    config.reconnect_first = 100ms;
    config.reconnect_most = 100ms;
    config.queue_bytes = 2000;
    auto sinks = siprec::WebSocketSinks::create(config, decoders());
    REQUIRE(sinks);
    Call call(**sinks);
    call.send(0, 50, std::byte{0x00});
    REQUIRE(eventually([&] { return (*sinks)->stats().failed >= 5; }));
    Server server(port);
    REQUIRE(eventually([&] { return (*sinks)->stats().connected == 1; }));
    call.end(1000ms);
    const auto messages = server.connection(0);
    sinks->reset();
    const auto lost = find(messages, "loss").at("samples").get<std::size_t>();
    CHECK(lost > 0);
    CHECK(lost + audio_samples(messages) == 8000);
    CHECK(find(messages, "stop").at("cause") == "bye");
    const auto first = std::ranges::find_if(messages, &Received::is_binary);
    REQUIRE(first != messages.end());
    // The position shows the hole.
    const auto position =
        static_cast<std::size_t>(static_cast<unsigned char>(first->bytes[10])) * 256 +
        static_cast<unsigned char>(first->bytes[11]);
    CHECK(position == lost);
}

TEST_CASE("websocket: a receiver that never comes costs only its own audio", "[unit][websocket]") {
    std::string url;
    {
        const Server gone;
        url = gone.url();
    }
    siprec::WebSocketConfig config;
    config.url = url;
    config.sample_rate = 8000;
    config.reconnect_first = 5ms;
    config.reconnect_most = 5ms;
    auto sinks = siprec::WebSocketSinks::create(config, decoders());
    REQUIRE(sinks);
    Call call(**sinks);
    call.send(0, 50, std::byte{0x00});
    call.end(1000ms);
    REQUIRE(eventually([&] { return (*sinks)->stats().sessions_damaged == 1; }));
    const auto stats = (*sinks)->stats();
    CHECK(stats.samples_lost == 8000);
    CHECK(stats.connected == 0);
    CHECK(stats.messages_sent == 0);
    sinks->reset();  // ends although nothing was ever sent
}

TEST_CASE("websocket: TLS takes the certificate of the name that was asked for",
          "[unit][websocket][tls]") {
    const Certificate certificate("localhost");
    Server server(0, certificate.pem());
    siprec::WebSocketConfig config = config_for(server);
    config.url = server.url("localhost");
    config.ca_file = certificate.pem();
    auto sinks = siprec::WebSocketSinks::create(config, decoders());
    REQUIRE(sinks);
    Call call(**sinks);
    call.send(0, 50, std::byte{0x00});
    call.end(1000ms);
    const auto messages = server.connection(0);
    CHECK(audio_samples(messages) == 8000);
    CHECK(find(messages, "stop").at("cause") == "bye");
}

TEST_CASE("websocket: TLS refuses another name and an unknown authority",
          "[unit][websocket][tls]") {
    const Certificate certificate("localhost");
    const Certificate stranger("localhost");
    Server server(0, certificate.pem());
    siprec::WebSocketConfig config = config_for(server);
    SECTION("another name") {
        config.url = server.url("127.0.0.1");
        config.ca_file = certificate.pem();
    }
    SECTION("an unknown authority") {
        config.url = server.url("localhost");
        config.ca_file = stranger.pem();
    }
    auto sinks = siprec::WebSocketSinks::create(config, decoders());
    REQUIRE(sinks);
    Call call(**sinks);
    call.send(0, 10, std::byte{0x00});
    REQUIRE(eventually([&] { return (*sinks)->stats().failed >= 2; }));
    CHECK((*sinks)->stats().connected == 0);
    call.end(200ms);
    sinks->reset();
    CHECK(server.connections() == 0);
}

TEST_CASE("websocket: settings that make no sense are refused", "[unit][websocket]") {
    siprec::WebSocketConfig config;
    CHECK(siprec::WebSocketSinks::create(config, decoders()).error().code() ==
          siprec::ErrorCode::InvalidArgument);
    config.url = "ws://127.0.0.1:1/";
    config.sample_rate = 1;
    CHECK_FALSE(siprec::WebSocketSinks::create(config, decoders()));
    config.sample_rate = 8000;
    config.headers = {{"X-Good", "a\r\nX-Bad: b"}};
    CHECK(siprec::WebSocketSinks::create(config, decoders()).error().code() ==
          siprec::ErrorCode::InvalidArgument);
    config.headers.clear();
    config.reconnect_most = 1ms;
    CHECK_FALSE(siprec::WebSocketSinks::create(config, decoders()));
    config.reconnect_most = 1s;
    config.ca_file = "/nonexistent/ca.pem";
    CHECK(siprec::WebSocketSinks::create(config, decoders()).error().code() ==
          siprec::ErrorCode::Io);
}
