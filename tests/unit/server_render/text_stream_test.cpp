#include "render/text_stream.hpp"

#include <catch2/catch.hpp>

namespace siprec::server {
namespace {

using namespace std::chrono_literals;

const WallTime kStart{1'795'292'717s};

/// Writes text as RFC 4103 does: each packet repeats the last two.
class Writer {
  public:
    explicit Writer(TextStream& stream) : stream_(stream) {
        stream_.set_formats({{98, "T140", 1000, 1, {}}, {99, "RED", 1000, 1, {}}});
    }

    void write(const std::string& text, std::uint32_t when, bool is_lost = false) {
        std::string payload;
        for (const auto& [time, earlier] : sent_) {
            const std::uint32_t offset = when - time;
            payload += static_cast<char>(0x80 | 98);
            payload += static_cast<char>(offset >> 6U);
            payload += static_cast<char>((offset & 0x3FU) << 2U);
            payload += static_cast<char>(earlier.size());
        }
        payload += static_cast<char>(98);
        for (const auto& [time, earlier] : sent_) {
            payload += earlier;
        }
        payload += text;
        if (!is_lost) {
            push(99, payload, when);
        }
        ++sequence_;
        sent_.emplace_back(when, text);
        if (sent_.size() > 2) {
            sent_.erase(sent_.begin());
        }
    }

    void push(std::uint8_t payload_type, const std::string& payload, std::uint32_t when) {
        RtpPacket packet;
        packet.payload_type = payload_type;
        packet.sequence = sequence_;
        packet.timestamp = 0xFFFF'F000U + when;
        packet.ssrc = 7;
        packet.arrival = kStart + std::chrono::milliseconds(when);
        packet.payload = std::as_bytes(std::span(payload));
        stream_.push(packet);
    }

  private:
    TextStream& stream_;
    std::uint16_t sequence_ = 65'534;
    std::vector<std::pair<std::uint32_t, std::string>> sent_;
};

TEST_CASE("text: what was written comes line by line with its times", "[unit][render][rfc4103]") {
    TextStream stream;
    Writer writer(stream);
    writer.write("\xEF\xBB\xBFHel", 0);
    writer.write("lo", 300);
    writer.write(" Bob\xE2\x80\xA8How", 600);
    writer.write(" are yuo\b\bou?", 900);
    writer.write("Fine", 9000);
    const auto lines = stream.lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].text == "Hello Bob");
    CHECK(lines[0].start == kStart);
    CHECK(lines[0].end == kStart + 600ms);
    CHECK(lines[1].text == "How are you?");
    CHECK(lines[2].text == "Fine");
    CHECK(lines[2].start == kStart + 9000ms);
}

TEST_CASE("text: redundancy makes two losses good and a third one shows",
          "[unit][render][rfc4103]") {
    TextStream stream;
    Writer writer(stream);
    writer.write("a", 0);
    writer.write("b", 300, true);
    writer.write("c", 600, true);
    writer.write("d", 900);
    writer.write("e", 1200, true);
    writer.write("f", 1500, true);
    writer.write("g", 1800, true);
    writer.write("h", 2100);
    const auto lines = stream.lines();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text ==
          "abcd\xEF\xBF\xBD"
          "fgh");
}

TEST_CASE("text: packets without redundancy and packets that are none do no harm",
          "[unit][render][rfc4103]") {
    TextStream stream;
    Writer writer(stream);
    writer.push(98, "\x07plain\x01\x80", 0);
    writer.push(99, "\xE2", 10);
    writer.push(50, "x", 20);
    const auto lines = stream.lines();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text == "plain");
}

TEST_CASE("text: how letters look and what is no UTF-8 is left out", "[unit][render][rfc4103]") {
    TextStream stream;
    Writer writer(stream);
    writer.push(98,
                "a\xC2\x9B"
                "1mb\xC2\x98 told to a program\xC2\x9C"
                "c\xC2\x85\xED\xA0\x80\xF4\x90\x80\x80\xE0\x80\x80\xC3\xA9\xF0\x9F\x98\x80\xE2\x82",
                0);
    const auto lines = stream.lines();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text == "abc\xC3\xA9\xF0\x9F\x98\x80");
}

TEST_CASE("text: a clock that was set anew does not move the text", "[unit][render][rfc4103]") {
    TextStream stream;
    stream.set_formats({{98, "T140", 1000, 1, {}}});
    const std::string word = "x";
    RtpPacket packet;
    packet.payload_type = 98;
    packet.payload = std::as_bytes(std::span(word));
    packet.arrival = kStart;
    stream.push(packet);
    packet.sequence = 1;
    packet.timestamp = 0x4000'0000;
    packet.arrival = kStart + 10s;
    stream.push(packet);
    const auto lines = stream.lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[1].start == kStart + 10s);
}

}  // namespace
}  // namespace siprec::server
