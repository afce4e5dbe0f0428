#include "sinks/framer.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <vector>

namespace {

using Kind = siprec::AudioBlock::Kind;

struct Frame {
    Kind kind;
    std::uint64_t position;
    std::vector<std::int16_t> samples;
};

/// A framer of 4 samples a frame, at 8 Hz: a second is 8 samples.
struct Fixture {
    std::vector<Frame> frames;
    std::uint64_t position = 0;
    siprec::sinks::Framer framer{
        8, 4, [this](const siprec::AudioBlock& frame) {
            frames.push_back(
                {frame.kind, frame.position, {frame.samples.begin(), frame.samples.end()}});
        }};

    void push(Kind kind, std::vector<std::int16_t> samples) {
        framer.on_audio({.kind = kind, .sample_rate = 8, .position = position, .samples = samples});
        position += samples.size();
    }
};

}  // namespace

TEST_CASE("framer: blocks of any length become frames of one", "[unit][sinks]") {
    Fixture f;
    f.push(Kind::Voice, {1, 2, 3});
    CHECK(f.frames.empty());
    f.push(Kind::Voice, {4, 5, 6, 7, 8, 9});
    REQUIRE(f.frames.size() == 2);
    CHECK(f.frames[0].samples == std::vector<std::int16_t>{1, 2, 3, 4});
    CHECK(f.frames[1].samples == std::vector<std::int16_t>{5, 6, 7, 8});
    CHECK(f.frames[1].position == 4);
    f.framer.flush();
    REQUIRE(f.frames.size() == 3);
    CHECK(f.frames[2].samples == std::vector<std::int16_t>{9});
    CHECK(f.frames[2].position == 8);
    f.framer.flush();
    CHECK(f.frames.size() == 3);
}

TEST_CASE("framer: a frame says the worst of what is in it", "[unit][sinks]") {
    Fixture f;
    f.push(Kind::Voice, {1, 2});
    f.push(Kind::Lost, {0, 0});
    f.push(Kind::Silence, {0, 0});
    f.push(Kind::Voice, {1, 2});
    f.push(Kind::Silence, {0, 0});
    f.push(Kind::Lost, {0, 0});
    f.push(Kind::Silence, {0, 0, 0, 0});
    REQUIRE(f.frames.size() == 4);
    CHECK(f.frames[0].kind == Kind::Lost);
    CHECK(f.frames[1].kind == Kind::Voice);
    CHECK(f.frames[2].kind == Kind::Lost);
    CHECK(f.frames[3].kind == Kind::Silence);
}

TEST_CASE("framer: of a long silence the first second comes and then a hole", "[unit][sinks]") {
    Fixture f;
    f.push(Kind::Silence, std::vector<std::int16_t>(100, 0));
    CHECK(f.frames.empty());  // nothing has been said yet
    f.push(Kind::Voice, {1, 2});
    f.push(Kind::Silence, std::vector<std::int16_t>(5, 0));
    f.push(Kind::Silence, std::vector<std::int16_t>(1000, 0));
    f.push(Kind::Silence, std::vector<std::int16_t>(1000, 0));
    f.push(Kind::Voice, {7, 7, 7, 7});
    REQUIRE(f.frames.size() == 4);
    CHECK(f.frames[0].position == 100);
    CHECK(f.frames[2].position == 108);
    CHECK(f.frames[2].samples.size() == 2);  // 2 of voice and 8 of silence make 10
    CHECK(f.frames[3].position == 2107);
    CHECK(f.frames[3].samples == std::vector<std::int16_t>{7, 7, 7, 7});
    // The next silence has a second of its own.
    f.push(Kind::Silence, std::vector<std::int16_t>(1000, 0));
    REQUIRE(f.frames.size() == 6);
    CHECK(f.frames[5].position == 2115);
}
