#include <siprec/sdp.hpp>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <string>

using siprec::ErrorCode;
using siprec::IpAddress;
using siprec::PayloadFormat;
using siprec::sdp::Direction;
using siprec::sdp::Media;
using siprec::sdp::SessionDescription;

namespace {

std::string fixture(const std::string& name) {
    std::ifstream in(std::string(SIPREC_TEST_DATA "/sdp/") + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

SessionDescription parsed(const std::string& text) {
    auto description = siprec::sdp::parse(text);
    if (!description) {
        FAIL(description.error().to_string());
    }
    return *std::move(description);
}

/// One audio m-line with `lines` below it.
Media one_line(const std::string& formats, const std::string& lines) {
    return parsed("v=0\r\nm=audio 6000 RTP/AVP " + formats + "\r\n" + lines).media.at(0);
}

}  // namespace

TEST_CASE("sdp: a plain offer is read whole", "[unit][sdp][rfc8866][4574-4-1][7865-6.7-5]") {
    const SessionDescription offer = parsed(fixture("two-parties.sdp"));
    CHECK(offer.origin_user == "recording-client");
    CHECK(offer.origin_session_id == "2890844526");
    CHECK(offer.origin_version == "3");
    CHECK(offer.session_name == "recorded call");
    CHECK(offer.timing == "0 0");
    CHECK(offer.connection == IpAddress::parse("192.0.2.20"));
    REQUIRE(offer.media.size() == 2);
    const Media& first = offer.media[0];
    CHECK(first.type == "audio");
    CHECK(first.port == 40000);
    CHECK(first.protocol == "RTP/AVP");
    CHECK(first.format_tokens == std::vector<std::string>{"0", "8", "101"});
    REQUIRE(first.formats.size() == 3);
    CHECK(first.formats[0] == PayloadFormat{0, "PCMU", 8000, 1, ""});
    CHECK(first.formats[1] == PayloadFormat{8, "PCMA", 8000, 1, ""});
    CHECK(first.formats[2] == PayloadFormat{101, "TELEPHONE-EVENT", 8000, 1, "0-16"});
    CHECK(first.connection == IpAddress::parse("192.0.2.20"));
    CHECK(first.direction == Direction::SendOnly);
    CHECK(first.label == "agent-1.a+b");
    CHECK(first.ptime_ms == 20U);
    CHECK(first.rtcp_port == std::uint16_t{40101});
    CHECK_FALSE(first.rtcp_mux);
    const Media& second = offer.media[1];
    CHECK(second.connection == IpAddress::parse("192.0.2.21"));
    CHECK(second.label == "agent-1.b");
    CHECK(second.rtcp_mux);
    CHECK(second.content == "main");
    CHECK(second.direction == Direction::Inactive);
}

TEST_CASE("sdp: line ends may be LF or missing on the last line", "[unit][sdp]") {
    const char* end = GENERATE("\r\n", "\n", "\r", " \r\n", "\r\n\r\n");
    const std::string text = fmt::format("{0}v=0{0}m=audio 6000 RTP/AVP 0{0}a=label:1", end);
    const SessionDescription offer = parsed(text);
    REQUIRE(offer.media.size() == 1);
    CHECK(offer.media[0].label == "1");
}

TEST_CASE("sdp: lines out of order and of unknown sense do no harm", "[unit][sdp][interop]") {
    const SessionDescription offer = parsed(
        "v=0\r\nt=10 20\r\nc=IN IP4 192.0.2.1\r\nz9\r\nx=what\r\no=- 7 8 IN IP4 0.0.0.0\r\n"
        "m=audio 6000 RTP/AVP 8\r\na=label:1\r\nb=TIAS:64000\r\na=3gOoXYZ\r\na=rtpmap:8 "
        "PCMA/8000\r\n"
        "=\r\nc=IN IP4 192.0.2.2\r\n");
    CHECK(offer.timing == "10 20");
    CHECK(offer.origin_session_id == "7");
    CHECK(offer.media.at(0).connection == IpAddress::parse("192.0.2.2"));
    CHECK(offer.media.at(0).label == "1");
}

TEST_CASE("sdp: a user name with blanks in the origin is kept whole", "[unit][sdp]") {
    const SessionDescription offer =
        parsed("v=0\r\no=Media Gateway 3 12 13 IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0\r\n");
    CHECK(offer.origin_user == "Media Gateway 3");
    CHECK(offer.origin_session_id == "12");
    CHECK(offer.origin_version == "13");
}

TEST_CASE("sdp: c= lines give an address or nothing", "[unit][sdp]") {
    const auto [line, address] = GENERATE(table<const char*, const char*>({
        {"c=IN IP4 192.0.2.7", "192.0.2.7"},
        {"c=IN IP4 233.252.0.1/127", "233.252.0.1"},
        {"c=IN IP4 233.252.0.1/127/3", "233.252.0.1"},
        {"c=IN IP4 0.0.0.0", "0.0.0.0"},
        {"c=IN IP6 2001:db8::7", "2001:db8::7"},
        {"c=IN IP6 ff15::101/3", "ff15::101"},
        {"c=IN IP6 ::", "::"},
        {"c=IN  IP4   192.0.2.7 ", "192.0.2.7"},
        {"c=IN IP4 media.example.org", ""},
        {"c=IN IP4 x.x.x.x", ""},
        {"c=IN IP4", ""},
        {"c=", ""},
    }));
    INFO(line);
    const Media media = one_line("0", std::string(line) + "\r\n");
    CHECK(media.connection == IpAddress::parse(address));
}

TEST_CASE("sdp: a host name of the m-line hides the address of the session", "[unit][sdp]") {
    const SessionDescription offer = parsed(
        "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP4 sbc.example.org\r\n"
        "m=audio 3 RTP/AVP 0\r\n");
    CHECK(offer.media.at(0).connection == std::nullopt);
    CHECK(offer.media.at(1).connection == IpAddress::parse("192.0.2.1"));
}

TEST_CASE("sdp: direction is the m-line's or the session's or sendrecv",
          "[unit][sdp][rfc3264][7866-7.1.1-10]") {
    const auto [session, media, expected] = GENERATE(table<const char*, const char*, Direction>({
        {"", "", Direction::SendRecv},
        {"", "a=sendonly\r\n", Direction::SendOnly},
        {"a=inactive\r\n", "", Direction::Inactive},
        {"a=inactive\r\n", "a=sendonly\r\n", Direction::SendOnly},
        {"", "a=recvonly\r\n", Direction::RecvOnly},
        {"", "a=SendOnly\r\n", Direction::SendOnly},
        {"", "a=direction:both\r\n", Direction::SendRecv},
        {"", "a=sendonly\r\na=direction:both\r\n", Direction::SendOnly},
        {"", "a=direction:both\r\na=inactive\r\n", Direction::Inactive},
        {"", "a=sendonly\r\na=inactive\r\n", Direction::Inactive},
    }));
    INFO(session << " / " << media);
    const SessionDescription offer =
        parsed(fmt::format("v=0\r\n{}m=audio 6000 RTP/AVP 0\r\n{}", session, media));
    CHECK(offer.media.at(0).direction == expected);
}

TEST_CASE("sdp: direction of one m-line is not another's", "[unit][sdp]") {
    const SessionDescription offer =
        parsed("v=0\r\nm=audio 1 RTP/AVP 0\r\na=inactive\r\nm=audio 3 RTP/AVP 0\r\n");
    CHECK(offer.media.at(0).direction == Direction::Inactive);
    CHECK(offer.media.at(1).direction == Direction::SendRecv);
}

TEST_CASE("sdp: payload formats resolve by rtpmap or by the static table",
          "[unit][sdp][rfc3551][3264-5.1-1]") {
    const auto [formats, lines, expected] =
        GENERATE(table<std::string, std::string, PayloadFormat>({
            {"0", "", {0, "PCMU", 8000, 1, ""}},
            {"9", "a=rtpmap:9 G722/8000\r\n", {9, "G722", 8000, 1, ""}},
            {"0", "a=rtpmap:0 pcmu/8000\r\n", {0, "PCMU", 8000, 1, ""}},
            {"0", "a=rtpmap:0 pcmu/8000a\r\n", {0, "PCMU", 8000, 1, ""}},
            {"0", "a=rtpmap:0 PCMU\r\n", {0, "PCMU", 8000, 1, ""}},
            {"0", "a=rtpmap:0 /8000\r\n", {0, "PCMU", 8000, 1, ""}},
            {"0", "a=rtpmap:0 L16/16000\r\n", {0, "L16", 16000, 1, ""}},
            {"111",
             "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n",
             {111, "OPUS", 48000, 2, "useinbandfec=1"}},
            {"107",
             "a=rtpmap:107  telephone-event/48000\r\na=fmtp:107 0-15,16\r\n",
             {107, "TELEPHONE-EVENT", 48000, 1, "0-15,16"}},
            {"96", "a=rtpmap:96 X-NeverHeardOf/16000\r\n", {96, "X-NEVERHEARDOF", 16000, 1, ""}},
            {"96", "", {96, "", 8000, 1, ""}},
            {"96", "a=rtpmap:96 opus\r\n", {96, "", 8000, 1, ""}},
            {"96", "a=rtpmap:96 opus/0\r\n", {96, "", 8000, 1, ""}},
            {"96", "a=rtpmap:97 opus/48000/2\r\n", {96, "", 8000, 1, ""}},
            {"96", "a=rtpmap:96 opus/48000/9999\r\n", {96, "OPUS", 48000, 1, ""}},
            {"1", "", {1, "", 8000, 1, ""}},
            {"18", "a=fmtp:18 annexb=no\r\n", {18, "G729", 8000, 1, "annexb=no"}},
        }));
    INFO(formats << " " << lines);
    const Media media = one_line(formats, lines);
    REQUIRE(media.formats.size() == 1);
    CHECK(media.formats[0] == expected);
}

TEST_CASE("sdp: a payload type given twice or out of range is not a format", "[unit][sdp]") {
    const Media media = one_line("0 0 128 999 -1 x 8", "");
    REQUIRE(media.formats.size() == 2);
    CHECK(media.formats[0].encoding == "PCMU");
    CHECK(media.formats[1].encoding == "PCMA");
    CHECK(media.format_tokens.size() == 7);
}

TEST_CASE("sdp: rtpmap of one m-line does not reach another", "[unit][sdp]") {
    const SessionDescription offer = parsed(
        "v=0\r\nm=audio 1 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
        "m=video 3 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
    CHECK(offer.media.at(0).formats.at(0).encoding == "OPUS");
    CHECK(offer.media.at(1).formats.at(0).encoding == "H264");
}

TEST_CASE("sdp: m-lines that are not RTP keep their tokens only", "[unit][sdp]") {
    const SessionDescription offer = parsed(
        "v=0\r\nm=message 7654 TCP/MSRP *\r\nm=application 5000 UDP/BFCP 0\r\nm=image 1 udptl "
        "t38\r\n");
    for (const Media& media : offer.media) {
        CHECK_FALSE(media.is_rtp());
        CHECK(media.formats.empty());
        CHECK(media.format_tokens.size() == 1);
    }
}

TEST_CASE("sdp: every RTP profile is known in any case", "[unit][sdp]") {
    const auto [protocol, is_rtp] = GENERATE(table<std::string, bool>({
        {"RTP/AVP", true},
        {"rtp/avp", true},
        {"RTP/AVPF", true},
        {"RTP/SAVP", true},
        {"RTP/SAVPF", true},
        {"UDP/TLS/RTP/SAVP", true},
        {"UDP/TLS/RTP/SAVPF", true},
        {"RTP/XYZ", false},
        {"TCP/MSRP", false},
    }));
    CHECK(parsed("v=0\nm=audio 2 " + protocol + " 0").media.at(0).is_rtp() == is_rtp);
}

TEST_CASE("sdp: a number of ports behind the port is left out", "[unit][sdp][rfc8866]") {
    CHECK(parsed("v=0\r\nm=audio 6000/2 RTP/AVP 0\r\n").media.at(0).port == 6000);
}

TEST_CASE("sdp: an empty label is none", "[unit][sdp][rfc4574][4574-4-1][7866-7.1.1-11]") {
    CHECK(one_line("0", "a=label:\r\n").label == std::nullopt);
    CHECK(one_line("0", "a=label\r\n").label == std::nullopt);
    CHECK(one_line("0", "a=label: x \r\n").label == "x");
}

TEST_CASE("sdp: a=rtcp takes a port and ignores what is none",
          "[unit][sdp][rfc3605][5761-5.1.1-1]") {
    CHECK(one_line("0", "a=rtcp:53020 IN IP4 192.0.2.9\r\n").rtcp_port == std::uint16_t{53020});
    CHECK(one_line("0", "a=rtcp:0\r\n").rtcp_port == std::nullopt);
    CHECK(one_line("0", "a=rtcp:70000\r\n").rtcp_port == std::nullopt);
    CHECK(one_line("0", "a=rtcp:\r\n").rtcp_port == std::nullopt);
    CHECK(one_line("0", "a=rtcp-fb:0 nack\r\n").rtcp_port == std::nullopt);
}

TEST_CASE("sdp: a second description in the same text adds its m-lines", "[unit][sdp][interop]") {
    const SessionDescription offer =
        parsed(fixture("second-description-behind-foreign-boundary.sdp"));
    CHECK(offer.origin_session_id == "4711");
    CHECK(offer.timing == "1 2");
    REQUIRE(offer.media.size() == 2);
    CHECK(offer.media[0].label == "777");
    CHECK(offer.media[0].direction == Direction::SendOnly);
    CHECK(offer.media[1].label == "1");
}

TEST_CASE("sdp: an odd t= line leaves the timing as it was", "[unit][sdp]") {
    CHECK(parsed("v=0\r\nt=now later\r\nm=audio 1 RTP/AVP 0\r\n").timing == "0 0");
    CHECK(parsed("v=0\r\nt=\r\nm=audio 1 RTP/AVP 0\r\n").timing == "0 0");
    CHECK(parsed("v=0\r\nt=3724394400  3724398000\r\nm=audio 1 RTP/AVP 0\r\n").timing ==
          "3724394400 3724398000");
}

TEST_CASE("sdp: what is no description is refused with the place", "[unit][sdp]") {
    const auto [text, offset] = GENERATE(table<std::string, std::size_t>({
        {"", 0},
        {"INVITE sip:a@b SIP/2.0\r\n", 0},
        {"v=0\r\ns=-\r\n", 10},
    }));
    INFO(text);
    const auto refused = siprec::sdp::parse(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::Malformed);
    CHECK(refused.error().offset() == offset);
}

TEST_CASE("sdp: a damaged m-line keeps its place", "[unit][sdp]") {
    const auto [line, port, protocol] = GENERATE(table<std::string, int, std::string>({
        {"m=", 0, "RTP/AVP"},
        {"m=audio", 0, "RTP/AVP"},
        {"m=audio 6000", 0, "RTP/AVP"},
        {"m=audio x RTP/AVP 0", 9, "RTP/AVP"},
        {"m=audio 65536 RTP/SAVP 0", 9, "RTP/SAVP"},
        {"m=audio -1 RTP/AVP 0", 9, "RTP/AVP"},
    }));
    INFO(line);
    const auto description = parsed("v=0\r\n" + line + "\r\nm=audio 6002 RTP/AVP 8\r\n");
    REQUIRE(description.media.size() == 2);
    CHECK(description.media[0].type == "audio");
    CHECK(description.media[0].port == port);
    CHECK(description.media[0].protocol == protocol);
    CHECK(description.media[1].port == 6002);
}

TEST_CASE("sdp: a description without its version is one all the same", "[unit][sdp]") {
    CHECK(parsed("o=a 1 1 IN IP4 192.0.2.1\r\nm=audio 6000 RTP/AVP 0\r\n").media.size() == 1);
}

TEST_CASE("sdp: 128 m-lines are taken and 129 are not", "[unit][sdp]") {
    std::string text = "v=0\r\n";
    for (int i = 0; i < 128; ++i) {
        text += "m=audio 6000 RTP/AVP 0\r\n";
    }
    CHECK(parsed(text).media.size() == 128);
    const auto refused = siprec::sdp::parse(text + "m=audio 6000 RTP/AVP 0\r\n");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::LimitExceeded);
    CHECK(refused.error().offset() == text.size());
}

TEST_CASE("sdp: the recording indications of the call do no harm",
          "[unit][sdp][rfc7866][7866-6.1.2-1]") {
    const Media plain = one_line("0", "a=label:1\r\na=sendonly\r\n");
    const Media told =
        one_line("0", "a=label:1\r\na=record:on\r\na=recordpref:off\r\na=sendonly\r\n");
    CHECK(told.label == plain.label);
    CHECK(told.direction == plain.direction);
    CHECK(told.formats == plain.formats);
    CHECK(siprec::sdp::is_acceptable(told));
}
