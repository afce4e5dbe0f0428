#pragma once

// From what a call shows to catalogue fields, by the profiles that fit it.

#include "interop/profile_set.hpp"

#include <siprec/metadata.hpp>
#include <siprec/session.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// What a call shows. Views, valid during the call.
struct CallView {
    const SessionInfo& session;
    const metadata::Document& document;      ///< all that is known of the call
    std::vector<std::string_view> received;  ///< metadata documents as they came
    std::vector<std::string_view> broken;    ///< those of them that are not well-formed
};

struct FieldValue {
    std::string name;
    std::string value;
    std::string source;  ///< "oracle: element ucid under session"

    bool operator==(const FieldValue&) const = default;
};

struct ChosenProfile {
    std::string name;
    std::string reason;  ///< the condition that held

    bool operator==(const ChosenProfile&) const = default;
};

/// What a profile says of a participant: its id, number or address of record.
struct PartyHint {
    PartyRole role = PartyRole::Calling;
    std::string value;
    std::string source;
};

struct LabelHint {
    PartyRole role = PartyRole::Calling;
    Pattern label;
    std::string source;
};

struct Lifted {
    std::vector<ChosenProfile> profiles;  ///< by rank
    std::vector<FieldValue> fields;       ///< each name and value once, best source first
    std::vector<PartyHint> parties;
    std::vector<LabelHint> labels;

    /// The first value of a field; empty: none.
    [[nodiscard]] std::string first(std::string_view field) const;
};

/// The profiles that fit a call, by rank, each with the reason.
[[nodiscard]] std::vector<std::pair<const Profile*, std::string>> fitting_profiles(
    const ProfileSet& set, const CallView& call);

/// Pure: the same call and profiles give the same fields.
[[nodiscard]] Lifted lift(const ProfileSet& set, const CallView& call);

}  // namespace siprec::server
