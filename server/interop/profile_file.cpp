#include "interop/profile_file.hpp"

#include "config/toml_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace siprec::server {
namespace {

constexpr std::array kOwners{
    Owner::Recording, Owner::Group, Owner::Session, Owner::Participant, Owner::Stream};
constexpr std::array kInviteParts{InvitePart::RequestUri,
                                  InvitePart::From,
                                  InvitePart::FromHost,
                                  InvitePart::To,
                                  InvitePart::Contact,
                                  InvitePart::CallId,
                                  InvitePart::Source};
constexpr std::array kModelParts{ModelPart::GroupId,
                                 ModelPart::SessionId,
                                 ModelPart::SipSessionId,
                                 ModelPart::ParticipantId,
                                 ModelPart::Aor};
constexpr std::array kRoles{
    PartyRole::Calling, PartyRole::Called, PartyRole::Recorded, PartyRole::Remote};

/// The enumerator whose to_string() is `text`.
template <typename Enum, std::size_t n>
Result<Enum> named(const std::string& text, const std::array<Enum, n>& all) {
    std::vector<std::string_view> names;
    for (const Enum one : all) {
        if (to_string(one) == text) {
            return one;
        }
        names.push_back(to_string(one));
    }
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("'{}' is not {}", text, fmt::join(names, ", ")));
}

template <typename T, typename Target>
Result<void> assign(Result<T> value, Target& target) {
    if (!value) {
        return Error(value.error().code(), value.error().message());
    }
    target = *std::move(value);
    return {};
}

void read_pattern(TomlTable& table, std::string_view key, std::optional<Pattern>& pattern) {
    table.parsed(key,
                 [&](const std::string& text) { return assign(Pattern::parse(text), pattern); });
}

void read_element(TomlTable& table, std::optional<ElementPath>& element) {
    table.parsed("element", [&](const std::string& text) {
        return assign(ElementPath::parse(text), element);
    });
}

/// A field name that fits in a URL and a query: `agent_id`, `parameter.*`.
bool is_field_name(std::string_view name, bool with_star) {
    if (with_star) {
        if (!name.ends_with(".*")) {
            return false;
        }
        name.remove_suffix(2);
    }
    return !name.empty() && name.size() <= 64 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") ==
               std::string_view::npos;
}

Condition read_condition(TomlTable& table) {
    Condition condition;
    std::vector<std::string> said;
    const auto note = [&](std::string_view key) {
        table.parsed(key, [&](const std::string& text) {
            said.push_back(fmt::format("{} {}", key, text));
            return Result<void>{};
        });
    };
    table.text("header", condition.header);
    note("header");
    read_pattern(table, "matches", condition.matches);
    note("matches");
    read_pattern(table, "user_agent", condition.user_agent);
    note("user_agent");
    read_pattern(table, "namespace", condition.name_space);
    note("namespace");
    read_element(table, condition.element);
    note("element");
    read_pattern(table, "document", condition.document);
    note("document");
    for (const InvitePart part : kInviteParts) {
        std::optional<Pattern> pattern;
        read_pattern(table, to_string(part), pattern);
        if (pattern) {
            condition.invite.emplace_back(part, *pattern);
        }
        note(to_string(part));
    }
    table.parsed("always", [&](const std::string& text) {
        condition.always = text == "yes";
        said.emplace_back("always");
        return condition.always ? Result<void>{}
                                : Error(ErrorCode::InvalidArgument, "can only be \"yes\"");
    });
    if (said.empty()) {
        table.refuse("always", "the condition is empty: say always = \"yes\" if that is meant");
    }
    if (condition.matches && condition.header.empty()) {
        table.refuse("matches", "goes with header = \"NAME\"");
    }
    condition.where = fmt::format("{}", fmt::join(said, ", "));
    return condition;
}

void read_gives(TomlTable& table, FieldSource& source) {
    table.text("attribute", source.attribute);
    table.text("key", source.key);
    table.parsed("gives", [&](const std::string& text) {
        if (text == "name") {
            source.gives = FieldSource::Gives::Name;
        } else if (text == "owner") {
            source.gives = FieldSource::Gives::Owner;
        } else if (text != "text") {
            return Result<void>(Error(ErrorCode::InvalidArgument,
                                      fmt::format("'{}' is not text, name, owner", text)));
        }
        return Result<void>{};
    });
    if (!source.attribute.empty()) {
        if (source.gives != FieldSource::Gives::Text) {
            table.refuse("attribute", "a source gives one thing: drop gives or attribute");
        }
        source.gives = FieldSource::Gives::Attribute;
    }
}

FieldSource read_source(TomlTable& table) {
    FieldSource source;
    table.text("header", source.header);
    table.parsed("invite", [&](const std::string& text) {
        return assign(named(text, kInviteParts), source.invite);
    });
    table.parsed("metadata", [&](const std::string& text) {
        return assign(named(text, kModelParts), source.metadata);
    });
    std::string path;
    table.text("element", path);
    read_element(table, source.element);
    table.parsed_list(
        "under",
        [&] { source.under.clear(); },
        [&](const std::string& text) {
            Owner owner{};
            auto done = assign(named(text, kOwners), owner);
            source.under.push_back(owner);
            return done;
        });
    read_gives(table, source);
    read_pattern(table, "capture", source.capture);
    table.parsed_list(
        "transform",
        [&] { source.transforms.clear(); },
        [&](const std::string& name) {
            const Transform transform = find_transform(name);
            source.transforms.push_back(transform);
            return transform != nullptr
                       ? Result<void>{}
                       : Error(ErrorCode::InvalidArgument,
                               fmt::format("'{}' is not {}", name, transform_names()));
        });
    const int places = (source.header.empty() ? 0 : 1) + (source.invite ? 1 : 0) +
                       (source.metadata ? 1 : 0) + (path.empty() ? 0 : 1);
    if (places != 1) {
        table.refuse("element", "a source names one of header, invite, metadata and element");
    }
    if (path.empty() && (!source.under.empty() || !source.key.empty() ||
                         source.gives != FieldSource::Gives::Text)) {
        table.refuse("under", "under, gives, attribute and key go with element");
    }
    if (!source.header.empty()) {
        source.where = "header " + source.header;
    } else if (source.invite) {
        source.where = "invite " + std::string(to_string(*source.invite));
    } else if (source.metadata) {
        source.where = "metadata " + std::string(to_string(*source.metadata));
    } else {
        source.where = "element " + path;
    }
    return source;
}

void read_fields(TomlTable table, std::vector<FieldRule>& fields) {
    for (const std::string& name : table.keys()) {
        FieldRule rule{.name = name, .sources = {}};
        table.each_table(name, [&](TomlTable& entry) {
            rule.sources.push_back(read_source(entry));
            if (!is_field_name(name, !rule.sources.back().key.empty())) {
                entry.refuse("key",
                             "a field is named in a-z, 0-9, _ and dots; it ends in .* where its "
                             "sources have a key, and only there");
            }
        });
        fields.push_back(std::move(rule));
    }
}

void read_parties(TomlTable table, Profile& profile) {
    for (const PartyRole role : kRoles) {
        table.each_table(to_string(role), [&](TomlTable& entry) {
            profile.parties.emplace_back(role, read_source(entry));
        });
    }
}

/// "auto", "Z" or "+HH:MM".
Result<void> read_time_zone(const std::string& text, Quirks& quirks) {
    if (text == "auto") {
        quirks.infer_time_zone = true;
        return {};
    }
    if (text == "Z") {
        quirks.time_zone = std::chrono::minutes{0};
        return {};
    }
    const auto digits = [&](std::size_t at) {
        int value = -1;
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, value);
        return error == std::errc() && end == text.data() + at + 2 ? value : -1;
    };
    constexpr int kMostHours = 14;
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' || digits(1) < 0 ||
        digits(1) > kMostHours || digits(4) < 0 || digits(4) > 59) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("'{}' is not auto, Z or an offset such as +01:00", text));
    }
    const std::chrono::minutes offset =
        std::chrono::hours(digits(1)) + std::chrono::minutes(digits(4));
    quirks.time_zone = text[0] == '-' ? -offset : offset;
    return {};
}

void read_quirks(TomlTable table, Quirks& quirks) {
    table.parsed("time_zone",
                 [&](const std::string& text) { return read_time_zone(text, quirks); });
    TomlTable labels = table.table("labels");
    for (const PartyRole role : kRoles) {
        std::optional<Pattern> pattern;
        read_pattern(labels, to_string(role), pattern);
        if (pattern) {
            quirks.labels.emplace_back(role, *pattern);
        }
    }
}

}  // namespace

std::string_view to_string(Owner owner) noexcept {
    constexpr std::array<std::string_view, 5> kNames{
        "recording", "group", "session", "participant", "stream"};
    return kNames.at(static_cast<std::size_t>(owner));
}

std::string_view to_string(InvitePart part) noexcept {
    constexpr std::array<std::string_view, 7> kNames{
        "request_uri", "from", "from_host", "to", "contact", "call_id", "source"};
    return kNames.at(static_cast<std::size_t>(part));
}

std::string_view to_string(ModelPart part) noexcept {
    constexpr std::array<std::string_view, 5> kNames{
        "group_id", "session_id", "sip_session_id", "participant_id", "aor"};
    return kNames.at(static_cast<std::size_t>(part));
}

std::string_view to_string(PartyRole role) noexcept {
    constexpr std::array<std::string_view, 4> kNames{"calling", "called", "recorded", "remote"};
    return kNames.at(static_cast<std::size_t>(role));
}

Result<Profile> parse_profile(std::string_view toml, const std::string& file) {
    Profile profile;
    const auto read = read_toml(toml, file, [&](TomlTable& root) {
        root.text("name", profile.name);
        root.text("title", profile.title);
        root.number("rank", profile.rank, 0, 1000);
        root.each_table("when",
                        [&](TomlTable& entry) { profile.when.push_back(read_condition(entry)); });
        read_fields(root.table("fields"), profile.fields);
        read_parties(root.table("parties"), profile);
        read_quirks(root.table("quirks"), profile.quirks);
        if (!is_field_name(profile.name, false)) {
            root.refuse("name", "every profile has a name, in a-z, 0-9, _ and dots");
        }
        if (profile.when.empty()) {
            root.refuse("when", "no condition: the profile would never apply");
        }
    });
    if (!read) {
        return read.error();
    }
    return profile;
}

}  // namespace siprec::server
