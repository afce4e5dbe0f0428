#include "render/video_renderer.hpp"

#include "render/text_renderer.hpp"
#include "render/video_source.hpp"
#include "unit/server_capture/capture_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace siprec::server::testing {
namespace {

constexpr std::size_t kKeyInterval = 10;

StreamInfo video_info() {
    StreamInfo stream = stream_info(2, "98");
    stream.media_type = "video";
    stream.formats = {
        {.payload_type = 98, .encoding = "VP8", .clock_rate = 90'000, .parameters = {}},
        {.payload_type = 99, .encoding = "VP9", .clock_rate = 90'000, .parameters = {}}};
    return stream;
}

StreamInfo text_info() {
    StreamInfo stream = stream_info(3, "99");
    stream.media_type = "text";
    stream.formats = {
        {.payload_type = 98, .encoding = "T140", .clock_rate = 1000, .parameters = {}}};
    return stream;
}

/// 25 frames a second; each tenth is a key frame of 64 by 48 (RFC 6386 9.1).
void show(MediaSink& sink, const StreamInfo& stream, WallTime from, int first, int last) {
    const std::vector<std::byte> key = {std::byte{0x10},
                                        std::byte{0x10},
                                        std::byte{0},
                                        std::byte{0},
                                        std::byte{0x9D},
                                        std::byte{0x01},
                                        std::byte{0x2A},
                                        std::byte{64},
                                        std::byte{0},
                                        std::byte{48},
                                        std::byte{0},
                                        std::byte{1}};
    const std::vector<std::byte> other = {std::byte{0x10}, std::byte{0x11}, std::byte{7}};
    for (int index = first; index < last; ++index) {
        const auto& payload = static_cast<std::size_t>(index) % kKeyInterval == 0 ? key : other;
        const TestPacket packet(98 | 0x80,
                                static_cast<std::uint16_t>(index),
                                static_cast<std::uint32_t>(index) * 3600U,
                                5,
                                payload);
        sink.on_rtp(packet.view(stream, from + index * 40ms));
    }
}

TEST_CASE("render: H.264 is known by its registered name and by that of RFC 8068",
          "[unit][render][8068-T10]") {
    CHECK(siprec::server::video_codec("H264") == siprec::server::VideoCodec::H264);
    CHECK(siprec::server::video_codec("H.264") == siprec::server::VideoCodec::H264);
    CHECK(siprec::server::video_codec("VP8") == siprec::server::VideoCodec::Vp8);
    CHECK_FALSE(siprec::server::video_codec("H265"));
}

TEST_CASE("render: video begins with its first key frame and keeps the time of the sound",
          "[unit][render]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const StreamInfo video = video_info();
    call.media.push_back(call.sink->open_stream(video));
    const WallTime origin = rig.clock.wall + 1s;
    call.talk(origin);
    show(*call.media[2], video, origin, 3, 50);
    call.hang_up(origin + 2s);
    rig.settle();
    const std::string path = rig.folder.path() + "/out.mkv";
    const auto rendering =
        render_video({rig.finished_path(call.session.id)},
                     {.origin = origin, .video = {{video.id, {call.streams[0].id}}}},
                     path);
    REQUIRE(rendering.has_value());
    CHECK(rendering->frames == 40);
    // Without sound the file begins with its first picture.
    CHECK(rendering->duration == 1560ms);
    REQUIRE(rendering->streams.size() == 1);
    CHECK(rendering->streams[0].codec == VideoCodec::Vp8);
    CHECK(std::filesystem::file_size(path) > 100);
}

TEST_CASE("render: of video and text only what belongs to the recording is shown",
          "[unit][render]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const StreamInfo video = video_info();
    const StreamInfo text = text_info();
    call.media.push_back(call.sink->open_stream(video));
    call.media.push_back(call.sink->open_stream(text));
    const WallTime origin = rig.clock.wall + 1s;
    const auto say = [&](std::uint16_t number, std::string_view word) {
        const TestPacket packet(98, number, number * 1000U, 9, std::as_bytes(std::span(word)));
        call.media[3]->on_rtp(packet.view(text, origin + number * 1s));
    };
    show(*call.media[2], video, origin, 0, 25);
    say(0, "theirs");
    send_metadata(*call.sink, kMetadata, origin + 1s);
    show(*call.media[2], video, origin, 25, 50);
    say(1, "ours");
    send_metadata(*call.sink, kMetadata, origin + 2s);
    show(*call.media[2], video, origin, 50, 75);
    say(2, "theirs again");
    call.hang_up(origin + 3s);
    rig.settle();
    const std::vector<std::string> captures = {rig.finished_path(call.session.id)};
    const std::vector<DocumentSpan> spans = {{.from = 2, .until = 3}};

    const auto shown = render_video(captures,
                                    {.origin = origin, .spans = spans, .video = {{video.id, {}}}},
                                    rig.folder.path() + "/out.mkv");
    REQUIRE(shown.has_value());
    CHECK(shown->frames == 20);  // from the key frame 30 to 49

    const std::string path = rig.folder.path() + "/out.vtt";
    const auto written = render_text(
        captures, {.origin = origin, .spans = spans, .tracks = {{text.id, "A & B"}}}, path);
    REQUIRE(written.has_value());
    CHECK(written->cues == 1);
    std::ifstream file(path);
    CHECK(std::string{std::istreambuf_iterator<char>(file), {}} ==
          "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\n<v A &amp; B>ours\n");
}

TEST_CASE("render: without a key frame there is no video and no file", "[unit][render]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const StreamInfo video = video_info();
    call.media.push_back(call.sink->open_stream(video));
    show(*call.media[2], video, rig.clock.wall, 1, 9);
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    const std::string path = rig.folder.path() + "/out.mkv";
    const auto rendering = render_video({rig.finished_path(call.session.id)},
                                        {.origin = rig.clock.wall, .video = {{video.id, {}}}},
                                        path);
    REQUIRE(rendering.has_value());
    CHECK(rendering->frames == 0);
    CHECK_FALSE(rendering->streams.at(0).codec.has_value());
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("render: a disk that refuses the video is an error to try again", "[unit][render]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const StreamInfo video = video_info();
    call.media.push_back(call.sink->open_stream(video));
    show(*call.media[2], video, rig.clock.wall, 0, 9);
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    const auto rendering = render_video({rig.finished_path(call.session.id)},
                                        {.origin = rig.clock.wall, .video = {{video.id, {}}}},
                                        rig.folder.path() + "/nowhere/out.mkv");
    REQUIRE_FALSE(rendering.has_value());
    CHECK(rendering.error().code() == ErrorCode::Io);
}

}  // namespace
}  // namespace siprec::server::testing
