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

}  // namespace
}  // namespace siprec::server
