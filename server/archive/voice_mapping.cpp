#include "archive/voice_mapping.hpp"

#include "interop/element_path.hpp"
#include "interop/transform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

namespace siprec::server {
namespace {

using Parties = std::set<std::string>;

std::string transformed(const char* transform, const std::string& value) {
    return find_transform(transform)(value).front();
}

/// The same telephone number, with or without a country's prefix.
bool same_number(std::string a, std::string b) {
    constexpr std::size_t kFewestDigits = 7;
    const auto strip = [](std::string& text) {
        text.erase(0, text.starts_with('+') ? 1 : 0);
        return text.size() >= kFewestDigits &&
               text.find_first_not_of("0123456789") == std::string::npos;
    };
    return strip(a) && strip(b) && (a.ends_with(b) || b.ends_with(a));
}

/// Does an address of record, number or user name what `aor` names?
bool names_same(const std::string& value, const std::string& aor) {
    const std::string user = transformed("number", value);
    const std::string other = transformed("number", aor);
    return !user.empty() && (equals_folded(user, other) || same_number(user, other));
}

/// The one participant that a value names: by id, else by number or address.
std::optional<std::string> party_named(const std::vector<PartyClue>& parties,
                                       const std::string& value) {
    Parties found;
    for (const PartyClue& party : parties) {
        if (party.id == value) {
            return party.id;
        }
        if (std::any_of(party.aors.begin(), party.aors.end(), [&](const std::string& aor) {
                return names_same(value, aor);
            })) {
            found.insert(party.id);
        }
    }
    return found.size() == 1 ? std::optional(*found.begin()) : std::nullopt;
}

struct RoleSaid {
    PartyRole role;
    std::string party;
    std::string source;
};

PartyRole opposite(PartyRole role) {
    switch (role) {
        case PartyRole::Calling:
            return PartyRole::Called;
        case PartyRole::Called:
            return PartyRole::Calling;
        case PartyRole::Recorded:
            return PartyRole::Remote;
        case PartyRole::Remote:
            return PartyRole::Recorded;
    }
    return role;
}

/// What is said of a participant's role; in a call of two, also what follows for the other one.
std::vector<RoleSaid> roles_of(const VoiceClues& clues) {
    std::vector<RoleSaid> said;
    for (const PartyHint& hint : clues.roles) {
        const auto party = party_named(clues.parties, hint.value);
        if (!party) {
            continue;
        }
        said.push_back({hint.role, *party, hint.source});
        if (clues.parties.size() == 2) {
            const auto& other = clues.parties[clues.parties[0].id == *party ? 1 : 0];
            said.push_back({opposite(hint.role), other.id, hint.source});
        }
    }
    return said;
}

Parties parties_with(const std::vector<RoleSaid>& roles, PartyRole role) {
    Parties parties;
    for (const RoleSaid& one : roles) {
        if (one.role == role) {
            parties.insert(one.party);
        }
    }
    return parties;
}

/// Collects the evidence for one track.
class TrackEvidence {
  public:
    TrackEvidence(const VoiceClues& clues,
                  const std::vector<RoleSaid>& roles,
                  const TrackClue& track,
                  std::size_t index)
        : clues_(clues), roles_(roles), track_(track) {
        add_associations();
        add_sources();
        add_names();
        add_labels();
        add_receivers();
        add_order(index);
    }

    [[nodiscard]] const std::vector<VoiceEvidence>& all() const { return evidence_; }

    [[nodiscard]] Parties parties_by(std::string_view kind) const {
        Parties parties;
        for (const VoiceEvidence& one : evidence_) {
            if (one.kind == kind) {
                parties.insert(one.party);
            }
        }
        return parties;
    }

  private:
    void add(std::string_view kind, const std::string& party, std::string detail) {
        const bool is_known =
            std::any_of(evidence_.begin(), evidence_.end(), [&](const VoiceEvidence& one) {
                return one.kind == kind && one.party == party && one.detail == detail;
            });
        if (!is_known) {
            evidence_.push_back({std::string(kind), party, std::move(detail)});
        }
    }

    [[nodiscard]] Parties senders_of(const std::string& stream) const {
        Parties parties;
        for (const StreamClue& send : clues_.sends) {
            if (!stream.empty() && send.stream == stream && !send.is_guess) {
                parties.insert(send.party);
            }
        }
        return parties;
    }

    void add_associations() {
        for (const std::string& party : senders_of(track_.stream)) {
            add("association",
                party,
                fmt::format("sends stream {}, label '{}'", track_.stream, track_.label));
        }
    }

    /// RFC 5576: packets of a source that another m-line describes belong to that line's sender.
    void add_sources() {
        for (const TrackClue& other : clues_.tracks) {
            for (const SourceName& source : other.described) {
                const bool is_here =
                    std::find(track_.ssrcs.begin(), track_.ssrcs.end(), source.ssrc) !=
                    track_.ssrcs.end();
                if (!is_here) {
                    continue;
                }
                for (const std::string& party : senders_of(other.stream)) {
                    add("ssrc",
                        party,
                        fmt::format("{} is described by the m-line with label '{}'",
                                    source.ssrc,
                                    other.label));
                }
            }
        }
    }

    /// RFC 3550 6.5.1: a CNAME that is an address names who speaks. What packets came is known:
    /// the names of their sources count, whoever described them; without packets, the line's own.
    void add_names() {
        const auto name = [&](const SourceName& source, std::string_view where) {
            if (const auto party = party_named(clues_.parties, source.cname)) {
                add("cname",
                    *party,
                    fmt::format("'{}' of {} in {}", source.cname, source.ssrc, where));
            }
        };
        for (const TrackClue& other : clues_.tracks) {
            const bool is_own = other.id == track_.id;
            for (const SourceName& source : other.described) {
                const bool is_here =
                    std::find(track_.ssrcs.begin(), track_.ssrcs.end(), source.ssrc) !=
                    track_.ssrcs.end();
                if (is_here || (is_own && track_.ssrcs.empty())) {
                    name(source, "SDP");
                }
            }
        }
        for (const SourceName& source : track_.announced) {
            name(source, "RTCP");
        }
    }

    void add_labels() {
        for (const LabelHint& hint : clues_.labels) {
            const Parties parties = parties_with(roles_, hint.role);
            if (parties.size() == 1 && hint.label.occurs_in(track_.label)) {
                add("direction",
                    *parties.begin(),
                    fmt::format(
                        "label '{}' is the {} party's", track_.label, to_string(hint.role)));
            }
        }
    }

    /// Everybody hears a voice but the one whose it is.
    void add_receivers() {
        Parties receivers;
        Parties others;
        for (const StreamClue& clue : clues_.receives) {
            if (!track_.stream.empty() && clue.stream == track_.stream) {
                receivers.insert(clue.party);
            }
        }
        for (const auto* list : {&clues_.sends, &clues_.receives}) {
            for (const StreamClue& clue : *list) {
                if (!clue.is_guess && !receivers.contains(clue.party)) {
                    others.insert(clue.party);
                }
            }
        }
        if (!receivers.empty() && others.size() == 1) {
            add("receive", *others.begin(), "the only one who does not receive it");
        }
    }

    void add_order(std::size_t index) {
        for (const StreamClue& send : clues_.sends) {
            if (send.is_guess && !track_.stream.empty() && send.stream == track_.stream) {
                add("order", send.party, "streams and participants paired in their order");
            }
        }
        const bool is_named =
            std::any_of(clues_.sends.begin(), clues_.sends.end(), [&](const auto& send) {
                return !track_.stream.empty() && send.stream == track_.stream;
            });
        if (!is_named && clues_.tracks.size() == clues_.parties.size()) {
            add("order",
                clues_.parties[index].id,
                fmt::format("m-line {} and participant {} of as many", index + 1, index + 1));
        }
    }

    const VoiceClues& clues_;
    const std::vector<RoleSaid>& roles_;
    const TrackClue& track_;
    std::vector<VoiceEvidence> evidence_;
};

/// Whether any kind of evidence beside the order names somebody else.
bool is_contradicted(const TrackEvidence& evidence, const Parties& chosen) {
    const auto& all = evidence.all();
    return std::any_of(all.begin(), all.end(), [&](const VoiceEvidence& one) {
        return one.kind != "order" && !chosen.contains(one.party);
    });
}

/// Two participants are said to be the calling one, or one to be both: the roles were mixed up.
Parties parties_in_doubt(const std::vector<RoleSaid>& roles) {
    Parties doubtful;
    for (const PartyRole role : {PartyRole::Calling, PartyRole::Recorded}) {
        for (const PartyRole side : {role, opposite(role)}) {
            const Parties parties = parties_with(roles, side);
            const Parties against = parties_with(roles, opposite(side));
            for (const std::string& party : parties) {
                if (against.contains(party)) {
                    doubtful.insert(party);
                }
            }
        }
    }
    return doubtful;
}

std::string role_of(const std::vector<RoleSaid>& roles,
                    const VoiceClues& clues,
                    const TrackClue& track,
                    const std::string& party) {
    for (const PartyRole role :
         {PartyRole::Recorded, PartyRole::Remote, PartyRole::Calling, PartyRole::Called}) {
        if (parties_with(roles, role).contains(party)) {
            return std::string(to_string(role));
        }
    }
    if (!parties_with(roles, PartyRole::Recorded).empty()) {
        return std::string(to_string(PartyRole::Remote));
    }
    for (const LabelHint& hint : clues.labels) {
        if (hint.label.occurs_in(track.label)) {
            return std::string(to_string(hint.role));
        }
    }
    return {};
}

/// Who it is by the strongest kind of evidence that there is, and how sure that makes us.
std::pair<Parties, Certainty> choose(const TrackEvidence& evidence) {
    static constexpr std::array<std::pair<std::string_view, Certainty>, 6> kKinds{
        {{"association", Certainty::Certain},
         {"ssrc", Certainty::Likely},
         {"cname", Certainty::Likely},
         {"direction", Certainty::Likely},
         {"receive", Certainty::Likely},
         {"order", Certainty::Guess}}};
    for (const auto& [kind, certainty] : kKinds) {
        if (Parties parties = evidence.parties_by(kind); !parties.empty()) {
            return {std::move(parties), certainty};
        }
    }
    return {};
}

}  // namespace

std::string_view to_string(Certainty certainty) noexcept {
    constexpr std::array<std::string_view, 3> kNames{"certain", "likely", "guess"};
    return kNames.at(static_cast<std::size_t>(certainty));
}

std::vector<Voice> map_voices(const VoiceClues& clues) {
    const std::vector<RoleSaid> roles = roles_of(clues);
    const Parties doubtful = parties_in_doubt(roles);
    std::vector<Voice> voices;
    for (std::size_t index = 0; index < clues.tracks.size(); ++index) {
        const TrackClue& track = clues.tracks[index];
        const TrackEvidence evidence(clues, roles, track, index);
        const auto [parties, certainty] = choose(evidence);
        const bool disagrees = is_contradicted(evidence, parties);
        for (const std::string& party : parties) {
            Voice voice{.track = track.id,
                        .party = party,
                        .role = role_of(roles, clues, track, party),
                        .certainty = certainty,
                        .contradicted = disagrees || doubtful.contains(party),
                        .evidence = evidence.all()};
            if (doubtful.contains(party)) {
                for (const RoleSaid& said : roles) {
                    if (said.party == party) {
                        voice.evidence.push_back(
                            {"direction",
                             party,
                             fmt::format("{} by {}", to_string(said.role), said.source)});
                    }
                }
            }
            if (voice.contradicted) {
                voice.certainty = Certainty::Guess;
            }
            voices.push_back(std::move(voice));
        }
    }
    return voices;
}

}  // namespace siprec::server
