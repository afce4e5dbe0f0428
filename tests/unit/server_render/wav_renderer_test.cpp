#include "render/wav_renderer.hpp"

#include "unit/server_capture/capture_fixture.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <fstream>
#include <iterator>

namespace siprec::server::testing {
namespace {

// ITU-T G.711 table 2a: the values of the two codes that the test call sends.
constexpr std::int16_t kCode10 = -15996;
constexpr std::int16_t kCode90 = 15996;

struct Wav {
    std::uint16_t channels = 0;
    std::uint32_t sample_rate = 0;
    std::vector<std::int16_t> samples;  // interleaved

    [[nodiscard]] std::vector<std::int16_t> channel(std::size_t index) const {
        std::vector<std::int16_t> one;
        for (std::size_t i = index; i < samples.size(); i += channels) {
            one.push_back(samples[i]);
        }
        return one;
    }
};

template <typename T>
T read_at(const std::string& bytes, std::size_t position) {
    T value{};
    REQUIRE(position + sizeof value <= bytes.size());
    std::memcpy(&value, bytes.data() + position, sizeof value);
    return value;
}

Wav read_wav(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::size_t format = bytes.find("fmt ");
    const std::size_t data = bytes.find("data");
    REQUIRE(format != std::string::npos);
    REQUIRE(data != std::string::npos);
    Wav wav;
    wav.channels = read_at<std::uint16_t>(bytes, format + 10);
    wav.sample_rate = read_at<std::uint32_t>(bytes, format + 12);
    const auto size = read_at<std::uint32_t>(bytes, data + 4);
    REQUIRE(data + 8 + size == bytes.size());
    wav.samples.resize(size / 2);
    std::memcpy(wav.samples.data(), bytes.data() + data + 8, size);
    return wav;
}

std::vector<std::int16_t> run(std::size_t count, std::int16_t value) {
    return std::vector<std::int16_t>(count, value);
}

TEST_CASE("render: each party is on its channel to the sample when nothing was lost",
          "[unit][render]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const WallTime origin = rig.clock.wall + 3s;
    call.talk(origin);
    call.hang_up(origin + 5s);
    rig.settle();

    const std::string path = rig.folder.path() + "/out.wav";
    const auto rendering = render_wav(
        {rig.finished_path(call.session.id)},
        {.origin = origin, .sample_rate = 8000, .tracks = {call.streams[0].id, call.streams[1].id}},
        DecoderRegistry::with_defaults(),
        path);
    REQUIRE(rendering.has_value());
    CHECK(rendering->frames == 8000);
    CHECK_FALSE(rendering->cut);
    REQUIRE(rendering->tracks.size() == 2);
    CHECK(rendering->tracks[0].stats.packets == 50);
    CHECK(rendering->tracks[1].stats.packets == 40);

    const Wav wav = read_wav(path);
    CHECK(wav.channels == 2);
    CHECK(wav.sample_rate == 8000);
    CHECK(wav.channel(0) == run(8000, kCode10));
    auto late = run(1600, 0);
    const auto voice = run(6400, kCode90);
    late.insert(late.end(), voice.begin(), voice.end());
    CHECK(wav.channel(1) == late);
}

TEST_CASE("render: one track gives a mono file with the channels of the plan only",
          "[unit][render]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    call.talk(rig.clock.wall);
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    const std::string path = rig.folder.path() + "/out.wav";
    REQUIRE(
        render_wav({rig.finished_path(call.session.id)},
                   {.origin = rig.clock.wall, .sample_rate = 8000, .tracks = {call.streams[0].id}},
                   DecoderRegistry::with_defaults(),
                   path)
            .has_value());
    const Wav wav = read_wav(path);
    CHECK(wav.channels == 1);
    CHECK(wav.samples == run(8000, kCode10));
}

TEST_CASE("render: a silent track is as long as the others", "[unit][render]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    for (std::uint16_t i = 0; i < 10; ++i) {
        call.media[0]->on_rtp(
            pcmu_packet(i, 1, std::byte{0x10}).view(call.streams[0], rig.clock.wall + i * 20ms));
    }
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    const std::string path = rig.folder.path() + "/out.wav";
    REQUIRE(render_wav({rig.finished_path(call.session.id)},
                       {.origin = rig.clock.wall,
                        .sample_rate = 8000,
                        .tracks = {call.streams[0].id, call.streams[1].id}},
                       DecoderRegistry::with_defaults(),
                       path)
                .has_value());
    const Wav wav = read_wav(path);
    CHECK(wav.channel(0) == run(1600, kCode10));
    CHECK(wav.channel(1) == run(1600, 0));
}

TEST_CASE("render: a plan without tracks or with too many is refused", "[unit][render]") {
    const RenderPlan none{.origin = {}, .sample_rate = 8000, .tracks = {}};
    const RenderPlan many{
        .origin = {}, .sample_rate = 8000, .tracks = std::vector<Uuid>(kMaxChannels + 1)};
    const DecoderRegistry decoders = DecoderRegistry::with_defaults();
    CHECK(render_wav({"none"}, none, decoders, "none").error().code() ==
          ErrorCode::InvalidArgument);
    CHECK(render_wav({"none"}, many, decoders, "none").error().code() ==
          ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace siprec::server::testing
