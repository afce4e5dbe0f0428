#include "archive/sound_beside.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace siprec::server {
namespace {

std::set<std::string> names_of(const TrackDigest& track) {
    std::set<std::string> names;
    for (const auto* sources : {&track.announced, &track.stream.sources}) {
        for (const SourceName& source : *sources) {
            names.insert(source.cname);
        }
    }
    names.erase("");
    return names;
}

std::set<std::string> owners_of(const TrackRecord& track) {
    std::set<std::string> owners;
    for (const TrackOwnerRecord& owner : track.owners) {
        owners.insert(owner.participant_src_id);
    }
    return owners;
}

bool share_one(const std::set<std::string>& one, const std::set<std::string>& other) {
    return std::ranges::any_of(one, [&](const std::string& name) { return other.contains(name); });
}

}  // namespace

std::vector<Uuid> sound_beside(const BuiltRecord& built, std::size_t video) {
    constexpr unsigned kSameName = 2;
    constexpr unsigned kSameOwner = 1;
    std::array<std::vector<Uuid>, kSameName + kSameOwner + 1> by_likeness;
    const auto names = names_of(built.tracks[video]);
    const auto owners = owners_of(built.record.tracks[video]);
    for (std::size_t index = 0; index < built.tracks.size(); ++index) {
        const TrackDigest& track = built.tracks[index];
        if (!track.is_audio() || track.media.packets == 0) {
            continue;
        }
        const unsigned likeness =
            (share_one(names, names_of(track)) ? kSameName : 0U) +
            (share_one(owners, owners_of(built.record.tracks[index])) ? kSameOwner : 0U);
        by_likeness.at(likeness).push_back(track.stream.id);
    }
    for (auto likest = by_likeness.rbegin(); likest != by_likeness.rend(); ++likest) {
        if (!likest->empty()) {
            return *likest;
        }
    }
    return {};
}

}  // namespace siprec::server
