#include <siprec/sdp.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using siprec::sdp::choose_bundle;
using siprec::sdp::Media;
using Lines = std::vector<std::size_t>;

namespace {

constexpr const char* kMid = "a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n";

std::string line(const std::string& media, const std::string& mid, const std::string& more = kMid) {
    return "m=" + media + "\r\na=rtcp-mux\r\na=mid:" + mid + "\r\n" + more;
}

Lines chosen(const std::string& media, const std::string& group = "a b c") {
    const auto offer =
        siprec::sdp::parse("v=0\r\nc=IN IP4 192.0.2.1\r\na=group:BUNDLE " + group + "\r\n" + media);
    REQUIRE(offer);
    return choose_bundle(*offer);
}

Media one(const std::string& lines) {
    return siprec::sdp::parse("v=0\r\nm=audio 6000 RTP/AVP 0\r\n" + lines)->media.at(0);
}

}  // namespace

TEST_CASE("sdp bundle: the attributes of a line are read", "[unit][sdp][rfc9143]") {
    const Media media =
        one("a=mid:x1\r\na=bundle-only\r\na=extmap:1 urn:other\r\n"
            "a=extmap:14/sendrecv urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
            "a=ssrc:77 cname:a\r\na=ssrc:77 msid:b\r\na=ssrc:78 cname:a\r\na=ssrc:none\r\n");
    CHECK(siprec::sdp::mid_of(media) == "x1");
    CHECK(siprec::sdp::is_bundle_only(media));
    CHECK(siprec::sdp::mid_extension_of(media) == 14);
    CHECK(siprec::sdp::sources_of(media) == std::vector<std::uint32_t>{77, 78});
    CHECK(siprec::sdp::mid_of(one("")).empty());
    CHECK(siprec::sdp::mid_extension_of(
              one("a=extmap:999 urn:ietf:params:rtp-hdrext:sdes:mid\r\n")) == 0);
}

TEST_CASE("sdp bundle: the first line of the group that can carry it is tagged",
          "[unit][sdp][rfc9143][9143-7.3-1]") {
    const std::string lines = line("audio 6000 RTP/AVP 0", "a") + line("audio 6002 RTP/AVP 0", "b");
    CHECK(chosen(lines) == Lines{0, 1});
    CHECK(chosen(lines, "b a") == Lines{1, 0});
    CHECK(chosen(line("audio 0 RTP/AVP 0", "a") + line("audio 6002 RTP/AVP 0", "b") +
                 line("audio 6004 RTP/AVP 0", "c")) == Lines{1, 2});
    CHECK(chosen(lines, "a").empty());
    CHECK(chosen(lines, "a nobody").empty());
}

TEST_CASE("sdp bundle: lines that do not fit stay outside",
          "[unit][sdp][rfc9143][9143-9.1-1][9143-7.3.3-1]") {
    const std::string first =
        line("audio 6000 RTP/AVP 0 96", "a", std::string(kMid) + "a=rtpmap:96 opus/48000/2\r\n");
    const std::string third = line("audio 6004 RTP/AVP 0", "c");
    SECTION("another profile") {
        CHECK(chosen(first + line("audio 6002 RTP/AVPF 0", "b") + third) == Lines{0, 2});
    }
    SECTION("a payload type that means something else") {
        CHECK(chosen(first +
                     line("audio 6002 RTP/AVP 96",
                          "b",
                          std::string(kMid) + "a=rtpmap:96 L16/16000\r\n") +
                     third) == Lines{0, 2});
    }
    SECTION("packets that cannot be told apart") {
        CHECK(chosen(first + line("audio 6002 RTP/AVP 0", "b", "") + third) == Lines{0, 2});
    }
    SECTION("packets that SSRCs tell apart") {
        CHECK(chosen(first + line("audio 6002 RTP/AVP 0", "b", "a=ssrc:5 cname:x\r\n") + third) ==
              Lines{0, 1, 2});
    }
    SECTION("packets that payload types tell apart") {
        CHECK(chosen(first + line("audio 6002 RTP/AVP 8", "b", "") + third) == Lines{0, 1, 2});
    }
    SECTION("a line that is switched off") {
        CHECK(chosen(first + line("audio 0 RTP/AVP 0", "b") + third) == Lines{0, 2});
    }
    SECTION("a line without a port that is bundled only") {
        CHECK(chosen(first +
                     line("audio 0 RTP/AVP 0", "b", std::string(kMid) + "a=bundle-only\r\n") +
                     third) == Lines{0, 1, 2});
    }
    SECTION("media that is no RTP") {
        CHECK(chosen(first + line("image 6002 udptl t38", "b") + third) == Lines{0, 2});
    }
    SECTION("another id of the MID extension") {
        CHECK(chosen(first +
                     line("audio 6002 RTP/AVP 0",
                          "b",
                          "a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n") +
                     third) == Lines{0, 2});
    }
}

TEST_CASE("sdp bundle: a tagged line needs RTCP on its port",
          "[unit][sdp][rfc9143][rfc8858][9143-9.3-1]") {
    const std::string mid = std::string("a=mid:a\r\n") + kMid;
    const std::string other = line("audio 6002 RTP/AVP 0", "b");
    CHECK(chosen("m=audio 6000 RTP/AVP 0\r\n" + mid + other).empty());
    CHECK(chosen("m=audio 6000 RTP/AVP 0\r\na=rtcp-mux-only\r\n" + mid + other) == Lines{0, 1});
}

TEST_CASE("sdp: payload types that look like RTCP keep RTCP on its own port",
          "[unit][sdp][rfc5761][5761-4-1]") {
    const auto mux = [](const std::string& type) {
        return siprec::sdp::parse("v=0\r\nm=audio 6000 RTP/AVP 0 " + type + "\r\na=rtpmap:" + type +
                                  " opus/48000/2\r\na=rtcp-mux\r\n")
            ->media.at(0)
            .rtcp_mux;
    };
    CHECK(mux("63"));
    CHECK_FALSE(mux("64"));
    CHECK_FALSE(mux("95"));
    CHECK(mux("96"));
}
