#include <siprec/sdp.hpp>

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using siprec::ErrorCode;
using siprec::IpAddress;
using siprec::sdp::AnswerOptions;
using siprec::sdp::Direction;
using siprec::sdp::Media;
using siprec::sdp::MediaAnswer;
using siprec::sdp::SessionDescription;

namespace {

SessionDescription parsed(const std::string& text) {
    auto description = siprec::sdp::parse(text);
    if (!description) {
        FAIL(description.error().to_string());
    }
    return *std::move(description);
}

SessionDescription fixture(const std::string& name) {
    std::ifstream in(std::string(SIPREC_TEST_DATA "/sdp/") + name, std::ios::binary);
    return parsed({std::istreambuf_iterator<char>(in), {}});
}

AnswerOptions options() {
    return {
        .session_id = 99, .version = 1, .address = IpAddress::v4({192, 0, 2, 1}), .ready = true};
}

MediaAnswer accepted(std::uint16_t port) {
    return {.accept = true,
            .port = port,
            .rtcp_mux = true,
            .address = IpAddress::v4({192, 0, 2, 1}),
            .rtcp_port = 0};
}

std::vector<MediaAnswer> all_accepted(const SessionDescription& offer) {
    std::vector<MediaAnswer> answers;
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
        answers.push_back(accepted(static_cast<std::uint16_t>(20000 + 2 * i)));
    }
    return answers;
}

std::string answer_to(const SessionDescription& offer, const std::vector<MediaAnswer>& media) {
    auto answer = siprec::sdp::write_answer(offer, media, options());
    if (!answer) {
        FAIL(answer.error().to_string());
    }
    return *std::move(answer);
}

/// The answer to a session of one audio m-line with `lines` below it, from the m-line on.
std::string answer_to_line(const std::string& formats, const std::string& lines) {
    const SessionDescription offer =
        parsed("v=0\r\nc=IN IP4 192.0.2.20\r\nm=audio 6000 RTP/AVP " + formats + "\r\n" + lines);
    const std::string answer = answer_to(offer, all_accepted(offer));
    return answer.substr(answer.find("m="));
}

}  // namespace

TEST_CASE("sdp: the answer to a plain offer is written whole",
          "[unit][sdp][rfc3264][rfc7866][3264-6-3][7866-7.2-1][7866-7.1.1-2][4733-2.5.2.1-1]"
          "[4574-4-1][7866-7.1.1-11][4-1]") {
    const SessionDescription offer = fixture("two-parties.sdp");
    CHECK(answer_to(offer, all_accepted(offer)) ==
          "v=0\r\n"
          "o=siprec 99 1 IN IP4 192.0.2.1\r\n"
          "s=-\r\n"
          "c=IN IP4 192.0.2.1\r\n"
          "t=0 0\r\n"
          "m=audio 20000 RTP/AVP 0 8 101\r\n"
          "a=rtpmap:0 PCMU/8000\r\n"
          "a=rtpmap:8 PCMA/8000\r\n"
          "a=rtpmap:101 telephone-event/8000\r\n"
          "a=fmtp:101 0-16\r\n"
          "a=recvonly\r\n"
          "a=label:agent-1.a+b\r\n"
          "m=audio 20002 RTP/AVP 111 0\r\n"
          "a=rtpmap:111 opus/48000/2\r\n"
          "a=rtpmap:0 PCMU/8000\r\n"
          "a=inactive\r\n"
          "a=label:agent-1.b\r\n"
          "a=rtcp-mux\r\n");
}

TEST_CASE("sdp: a mixed offer is answered m-line by m-line",
          "[unit][sdp][rfc3264][3264-6-1][7866-8.3.1-1][7866-8.3.2-1]") {
    const SessionDescription offer = fixture("mixed.sdp");
    auto ours = all_accepted(offer);
    ours.at(1).accept = false;  // no keys for it
    ours.at(2).attributes = {{.name = "setup", .value = "active"}};
    const std::string text = answer_to(offer, ours);
    const SessionDescription answer = parsed(text);
    REQUIRE(answer.media.size() == offer.media.size());
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
        const Media& offered = offer.media[i];
        const Media& answered = answer.media[i];
        INFO("m-line " << i << ": " << offered.protocol);
        CHECK(answered.type == offered.type);
        CHECK(answered.protocol == offered.protocol);
        CHECK(answered.label == offered.label);
        CHECK((answered.port != 0) == (i != 1 && siprec::sdp::is_acceptable(offered)));
        CHECK_FALSE(answered.format_tokens.empty());
    }
    CHECK(answer.media[0].port == 20000);
    CHECK(answer.media[1].port == 0);
    CHECK(answer.media[2].port == 20004);
    CHECK(text.find("a=setup:active\r\n") != std::string::npos);
    CHECK(answer.media[3].port == 20006);
    CHECK(answer.media[3].type == "video");
    CHECK(answer.media[4].port == 0);
    CHECK(answer.media[5].port == 0);
    CHECK(answer.media[6].port == 20012);
    CHECK(answer.timing == offer.timing);
}

TEST_CASE("sdp: no group and no key of the offer reaches the answer", "[unit][sdp][rfc9143]") {
    const SessionDescription offer = fixture("mixed.sdp");
    const std::string answer = answer_to(offer, all_accepted(offer));
    for (const char* word :
         {"group", "mid", "bundle-only", "crypto", "fingerprint", "candidate", "ptime", "setup"}) {
        INFO(word);
        CHECK(answer.find(word) == std::string::npos);
    }
}

TEST_CASE("sdp: a refused m-line keeps its first format and its label",
          "[unit][sdp][rfc3264][3264-6-1][7866-8.3.2-1]") {
    const SessionDescription offer = parsed(
        "v=0\r\nm=audio 6000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=sendonly\r\n"
        "a=label:x\r\nm=message 7000 TCP/MSRP *\r\nm=audio 6002 RTP/AVP\r\n");
    const std::string answer = answer_to(offer, {MediaAnswer{}, accepted(2), accepted(4)});
    CHECK(answer.substr(answer.find("m=")) ==
          "m=audio 0 RTP/AVP 8\r\na=label:x\r\nm=message 0 TCP/MSRP *\r\nm=audio 0 RTP/AVP 0\r\n");
}

TEST_CASE("sdp: port 0 is answered with port 0 whatever stands beside it",
          "[unit][sdp][rfc3264][3264-8.2-1][7866-7.1.1.1-1]") {
    const SessionDescription offer =
        parsed("v=0\r\nm=audio 0 RTP/AVP 8\r\na=sendonly\r\na=label:2\r\n");
    const std::string answer = answer_to(offer, all_accepted(offer));
    CHECK(answer.substr(answer.find("m=")) == "m=audio 0 RTP/AVP 8\r\na=label:2\r\n");
}

TEST_CASE("sdp: which m-lines are acceptable", "[unit][sdp][7866-8.1.2-1]") {
    const auto [line, acceptable] = GENERATE(table<std::string, bool>({
        {"audio 6000 RTP/AVP 0", true},
        {"audio 6000 RTP/AVPF 0", true},
        {"audio 6000 rtp/avp 0", true},
        {"video 6000 RTP/AVP 97", true},
        {"text 6000 RTP/AVP 98", true},
        {"audio 6000 RTP/AVP 96", true},
        {"audio 0 RTP/AVP 0", false},
        {"audio 6000 RTP/AVP", false},
        {"audio 6000 RTP/SAVP 0", true},
        {"audio 6000 RTP/SAVPF 0", true},
        {"audio 6000 UDP/TLS/RTP/SAVPF 0", true},
        {"message 6000 TCP/MSRP *", false},
        {"image 6000 udptl t38", false},
    }));
    INFO(line);
    CHECK(siprec::sdp::is_acceptable(parsed("v=0\r\nm=" + line + "\r\n").media.at(0)) ==
          acceptable);
}

TEST_CASE("sdp: direction of the answer follows the offer's",
          "[unit][sdp][rfc3264][rfc7866][3264-6.1-1][3264-8.4-1][7866-7.1.1-10]") {
    const auto [lines, expected] = GENERATE(table<std::string, Direction>({
        {"", Direction::RecvOnly},
        {"a=sendrecv\r\n", Direction::RecvOnly},
        {"a=sendonly\r\n", Direction::RecvOnly},
        {"a=sendonly\r\na=direction:both\r\n", Direction::RecvOnly},
        {"a=recvonly\r\n", Direction::Inactive},
        {"a=inactive\r\n", Direction::Inactive},
        {"a=sendonly\r\nc=IN IP4 0.0.0.0\r\n", Direction::Inactive},
        {"a=sendonly\r\nc=IN IP6 ::\r\n", Direction::Inactive},
        {"a=sendonly\r\nc=IN IP4 host.example.org\r\n", Direction::RecvOnly},
    }));
    INFO(lines);
    const SessionDescription offer =
        parsed("v=0\r\nc=IN IP4 192.0.2.20\r\nm=audio 6000 RTP/AVP 0\r\n" + lines);
    CHECK(siprec::sdp::answer_direction(offer.media.at(0)) == expected);
    CHECK(parsed(answer_to(offer, all_accepted(offer))).media.at(0).direction == expected);
}

TEST_CASE("sdp: a recorder that is not ready answers inactive",
          "[unit][sdp][rfc7866][7866-7.2-2]") {
    const SessionDescription offer = fixture("two-parties.sdp");
    AnswerOptions waiting = options();
    waiting.ready = false;
    const auto answer = siprec::sdp::write_answer(offer, all_accepted(offer), waiting);
    REQUIRE(answer);
    for (const Media& media : parsed(*answer).media) {
        CHECK(media.direction == Direction::Inactive);
        CHECK(media.port != 0);
    }
}

TEST_CASE("sdp: the answer lists usable formats with rtpmap and fmtp",
          "[unit][sdp][rfc3264][3264-6.1-2][4733-2.5.2.1-1][8068-T10]") {
    const auto [formats, lines, expected] = GENERATE(table<std::string, std::string, std::string>({
        {"0", "", "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=recvonly\r\n"},
        // The spelling of the offer is kept.
        {"0",
         "a=rtpmap:0 pcmu/8000\r\n",
         "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 pcmu/8000\r\na=recvonly\r\n"},
        {"0",
         "a=rtpmap:0 pcmu/8000a\r\n",
         "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 pcmu/8000\r\na=recvonly\r\n"},
        // A dynamic type that nobody can resolve is left out...
        {"96 8", "", "m=audio 20000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=recvonly\r\n"},
        // ...unless nothing else is there.
        {"96 97", "", "m=audio 20000 RTP/AVP 96 97\r\na=recvonly\r\n"},
        // RFC 4733 2.5.1.1
        {"101",
         "a=rtpmap:101 telephone-event/8000\r\n",
         "m=audio 20000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n"
         "a=fmtp:101 0-15\r\na=recvonly\r\n"},
        {"101",
         "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15,16\r\n",
         "m=audio 20000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n"
         "a=fmtp:101 0-15,16\r\na=recvonly\r\n"},
        {"111",
         "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n",
         "m=audio 20000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\na=recvonly\r\n"},
        {"18",
         "a=fmtp:18 annexb=no\r\n",
         "m=audio 20000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"
         "a=recvonly\r\n"},
        {"97",
         "a=rtpmap:97 H264/90000\r\n"
         "a=fmtp:97 packetization-mode=0; sprop-parameter-sets=Z0I,aM4;profile-level-id=42e\r\n",
         "m=audio 20000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
         "a=fmtp:97 packetization-mode=0;profile-level-id=42e\r\na=recvonly\r\n"},
    }));
    CHECK(answer_to_line(formats, lines) == expected);
}

TEST_CASE("sdp: feedback that asks for pictures is agreed on and no other",
          "[unit][sdp][rfc4585][rfc5104][7866-8.1.7-2][7866-8.1.2-1]") {
    const SessionDescription offer = parsed(
        "v=0\r\nm=video 6000 RTP/AVPF 97\r\na=rtpmap:97 H264/90000\r\na=rtcp-fb:97 ccm fir\r\n"
        "a=rtcp-fb:* nack pli\r\na=rtcp-fb:97 nack\r\na=rtcp-fb:97 ccm tmmbr\r\n"
        "m=video 6002 RTP/AVPF 97\r\na=rtpmap:97 H264/90000\r\n"
        "m=audio 6004 RTP/AVPF 0\r\na=rtcp-fb:0 ccm fir\r\n");
    CHECK(siprec::sdp::offers_feedback(offer.media[0], "ccm fir"));
    CHECK(siprec::sdp::offers_feedback(offer.media[0], "nack pli"));
    CHECK_FALSE(siprec::sdp::offers_feedback(offer.media[1], "ccm fir"));
    const SessionDescription answer = parsed(answer_to(offer, all_accepted(offer)));
    CHECK(answer.media[0].protocol == "RTP/AVPF");
    CHECK(siprec::sdp::offers_feedback(answer.media[0], "ccm fir"));
    CHECK(siprec::sdp::offers_feedback(answer.media[0], "nack pli"));
    CHECK_FALSE(siprec::sdp::offers_feedback(answer.media[0], "nack"));
    CHECK_FALSE(siprec::sdp::offers_feedback(answer.media[0], "ccm tmmbr"));
    CHECK_FALSE(siprec::sdp::offers_feedback(answer.media[1], "nack pli"));
    CHECK_FALSE(siprec::sdp::offers_feedback(answer.media[2], "ccm fir"));
}

TEST_CASE("sdp: rtcp-mux is answered only when offered and accepted",
          "[unit][sdp][rfc5761][5761-5.1.1-1][5761-5.1.1-2]") {
    for (const bool offered : {false, true}) {
        for (const bool taken : {false, true}) {
            const SessionDescription offer =
                parsed(std::string("v=0\r\nm=audio 6000 RTP/AVP 0\r\n") +
                       (offered ? "a=rtcp-mux\r\n" : ""));
            MediaAnswer ours = accepted(20000);
            ours.rtcp_mux = taken;
            CHECK(parsed(answer_to(offer, {ours})).media.at(0).rtcp_mux == (offered && taken));
        }
    }
}

TEST_CASE("sdp: a=rtcp is written when RTCP is not on the next port",
          "[unit][sdp][rfc3605][5761-5.1.1-1]") {
    const SessionDescription offer = parsed("v=0\r\nm=audio 6000 RTP/AVP 0\r\na=rtcp-mux\r\n");
    MediaAnswer ours = accepted(20000);
    ours.rtcp_mux = false;
    CHECK(parsed(answer_to(offer, {ours})).media.at(0).rtcp_port == std::nullopt);
    ours.rtcp_port = 20001;
    CHECK(parsed(answer_to(offer, {ours})).media.at(0).rtcp_port == std::nullopt);
    ours.rtcp_port = 30001;
    CHECK(parsed(answer_to(offer, {ours})).media.at(0).rtcp_port == std::uint16_t{30001});
    ours.rtcp_mux = true;
    CHECK(parsed(answer_to(offer, {ours})).media.at(0).rtcp_port == std::nullopt);
}

TEST_CASE("sdp: an m-line has its own c= when its address differs", "[unit][sdp]") {
    const SessionDescription offer = fixture("two-parties.sdp");
    std::vector<MediaAnswer> ours = all_accepted(offer);
    ours[1].address = *IpAddress::parse("2001:db8::5");
    const std::string text = answer_to(offer, ours);
    CHECK(text.find("c=IN IP6 2001:db8::5\r\n") != std::string::npos);
    const SessionDescription answer = parsed(text);
    CHECK(answer.media[0].connection == IpAddress::parse("192.0.2.1"));
    CHECK(answer.media[1].connection == IpAddress::parse("2001:db8::5"));
    ours[1].address = IpAddress{};
    CHECK(parsed(answer_to(offer, ours)).media[1].connection == IpAddress::parse("192.0.2.1"));
}

TEST_CASE("sdp: IPv6 stands in o= and c= of the answer", "[unit][sdp]") {
    const SessionDescription offer = fixture("ipv6.sdp");
    CHECK(offer.media.at(0).connection == IpAddress::parse("2001:db8::20"));
    AnswerOptions ours = options();
    ours.address = *IpAddress::parse("2001:db8::1");
    MediaAnswer media = accepted(20000);
    media.address = ours.address;
    const auto answer = siprec::sdp::write_answer(offer, {media}, ours);
    REQUIRE(answer);
    CHECK(answer->find("o=siprec 99 1 IN IP6 2001:db8::1\r\n") != std::string::npos);
    CHECK(answer->find("\r\nc=IN IP6 2001:db8::1\r\n") != std::string::npos);
    CHECK(answer->find("IP4") == std::string::npos);
}

TEST_CASE("sdp: the answer repeats t= of the offer", "[unit][sdp][rfc3264][3264-6-3]") {
    const SessionDescription offer =
        parsed("v=0\r\nt=3724394400 3724398000\r\nm=audio 6000 RTP/AVP 0\r\n");
    CHECK(answer_to(offer, all_accepted(offer)).find("\r\nt=3724394400 3724398000\r\n") !=
          std::string::npos);
}

TEST_CASE("sdp: an answer that makes no sense is refused", "[unit][sdp]") {
    const SessionDescription offer = parsed("v=0\r\nm=audio 6000 RTP/AVP 0\r\n");
    AnswerOptions ours = options();
    MediaAnswer media = accepted(20000);
    SECTION("another number of m-lines") {
        const auto answer = siprec::sdp::write_answer(offer, {media, media}, ours);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code() == ErrorCode::InvalidArgument);
    }
    SECTION("port 0 accepted") {
        media.port = 0;
        CHECK_FALSE(siprec::sdp::write_answer(offer, {media}, ours));
    }
    SECTION("no address") {
        media.address = IpAddress{};
        ours.address = IpAddress{};
        CHECK_FALSE(siprec::sdp::write_answer(offer, {media}, ours));
    }
}
