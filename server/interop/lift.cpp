#include "interop/lift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <utility>

namespace siprec::server {
namespace {

using metadata::XmlElement;

// What one call may bring into the catalogue: an SRC that sends more is not served better by it.
constexpr std::size_t kMostValues = 512;
constexpr std::size_t kMostFieldBytes = 1024;
constexpr std::size_t kMostNameBytes = 64;

struct OwnedExtensions {
    Owner owner;
    std::string_view id;
    const std::vector<XmlElement>* extensions;
};

/// Every place of a document where extension data may stand.
std::vector<OwnedExtensions> places_of(const metadata::Document& document) {
    std::vector<OwnedExtensions> places;
    const auto add = [&](Owner owner, std::string_view id, const std::vector<XmlElement>& found) {
        if (!found.empty()) {
            places.push_back({owner, id, &found});
        }
    };
    for (const auto& session : document.sessions) {
        add(Owner::Session, session.id, session.extensions);
    }
    for (const auto& assoc : document.session_recording_assocs) {
        add(Owner::Session, assoc.session_id, assoc.extensions);
    }
    add(Owner::Recording, {}, document.extensions);
    for (const auto& group : document.groups) {
        add(Owner::Group, group.id, group.extensions);
    }
    for (const auto& participant : document.participants) {
        add(Owner::Participant, participant.id, participant.extensions);
    }
    for (const auto& assoc : document.participant_session_assocs) {
        add(Owner::Participant, assoc.participant_id, assoc.extensions);
    }
    for (const auto& assoc : document.participant_stream_assocs) {
        add(Owner::Participant, assoc.participant_id, assoc.extensions);
    }
    for (const auto& stream : document.streams) {
        add(Owner::Stream, stream.id, stream.extensions);
    }
    return places;
}

std::string host_of(const std::string& uri) {
    return find_transform("uri_host")(uri).front();
}

std::string part_of(const SessionInfo& session, InvitePart part) {
    switch (part) {
        case InvitePart::RequestUri:
            return session.request_uri;
        case InvitePart::From:
            return session.from_uri;
        case InvitePart::FromHost:
            return host_of(session.from_uri);
        case InvitePart::To:
            return session.to_uri;
        case InvitePart::Contact:
            return session.contact_uri;
        case InvitePart::CallId:
            return session.call_id;
        case InvitePart::Source:
            return session.source.address.to_string();
    }
    return {};
}

/// `*` stands for anything.
bool fits_wildcard(std::string_view name, std::string_view wildcards) {
    const auto star = wildcards.find('*');
    if (star == std::string_view::npos) {
        return equals_folded(name, wildcards);
    }
    if (name.size() < star || !equals_folded(name.substr(0, star), wildcards.substr(0, star))) {
        return false;
    }
    const std::string_view rest = wildcards.substr(star + 1);
    for (std::size_t at = star; at <= name.size(); ++at) {
        if (fits_wildcard(name.substr(at), rest)) {  // NOLINT(misc-no-recursion): a name is short
            return true;
        }
    }
    return false;
}

/// What the model of RFC 7865 says, of every object of the kind.
template <typename Take>
void each_model_value(const metadata::Document& document, ModelPart part, Take take) {
    if (part == ModelPart::GroupId) {
        for (const auto& group : document.groups) {
            take(group.id);
        }
    }
    for (const auto& session : document.sessions) {
        if (part == ModelPart::SessionId) {
            take(session.id);
        } else if (part == ModelPart::SipSessionId) {
            std::for_each(session.sip_session_ids.begin(), session.sip_session_ids.end(), take);
        }
    }
    for (const auto& participant : document.participants) {
        if (part == ModelPart::ParticipantId) {
            take(participant.id);
        } else if (part == ModelPart::Aor) {
            for (const auto& name : participant.names) {
                take(name.aor);
            }
        }
    }
}

template <typename Take>
void each_header(const SessionInfo& session, std::string_view name, Take take) {
    for (const auto& [header, value] : session.headers) {
        if (fits_wildcard(header, name)) {
            take(value);
        }
    }
}

bool has_header(const SessionInfo& session, const Condition& condition) {
    bool found = false;
    each_header(session, condition.header, [&](const std::string& value) {
        found = found || !condition.matches || condition.matches->occurs_in(value);
    });
    return found;
}

bool has_user_agent(const SessionInfo& session, const Pattern& pattern) {
    bool found = pattern.occurs_in(session.user_agent);
    each_header(session, "Server", [&](const std::string& value) {
        found = found || pattern.occurs_in(value);
    });
    return found;
}

// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth (ParseLimits::max_depth).
bool has_name_space(const std::vector<XmlElement>& elements, const Pattern& pattern) {
    return std::any_of(elements.begin(), elements.end(), [&](const XmlElement& element) {
        return (!element.name_space.empty() && pattern.occurs_in(element.name_space)) ||
               has_name_space(element.children, pattern);
    });
}

/// One call, with what is asked of it again and again.
class Reading {
  public:
    explicit Reading(const CallView& call) : call_(call), places_(places_of(call.document)) {}

    [[nodiscard]] bool fits(const Condition& condition) const;

    /// Calls `take` with the rest of the field's name and the value, for each value of a source.
    void each_value(const FieldSource& source,
                    const std::function<void(std::string_view, std::string, Owner)>& take) const;

  private:
    void each_element(const FieldSource& source,
                      const std::function<void(std::string_view, std::string, Owner)>& take) const;
    void each_in_text(const FieldSource& source,
                      const std::function<void(std::string_view, std::string, Owner)>& take) const;

    const CallView& call_;
    std::vector<OwnedExtensions> places_;
};

bool Reading::fits(const Condition& condition) const {
    const SessionInfo& session = call_.session;
    if (!condition.header.empty() && !has_header(session, condition)) {
        return false;
    }
    if (condition.user_agent && !has_user_agent(session, *condition.user_agent)) {
        return false;
    }
    for (const auto& [part, pattern] : condition.invite) {
        if (!pattern.occurs_in(part_of(session, part))) {
            return false;
        }
    }
    if (condition.name_space &&
        std::none_of(places_.begin(), places_.end(), [&](const OwnedExtensions& place) {
            return has_name_space(*place.extensions, *condition.name_space);
        })) {
        return false;
    }
    if (condition.element) {
        bool found = false;
        for (const OwnedExtensions& place : places_) {
            condition.element->each(*place.extensions, [&](const ElementChain&) { found = true; });
        }
        if (!found) {
            return false;
        }
    }
    return !condition.document ||
           std::any_of(call_.received.begin(), call_.received.end(), [&](std::string_view text) {
               return condition.document->occurs_in(text);
           });
}

std::string attribute_of(const XmlElement& element, std::string_view name) {
    for (const auto& [attribute, value] : element.attributes) {
        if (equals_folded(attribute, name)) {
            return value;
        }
    }
    return {};
}

/// From the element outwards.
std::string key_of(const ElementChain& chain, std::string_view name) {
    if (name == "*") {
        return chain.back()->name;
    }
    for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
        if (auto value = attribute_of(**at, name); !value.empty()) {
            return value;
        }
    }
    return {};
}

void Reading::each_value(
    const FieldSource& source,
    const std::function<void(std::string_view, std::string, Owner)>& take) const {
    if (!source.header.empty()) {
        each_header(call_.session, source.header, [&](const std::string& value) {
            take({}, value, Owner::Recording);
        });
    } else if (source.invite) {
        take({}, part_of(call_.session, *source.invite), Owner::Recording);
    } else if (source.metadata) {
        each_model_value(call_.document, *source.metadata, [&](const std::string& value) {
            take({}, value, Owner::Recording);
        });
    } else {
        each_element(source, take);
        each_in_text(source, take);
    }
}

void Reading::each_element(
    const FieldSource& source,
    const std::function<void(std::string_view, std::string, Owner)>& take) const {
    for (const OwnedExtensions& place : places_) {
        if (!source.under.empty() &&
            std::find(source.under.begin(), source.under.end(), place.owner) ==
                source.under.end()) {
            continue;
        }
        source.element->each(*place.extensions, [&](const ElementChain& chain) {
            const XmlElement& element = *chain.back();
            const std::string key = source.key.empty() ? "" : key_of(chain, source.key);
            if (!source.key.empty() && key.empty()) {
                return;
            }
            switch (source.gives) {
                case FieldSource::Gives::Text:
                    return take(key, element.text, place.owner);
                case FieldSource::Gives::Attribute:
                    return take(key, attribute_of(element, source.attribute), place.owner);
                case FieldSource::Gives::Name:
                    return take(key, element.name, place.owner);
                case FieldSource::Gives::Owner:
                    if (!source.capture || source.capture->occurs_in(element.text)) {
                        take(key, std::string(place.id), place.owner);
                    }
                    return;
            }
        });
    }
}

/// Extension data of a document that is not well-formed did not survive; its text did:
/// `<apkt:ucid>00FA...`.
void Reading::each_in_text(
    const FieldSource& source,
    const std::function<void(std::string_view, std::string, Owner)>& take) const {
    const std::string name = source.element->plain_name();
    if (name.empty() || source.gives != FieldSource::Gives::Text || !source.key.empty()) {
        return;
    }
    for (std::string_view text : call_.broken) {
        for (std::size_t open = text.find('<'); open != std::string_view::npos;
             open = text.find('<', open + 1)) {
            const std::string_view tag = text.substr(open + 1, 256);
            const std::string_view qualified = tag.substr(0, tag.find_first_of(" \t\r\n/>"));
            const auto colon = qualified.find(':');
            const std::string_view local =
                colon == std::string_view::npos ? qualified : qualified.substr(colon + 1);
            if (!equals_folded(local, name)) {
                continue;
            }
            const auto close = text.find('>', open);
            if (close == std::string_view::npos || text[close - 1] == '/') {
                continue;
            }
            const std::string_view value = text.substr(close + 1, kMostFieldBytes);
            take({}, std::string(value.substr(0, value.find('<'))), Owner::Recording);
        }
    }
}

std::vector<std::string> transformed(const FieldSource& source, const std::string& value) {
    std::vector<std::string> values{value};
    if (source.capture && source.gives != FieldSource::Gives::Owner) {
        const auto found = source.capture->first_match(value);
        values = found ? std::vector<std::string>{*found} : std::vector<std::string>{};
    }
    for (const Transform transform : source.transforms) {
        std::vector<std::string> next;
        for (const std::string& one : values) {
            for (std::string& made : transform(one)) {
                next.push_back(std::move(made));
            }
        }
        values = std::move(next);
    }
    for (std::string& one : values) {
        one = find_transform("trim")(one).front();
    }
    std::erase_if(values, [](const std::string& one) {
        // Some clients print a null pointer.
        return one.empty() || one.size() > kMostFieldBytes || equals_folded(one, "(null)");
    });
    return values;
}

/// "parameter.*" and "Caller Name" give "parameter.caller_name".
std::string field_name(const FieldRule& rule, std::string_view key) {
    std::string name = rule.name;
    if (key.empty()) {
        return name;
    }
    name.pop_back();
    for (const char c : key.substr(0, kMostNameBytes)) {
        const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 && c > 0;
        name += is_plain ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '_';
    }
    return name;
}

std::string source_text(const Profile& profile, const FieldSource& source, Owner owner) {
    const std::string under =
        source.element ? fmt::format(" under {}", to_string(owner)) : std::string();
    return fmt::format("{}: {}{}", profile.name, source.where, under);
}

}  // namespace

std::string Lifted::first(std::string_view field) const {
    const auto found = std::find_if(
        fields.begin(), fields.end(), [&](const FieldValue& one) { return one.name == field; });
    return found == fields.end() ? std::string() : found->value;
}

std::vector<std::pair<const Profile*, std::string>> fitting_profiles(const ProfileSet& set,
                                                                     const CallView& call) {
    const Reading reading(call);
    std::vector<std::pair<const Profile*, std::string>> fitting;
    for (const Profile& profile : set.profiles) {
        const auto held =
            std::find_if(profile.when.begin(), profile.when.end(), [&](const Condition& condition) {
                return reading.fits(condition);
            });
        if (held != profile.when.end()) {
            fitting.emplace_back(&profile, held->where);
        }
    }
    return fitting;
}

Lifted lift(const ProfileSet& set, const CallView& call) {
    const Reading reading(call);
    Lifted lifted;
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& [fitting, reason] : fitting_profiles(set, call)) {
        const Profile& profile = *fitting;
        lifted.profiles.push_back({profile.name, reason});
        for (const FieldRule& rule : profile.fields) {
            for (const FieldSource& source : rule.sources) {
                reading.each_value(
                    source, [&](std::string_view key, const std::string& raw, Owner owner) {
                        for (std::string& value : transformed(source, raw)) {
                            std::string name = field_name(rule, key);
                            if (lifted.fields.size() < kMostValues &&
                                seen.emplace(name, value).second) {
                                lifted.fields.push_back({std::move(name),
                                                         std::move(value),
                                                         source_text(profile, source, owner)});
                            }
                        }
                    });
            }
        }
        for (const auto& [role, source] : profile.parties) {
            reading.each_value(source, [&](std::string_view, const std::string& raw, Owner owner) {
                for (std::string& value : transformed(source, raw)) {
                    if (lifted.parties.size() < kMostValues) {
                        lifted.parties.push_back(
                            {role, std::move(value), source_text(profile, source, owner)});
                    }
                }
            });
        }
        for (const auto& [role, pattern] : profile.quirks.labels) {
            lifted.labels.push_back({role, pattern, profile.name + ": label"});
        }
    }
    return lifted;
}

}  // namespace siprec::server
