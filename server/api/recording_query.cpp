#include "api/recording_query.hpp"

#include "api/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string>

namespace siprec::server {

namespace {

constexpr std::size_t kLongestValue = 1024;
constexpr std::uint32_t kLargestLimit = 1000;

Error bad(std::string_view name, std::string_view why) {
    return {ErrorCode::InvalidArgument, fmt::format("{}: {}", name, why)};
}

/// Length of the UTF-8 sequence that `lead` begins; 0: none begins with it.
std::size_t sequence_length(unsigned char lead) {
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead < 0xE0) {
        return 2;
    }
    if (lead >= 0xE0 && lead < 0xF0) {
        return 3;
    }
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

/// Three and four byte forms that are overlong, surrogates or beyond U+10FFFF differ in their
/// second byte only.
bool is_second_byte_valid(unsigned char lead, unsigned char second) {
    switch (lead) {
        case 0xE0:
            return second >= 0xA0;
        case 0xED:
            return second < 0xA0;
        case 0xF0:
            return second >= 0x90;
        case 0xF4:
            return second < 0x90;
        default:
            return true;
    }
}

/// Printable UTF-8: what the catalogue can compare with.
bool is_text(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = sequence_length(at(i));
        if (length == 0 || i + length > text.size() || at(i) < 0x20 || at(i) == 0x7F) {
            return false;
        }
        if (length > 1 && !is_second_byte_valid(at(i), at(i + 1))) {
            return false;
        }
        for (std::size_t k = 1; k < length; ++k) {
            if ((at(i + k) & 0xC0U) != 0x80U) {
                return false;
            }
        }
        i += length;
    }
    return true;
}

Result<std::optional<WallTime>> time_of(std::string_view name, const std::string& value) {
    const auto parsed = parse_time(value);
    if (!parsed || !parsed->has_zone) {
        return bad(name, "not a time as in RFC 3339 (2026-11-21T20:25:17Z)");
    }
    return std::optional(parsed->time);
}

Result<std::uint32_t> limit_of(const std::string& value) {
    std::uint32_t limit = 0;
    const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), limit);
    if (failure != std::errc() || end != value.data() + value.size() || limit < 1 ||
        limit > kLargestLimit) {
        return bad("limit", fmt::format("not a number from 1 to {}", kLargestLimit));
    }
    return limit;
}

template <std::size_t N>
Result<void> one_of(std::string_view name,
                    const std::string& value,
                    const std::array<std::string_view, N>& allowed) {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
        return bad(name, fmt::format("must be one of {}", fmt::join(allowed, ", ")));
    }
    return {};
}

template <typename T>
Result<void> assign(T& target, Result<T> value) {
    if (!value) {
        return value.error();
    }
    target = *value;
    return {};
}

/// The parameters that are taken as they are.
std::string* text_field(RecordingQuery& query, std::string_view name) {
    struct Field {
        std::string_view name;
        std::string RecordingQuery::*member;
    };

    static constexpr std::array kFields{Field{"number", &RecordingQuery::number},
                                        Field{"name", &RecordingQuery::name},
                                        Field{"participant", &RecordingQuery::participant},
                                        Field{"field", &RecordingQuery::field},
                                        Field{"direction", &RecordingQuery::direction},
                                        Field{"src", &RecordingQuery::src},
                                        Field{"call_id", &RecordingQuery::call_id},
                                        Field{"state", &RecordingQuery::state},
                                        Field{"conversation", &RecordingQuery::conversation},
                                        Field{"cursor", &RecordingQuery::cursor}};
    for (const Field& field : kFields) {
        if (field.name == name) {
            return &(query.*field.member);
        }
    }
    return nullptr;
}

Result<void> check_text(std::string_view name, const std::string& value) {
    static constexpr std::array<std::string_view, 3> kDirections{"inbound", "outbound", "unknown"};
    static constexpr std::array<std::string_view, 5> kStates{
        "recording", "finalizing", "stored", "partial", "discarded"};
    if (name == "direction") {
        return one_of(name, value, kDirections);
    }
    if (name == "state") {
        return one_of(name, value, kStates);
    }
    return {};
}

/// `field.NAME=VALUE`, NAME as interop profiles name their fields.
Result<void> add_field(RecordingQuery& query,
                       std::string_view parameter,
                       std::string_view name,
                       const std::string& value) {
    constexpr std::size_t kMostFields = 16;
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") !=
                            std::string_view::npos) {
        return bad(parameter.substr(0, 64), "a field's name is of a-z, 0-9, _ and dots");
    }
    if (query.fields.size() == kMostFields) {
        return bad("field", fmt::format("more than {} at once", kMostFields));
    }
    query.fields.emplace_back(name, value);
    return {};
}

Result<void> set_parameter(RecordingQuery& query, std::string_view name, const std::string& value) {
    if (name == "from") {
        return assign(query.from, time_of(name, value));
    }
    if (name == "until") {
        return assign(query.until, time_of(name, value));
    }
    if (name == "limit") {
        return assign(query.limit, limit_of(value));
    }
    if (constexpr std::string_view kField = "field."; name.starts_with(kField)) {
        return add_field(query, name, name.substr(kField.size()), value);
    }
    std::string* field = text_field(query, name);
    if (field == nullptr) {
        return bad(name.substr(0, 64), "there is no such parameter");
    }
    *field = value;
    return check_text(name, value);
}

}  // namespace

Result<RecordingQuery> parse_recording_query(std::string_view query) {
    RecordingQuery result;
    std::set<std::string> seen;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.empty()) {
            continue;
        }
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const auto name = percent_decode(pair.substr(0, equals), false);
        const bool plus_is_blank = name != "from" && name != "until" && name != "number" &&
                                   !(name && name->starts_with("field."));
        const auto value =
            percent_decode(pair.substr(std::min(equals + 1, pair.size())), plus_is_blank);
        if (!name || !value || !is_text(*name) || !is_text(*value)) {
            return bad("query", "not percent-encoded UTF-8 text");
        }
        if (value->size() > kLongestValue) {
            return bad("query", fmt::format("a value is longer than {} bytes", kLongestValue));
        }
        if (!name->starts_with("field.") && !seen.insert(*name).second) {
            return bad(name->substr(0, 64), "given twice");
        }
        if (value->empty()) {
            continue;
        }
        if (const auto set = set_parameter(result, *name, *value); !set) {
            return set.error();
        }
    }
    return result;
}

}  // namespace siprec::server
