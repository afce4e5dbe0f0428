#include <siprec/sdp.hpp>

#include <catch2/catch.hpp>

#include <string>

using siprec::IpAddress;
using siprec::sdp::AnswerOptions;
using siprec::sdp::Direction;
using siprec::sdp::MediaAnswer;
using siprec::sdp::SessionDescription;

namespace {

const AnswerOptions& options() {
    static const AnswerOptions ours{
        .session_id = 5, .version = 7, .address = IpAddress::v4({192, 0, 2, 1}), .ready = true};
    return ours;
}

MediaAnswer on_port(std::uint16_t port) {
    MediaAnswer ours;
    ours.accept = true;
    ours.port = port;
    return ours;
}

}  // namespace

TEST_CASE("sdp: an offer of ours repeats the streams on record as recvonly",
          "[unit][sdp][rfc7866][7866-7.2-5][8068-F9]") {
    const auto streams = siprec::sdp::parse(
        "v=0\r\no=them 1 1 IN IP4 192.0.2.20\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n"
        "m=audio 6000 RTP/AVP 0\r\na=inactive\r\na=label:1\r\n"
        "m=audio 0 RTP/AVP 8\r\na=label:2\r\n"
        "m=audio 6004 RTP/AVP 8\r\na=sendonly\r\na=label:3\r\n");
    REQUIRE(streams);
    const auto offer = siprec::sdp::write_offer(
        *streams, {on_port(20000), MediaAnswer{}, on_port(20004)}, options());
    REQUIRE(offer);
    CHECK(*offer ==
          "v=0\r\no=siprec 5 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
          "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=recvonly\r\na=label:1\r\n"
          "m=audio 0 RTP/AVP 8\r\na=label:2\r\n"
          "m=audio 20004 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=recvonly\r\na=label:3\r\n");
}

TEST_CASE("sdp: an offer without streams on record asks for G.711", "[unit][sdp][rfc7866]") {
    const auto offer =
        siprec::sdp::write_offer(SessionDescription{}, {on_port(20000), on_port(20002)}, options());
    REQUIRE(offer);
    const auto parsed = siprec::sdp::parse(*offer);
    REQUIRE(parsed);
    REQUIRE(parsed->media.size() == 2);
    for (const auto& media : parsed->media) {
        CHECK(media.format_tokens == std::vector<std::string>{"0", "8"});
        CHECK(media.direction == Direction::RecvOnly);
        CHECK(media.label == std::nullopt);
    }
    CHECK(parsed->media[1].port == 20002);
}

TEST_CASE("sdp: an offer of a recorder that is not ready is inactive",
          "[unit][sdp][rfc7866][7866-7.2-2]") {
    AnswerOptions waiting = options();
    waiting.ready = false;
    const auto offer = siprec::sdp::write_offer(SessionDescription{}, {on_port(20000)}, waiting);
    REQUIRE(offer);
    CHECK(siprec::sdp::parse(*offer)->media.at(0).direction == Direction::Inactive);
}

TEST_CASE("sdp: an offer never has a stream that was not on record",
          "[unit][sdp][rfc7866][7866-7.2-5]") {
    const auto streams = siprec::sdp::parse("v=0\r\nm=audio 6000 RTP/AVP 0\r\n");
    REQUIRE(streams);
    CHECK_FALSE(siprec::sdp::write_offer(*streams, {on_port(20000), on_port(20002)}, options()));
}
