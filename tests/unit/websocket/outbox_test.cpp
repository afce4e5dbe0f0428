#include "websocket/outbox.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using siprec::websocket::Loss;
using siprec::websocket::Outbox;

const siprec::SteadyTime kNow = siprec::SteadyTime() + 1h;

/// Everything that waits, told as "text", "audio", "loss STREAM SAMPLES PACKETS" or "last text".
std::vector<std::string> drain(Outbox& outbox, siprec::SteadyTime now = kNow) {
    std::vector<std::string> all;
    while (auto message = outbox.next(now)) {
        const auto json = nlohmann::json::parse(message->bytes, nullptr, false);
        if (json.is_object()) {
            all.push_back("loss " + json.at("stream").dump() + " " + json.at("samples").dump() +
                          " " + json.at("packets").dump());
        } else {
            all.push_back((message->is_last ? "last " : "") + message->bytes);
        }
        if (message->is_last) {
            break;
        }
    }
    return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("websocket outbox: messages come in order and the farewell last", "[unit][websocket]") {
    Outbox outbox(100);
    outbox.connect();
    outbox.push_text("a");
    outbox.push_audio(0, 160, "b");
    outbox.push_text("c");
    outbox.finish("bye");
    outbox.finish("another");
    outbox.push_text("too late");
    outbox.push_audio(0, 160, "too late");
    CHECK(drain(outbox) == Texts{"a", "b", "c", "last bye"});
    CHECK(outbox.lost() == Loss{});
}

TEST_CASE("websocket outbox: when it is full the oldest audio goes and that is told",
          "[unit][websocket]") {
    Outbox outbox(10);
    outbox.connect();
    outbox.push_text("text stays");
    outbox.push_audio(1, 160, "11111");
    outbox.push_audio(2, 80, "22222");
    outbox.push_audio(2, 80, "33333");
    outbox.push_audio(2, 80, "44444");
    CHECK(outbox.lost() == Loss{.samples = 240});
    CHECK(drain(outbox) == Texts{"loss 1 160 0", "loss 2 80 0", "text stays", "33333", "44444"});
}

TEST_CASE("websocket outbox: losses are told once a second and before the end",
          "[unit][websocket]") {
    Outbox outbox(5);
    outbox.connect();
    const auto lose_one = [&outbox] {
        outbox.push_audio(0, 10, "11111");
        outbox.push_audio(0, 10, "22222");
    };
    lose_one();
    CHECK(drain(outbox) == Texts{"loss 0 10 0", "22222"});
    lose_one();
    CHECK(drain(outbox, kNow + 999ms) == Texts{"22222"});
    lose_one();
    CHECK(drain(outbox, kNow + 1s) == Texts{"loss 0 30 0", "22222"});
    outbox.lose_packets(0, 7);
    outbox.finish("bye");
    CHECK(drain(outbox, kNow + 1s) == Texts{"loss 0 30 7", "last bye"});
}

TEST_CASE("websocket outbox: audio outlives a connection and texts do not", "[unit][websocket]") {
    Outbox outbox(100);
    outbox.push_text("before any connection");
    outbox.push_audio(0, 10, "1");
    outbox.connect();
    outbox.lose_packets(3, 4);
    outbox.push_text("text");
    outbox.push_audio(0, 10, "2");
    outbox.disconnect();
    outbox.push_text("while it is down");
    outbox.push_audio(0, 10, "3");
    outbox.connect();
    CHECK(drain(outbox) == Texts{"loss 3 0 4", "1", "2", "3"});
    outbox.disconnect();
    outbox.connect();
    CHECK(drain(outbox) == Texts{"loss 3 0 4"});  // the next receiver was not told
}

TEST_CASE("websocket outbox: more texts than fit end the connection", "[unit][websocket]") {
    Outbox outbox(10);
    outbox.connect();
    outbox.push_text("1234567890");
    CHECK_FALSE(outbox.is_overrun());
    outbox.push_text("1");
    CHECK(outbox.is_overrun());
    CHECK(drain(outbox).empty());
    outbox.disconnect();
    outbox.connect();
    CHECK_FALSE(outbox.is_overrun());
    outbox.push_text("again");
    CHECK(drain(outbox) == Texts{"again"});
}

TEST_CASE("websocket outbox: what was never sent is counted when it is given up",
          "[unit][websocket]") {
    Outbox outbox(100);
    outbox.push_audio(0, 10, "1");
    outbox.push_audio(1, 20, "2");
    outbox.lose_packets(1, 3);
    CHECK(outbox.lost() == Loss{.samples = 0, .packets = 3});
    CHECK(outbox.abandon() == Loss{.samples = 30, .packets = 3});
    CHECK(outbox.is_finishing());
}
