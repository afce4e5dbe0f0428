#include "cli/ladder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using siprec::Endpoint;
using siprec::WallTime;
using siprec::server::ladder_text;
using siprec::server::read_ladder;
namespace pcapng = siprec::pcapng;

namespace {

class Capture {
  public:
    Capture() {
        pcapng::Writer::section_header(bytes_, "test");
        pcapng::Writer::interface(bytes_, "sip", "");
    }

    void add(bool from_client, const std::string& text) {
        const auto client = *Endpoint::parse("192.0.2.1:5060");
        const auto server = *Endpoint::parse("192.0.2.9:5060");
        time_ += std::chrono::milliseconds(20);
        pcapng::Writer::datagram(bytes_,
                                 0,
                                 time_,
                                 from_client ? client : server,
                                 from_client ? server : client,
                                 std::as_bytes(std::span(text)));
    }

    [[nodiscard]] nlohmann::ordered_json ladder() const {
        std::size_t at = 0;
        auto read = read_ladder([&](std::span<std::byte> out) -> siprec::Result<std::size_t> {
            const std::size_t size = std::min(out.size(), bytes_.size() - at);
            std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), size, out.begin());
            at += size;
            return size;
        });
        REQUIRE(read);
        return *read;
    }

  private:
    std::vector<std::byte> bytes_;
    WallTime time_{std::chrono::seconds(1'800'000'000)};
};

std::string document(const std::string& names) {
    std::string text =
        "UPDATE sip:a SIP/2.0\r\nCSeq: 2 UPDATE\r\nContent-Type: "
        "application/rs-metadata+xml\r\n\r\n<recording xmlns='urn:ietf:params:xml:ns:recording:1'>";
    for (const char name : names) {
        text += std::string("<participant participant_id='") + name + "'><nameID aor='sip:" + name +
                "'><name>" + name + "</name></nameID></participant>";
    }
    return text + "</recording>";
}

}  // namespace

TEST_CASE("ladder: shows who sent what, the directions and who came and went", "[unit][cli]") {
    Capture capture;
    capture.add(
        true,
        "INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
        "m=audio 6000 RTP/AVP 0\r\na=label:1\r\na=sendonly\r\nm=audio 6002 RTP/AVP "
        "0\r\na=label:2\r\na=inactive\r\n");
    capture.add(false, "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n");
    capture.add(true, std::string("\x80\x00\x00\x01", 4) + std::string(160, 'x'));
    capture.add(true, document("AB"));
    capture.add(true, document("AC"));
    capture.add(true, document("AC"));
    const auto ladder = capture.ladder();
    REQUIRE(ladder.size() == 5);
    CHECK(ladder[0]["sdp"] == "sendonly 1; inactive 2");
    CHECK(ladder[1]["from_client"] == false);
    CHECK(ladder[2]["metadata"]["changes"] == nlohmann::ordered_json({"+A", "+B"}));
    CHECK(ladder[3]["metadata"]["changes"] == nlohmann::ordered_json({"+C", "-B"}));
    const std::string text = ladder_text(ladder);
    CHECK(text.find("<------") != std::string::npos);
    CHECK(text.find("200 (INVITE)") != std::string::npos);
    CHECK(text.find("complete +C -B") != std::string::npos);
    CHECK(text.find("(nothing new)") != std::string::npos);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        CHECK(line.size() <= 100);
    }
}

TEST_CASE("ladder: is empty for a capture without SIP", "[unit][cli]") {
    CHECK(ladder_text(Capture().ladder()) == "no SIP message in the capture\n");
}
