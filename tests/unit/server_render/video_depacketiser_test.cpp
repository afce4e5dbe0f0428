#include "render/video_depacketiser.hpp"

#include "render/h264_units.hpp"

#include <catch2/catch.hpp>

#include <initializer_list>

namespace siprec::server {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<int> values) {
    Bytes out;
    for (const int value : values) {
        out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

struct Rig {
    explicit Rig(VideoCodec codec)
        : depacketiser(codec, [this](const VideoFrame& frame) { frames.push_back(frame); }) {}

    void push(int sequence, std::uint32_t timestamp, bool marker, const Bytes& payload) {
        RtpPacket packet;
        packet.sequence = static_cast<std::uint16_t>(sequence);
        packet.timestamp = timestamp;
        packet.marker = marker;
        packet.payload = payload;
        depacketiser.push(packet);
    }

    std::vector<VideoFrame> frames;
    VideoDepacketiser depacketiser;
};

TEST_CASE("video: H.264 units come out with start codes however they were packed",
          "[unit][render][rfc6184]") {
    Rig rig(VideoCodec::H264);
    // STAP-A of SPS and PPS, then an IDR in three fragments, one frame
    rig.push(1, 1000, false, bytes({0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68}));
    rig.push(2, 1000, false, bytes({0x7C, 0x85, 0xA1}));
    rig.push(3, 1000, false, bytes({0x7C, 0x05, 0xA2}));
    rig.push(4, 1000, true, bytes({0x7C, 0x45, 0xA3}));
    // a single unit
    rig.push(5, 4000, true, bytes({0x41, 0xB1}));
    REQUIRE(rig.frames.size() == 2);
    CHECK(rig.frames[0].data ==
          bytes({0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 0xA1, 0xA2, 0xA3}));
    CHECK(rig.frames[0].is_key);
    CHECK(rig.frames[1].data == bytes({0, 0, 0, 1, 0x41, 0xB1}));
    CHECK_FALSE(rig.frames[1].is_key);
    CHECK(rig.frames[1].timestamp - rig.frames[0].timestamp == 3000);
}

TEST_CASE("video: packets out of order and twice make the same frames", "[unit][render][rfc6184]") {
    Rig rig(VideoCodec::H264);
    rig.push(65'534, 0xFFFF'FF00U, true, bytes({0x65, 1}));
    rig.push(0, 0xFFFF'FF00U + 6000, true, bytes({0x41, 3}));
    rig.push(65'535, 0xFFFF'FF00U + 3000, true, bytes({0x41, 2}));
    rig.push(65'535, 0xFFFF'FF00U + 3000, true, bytes({0x41, 2}));
    REQUIRE(rig.frames.size() == 3);
    CHECK(rig.frames[1].data.back() == std::byte{2});
    CHECK(rig.frames[2].timestamp - rig.frames[0].timestamp == 6000);
}

TEST_CASE("video: a frame that lost a packet is left out and counted", "[unit][render][rfc6184]") {
    Rig rig(VideoCodec::H264);
    rig.push(1, 0, true, bytes({0x65, 1}));
    rig.push(2, 3000, false, bytes({0x7C, 0x81, 1}));
    rig.push(4, 3000, true, bytes({0x7C, 0x41, 3}));
    rig.push(5, 6000, true, bytes({0x41, 5}));
    rig.depacketiser.finish();
    REQUIRE(rig.frames.size() == 2);
    CHECK(rig.frames[1].timestamp - rig.frames[0].timestamp == 6000);
    CHECK(rig.depacketiser.damaged() == 1);
}

TEST_CASE("video: a lost frame takes no other with it that begins behind the loss",
          "[unit][render][rfc6184]") {
    Rig rig(VideoCodec::H264);
    rig.push(1, 0, true, bytes({0x65, 0x80}));
    // 2 was a frame of its own; 3 begins with the first macroblock of its picture
    rig.push(3, 6000, true, bytes({0x41, 0x80}));
    // 4 may have been in front of this slice, which is not the first of its picture
    rig.push(5, 9000, true, bytes({0x41, 0x40}));
    rig.push(6, 12'000, true, bytes({0x41, 0x80}));
    rig.depacketiser.finish();
    REQUIRE(rig.frames.size() == 3);
    CHECK(rig.frames[1].timestamp == 6000);
    CHECK(rig.frames[2].timestamp == 12'000);
    CHECK(rig.depacketiser.damaged() == 1);
}

TEST_CASE("video: a key frame has the parameter sets wherever they came",
          "[unit][render][rfc6184]") {
    const Bytes sets = bytes({0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xCE});
    const Bytes picture = bytes({0, 0, 0, 1, 0x65, 0x80});
    Bytes whole = sets;
    whole.insert(whole.end(), picture.begin(), picture.end());
    Rig rig(VideoCodec::H264);
    SECTION("in SDP") {
        rig.depacketiser.set_parameter_sets(
            parameter_sets_of("packetization-mode=1; sprop-parameter-sets=Z0I=,aM4=;max-br=64"));
    }
    SECTION("as frames of their own") {
        rig.push(1, 0, true, bytes({0x67, 0x42}));
        rig.push(2, 0, true, bytes({0x68, 0xCE}));
        CHECK(rig.frames.empty());
    }
    rig.push(3, 3000, true, bytes({0x65, 0x80}));
    rig.push(4, 6000, true, bytes({0x41, 0x80}));
    REQUIRE(rig.frames.size() == 2);
    CHECK(rig.frames[0].data == whole);
    CHECK(rig.frames[0].is_key);
    CHECK(rig.frames[1].data == bytes({0, 0, 0, 1, 0x41, 0x80}));
    CHECK(rig.depacketiser.damaged() == 0);
}

TEST_CASE("video: SDP without parameter sets or with broken ones brings none", "[unit][render]") {
    const auto* fmtp = GENERATE("",
                                "profile-level-id=42e01f",
                                "sprop-parameter-sets",
                                "sprop-parameter-sets=",
                                "sprop-parameter-sets=?",
                                "sprop-parameter-sets=,,;",
                                "x-sprop-parameter-sets=Z0I=");
    CHECK(parameter_sets_of(fmtp).empty());
}

TEST_CASE("video: a source that numbers anew is followed from its second packet on",
          "[unit][render][rfc3550]") {
    Rig rig(VideoCodec::H264);
    rig.push(40'000, 0, true, bytes({0x65, 0x80}));
    rig.push(7, 3000, true, bytes({0x65, 0x81}));
    rig.push(40'001, 3000, true, bytes({0x41, 0x80}));  // so that one was a stray
    rig.push(100, 6000, true, bytes({0x65, 0x82}));
    rig.push(101, 9000, true, bytes({0x41, 0x83}));
    rig.push(102, 12'000, true, bytes({0x41, 0x84}));
    rig.depacketiser.finish();
    REQUIRE(rig.frames.size() == 5);
    CHECK(rig.frames[2].data.back() == std::byte{0x82});
    CHECK(rig.frames[4].data.back() == std::byte{0x84});
    CHECK(rig.depacketiser.damaged() == 0);
}

TEST_CASE("video: hostile H.264 payloads make no frame", "[unit][render][rfc6184]") {
    const auto payload = GENERATE(bytes({0x78, 0}),
                                  bytes({0x78, 0, 9, 1}),
                                  bytes({0x78, 0, 0}),
                                  bytes({0x7C}),
                                  bytes({0x7C, 0x85}),
                                  bytes({0x7C, 0x05, 1}),  // fragment without its start
                                  bytes({0x79, 0, 0, 0}),
                                  bytes({0x00}));
    Rig rig(VideoCodec::H264);
    rig.push(1, 0, true, payload);
    rig.depacketiser.finish();
    CHECK(rig.frames.empty());
}

TEST_CASE("video: VP8 descriptors of each length are taken off", "[unit][render][rfc7741]") {
    const auto descriptor = GENERATE(bytes({0x10}),
                                     bytes({0x90, 0x80, 0x11}),
                                     bytes({0x90, 0x80, 0x91, 0x22}),
                                     bytes({0x90, 0xE0, 0x91, 0x22, 0x01, 0x40}),
                                     bytes({0x90, 0x30, 0x21}));
    Rig rig(VideoCodec::Vp8);
    Bytes first = descriptor;
    first.push_back(std::byte{0x10});  // key frame
    first.push_back(std::byte{0xAA});
    rig.push(1, 0, false, first);
    rig.push(2, 0, true, bytes({0x00, 0xBB}));
    rig.push(3, 3000, true, bytes({0x10, 0x11}));
    REQUIRE(rig.frames.size() == 2);
    CHECK(rig.frames[0].data == bytes({0x10, 0xAA, 0xBB}));
    CHECK(rig.frames[0].is_key);
    CHECK_FALSE(rig.frames[1].is_key);
}

TEST_CASE("video: VP8 that lacks its beginning or its descriptor makes no frame",
          "[unit][render][rfc7741]") {
    Rig rig(VideoCodec::Vp8);
    rig.push(1, 0, true, bytes({0x00, 0xBB}));
    rig.push(2, 3000, true, bytes({0x90, 0x80}));
    rig.push(3, 6000, true, bytes({0x90, 0x80, 0x91, 0x22}));
    rig.depacketiser.finish();
    CHECK(rig.frames.empty());
    CHECK(rig.depacketiser.damaged() == 3);
}

}  // namespace
}  // namespace siprec::server
