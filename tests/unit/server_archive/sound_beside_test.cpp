#include "archive/sound_beside.hpp"

#include <catch2/catch.hpp>

namespace siprec::server {
namespace {

struct Rig {
    std::size_t add(const std::string& type, const std::string& cname, const std::string& owner) {
        TrackDigest track;
        track.stream.id = Uuid::random();
        track.stream.media_type = type;
        track.media.packets = 1;
        if (!cname.empty()) {
            track.announced = {{7, cname}};
        }
        TrackRecord record;
        if (!owner.empty()) {
            record.owners = {{.participant_src_id = owner,
                              .stream_src_id = {},
                              .from = {},
                              .until = {},
                              .guess = false}};
        }
        built.tracks.push_back(track);
        built.record.tracks.push_back(record);
        return built.tracks.size() - 1;
    }

    [[nodiscard]] Uuid id(std::size_t track) const { return built.tracks[track].stream.id; }

    BuiltRecord built{};
};

using Ids = std::vector<Uuid>;

TEST_CASE("sound beside: the same sender's by CNAME", "[unit][archive][rfc3550]") {
    Rig rig;
    const auto alice = rig.add("audio", "alice@host", "");
    rig.add("audio", "bob@host", "");
    rig.add("text", "alice@host", "");
    const auto video = rig.add("video", "alice@host", "");
    CHECK(sound_beside(rig.built, video) == Ids{rig.id(alice)});
    rig.built.tracks[video].announced.clear();
    rig.built.tracks[video].stream.sources = {{9, "alice@host"}};
    CHECK(sound_beside(rig.built, video) == Ids{rig.id(alice)});
}

TEST_CASE("sound beside: the same participant's when one client sends for all", "[unit][archive]") {
    Rig rig;
    const auto* cname = GENERATE("sbc@host", "");
    rig.add("audio", cname, "alice");
    const auto bob = rig.add("audio", cname, "bob");
    const auto video = rig.add("video", cname, "bob");
    CHECK(sound_beside(rig.built, video) == Ids{rig.id(bob)});
}

TEST_CASE("sound beside: any that was heard when nothing is known", "[unit][archive]") {
    Rig rig;
    const auto one = rig.add("audio", "", "");
    const auto two = rig.add("audio", "", "bob");
    const auto silent = rig.add("audio", "", "alice");
    rig.built.tracks[silent].media.packets = 0;
    const auto video = rig.add("video", "", "alice");
    CHECK(sound_beside(rig.built, video) == Ids{rig.id(one), rig.id(two)});
    CHECK(sound_beside(rig.built, rig.add("video", "", "bob")) == Ids{rig.id(two)});
}

}  // namespace
}  // namespace siprec::server
