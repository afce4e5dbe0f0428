#include "catalog/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

namespace siprec::server {

namespace {

constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint32_t kMostRows = 1000;
constexpr std::int64_t kFurthestUs = std::numeric_limits<std::int64_t>::max() / 1000;

// Eight bytes of time and sixteen of UUID: a multiple of three, so that base64 needs no padding.
using PositionBytes = std::array<std::uint8_t, 24>;
constexpr std::size_t kCursorLength = PositionBytes{}.size() / 3 * 4;

/// Collects the conditions of a WHERE and the values they are bound to.
class Conditions {
  public:
    /// @param condition  with `{}` where the numbers of the parameters belong
    template <typename... Values>
    void add(std::string_view condition, Values... values) {
        sql_.text += sql_.parameters.empty() ? " WHERE " : " AND ";
        std::size_t number = sql_.parameters.size();
        (sql_.parameters.push_back(std::move(values)), ...);
        const std::array numbers{(static_cast<void>(values), ++number)...};
        sql_.text += std::apply(
            [&](auto... n) { return fmt::format(fmt::runtime(condition), n...); }, numbers);
    }

    void add_unless_empty(std::string_view condition, const std::string& value) {
        if (!value.empty()) {
            add(condition, value);
        }
    }

    void add_pattern(std::string_view condition, const std::string& wildcards) {
        if (!wildcards.empty()) {
            add(condition, like_pattern(wildcards));
        }
    }

    ListSql finish(std::uint32_t limit) {
        sql_.text += fmt::format(" ORDER BY r.started_at DESC, r.id DESC LIMIT {}", limit);
        return std::move(sql_);
    }

  private:
    ListSql sql_;
};

bool is_state(std::string_view text) {
    constexpr std::array kStates{RecordingState::Recording,
                                 RecordingState::Finalizing,
                                 RecordingState::Stored,
                                 RecordingState::Partial,
                                 RecordingState::Discarded};
    return std::ranges::any_of(kStates,
                               [&](RecordingState state) { return to_string(state) == text; });
}

}  // namespace

std::string encode_cursor(const PagePosition& position) {
    PositionBytes bytes{};
    const auto start = static_cast<std::uint64_t>(position.start_us);
    for (std::size_t i = 0; i < 8; ++i) {
        bytes.at(i) = static_cast<std::uint8_t>(start >> (56 - 8 * i));
    }
    std::ranges::copy(position.id.bytes(), bytes.begin() + 8);
    std::string cursor;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const unsigned group =
            unsigned{bytes.at(i)} << 16U | unsigned{bytes.at(i + 1)} << 8U | bytes.at(i + 2);
        for (const unsigned shift : {18U, 12U, 6U, 0U}) {
            cursor += kBase64Url[group >> shift & 63U];
        }
    }
    return cursor;
}

std::optional<PagePosition> decode_cursor(std::string_view cursor) {
    if (cursor.size() != kCursorLength) {
        return std::nullopt;
    }
    PositionBytes bytes{};
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::size_t group = 0;
        for (const char c : cursor.substr(i / 3 * 4, 4)) {
            const std::size_t digit = kBase64Url.find(c);
            if (digit == std::string_view::npos) {
                return std::nullopt;
            }
            group = group << 6U | digit;
        }
        bytes.at(i) = static_cast<std::uint8_t>(group >> 16U);
        bytes.at(i + 1) = static_cast<std::uint8_t>(group >> 8U & 255U);
        bytes.at(i + 2) = static_cast<std::uint8_t>(group & 255U);
    }
    std::uint64_t start = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        start = start << 8U | bytes.at(i);
    }
    // Later than WallTime can say.
    const auto start_us = static_cast<std::int64_t>(start);
    if (start_us < -kFurthestUs || start_us > kFurthestUs) {
        return std::nullopt;
    }
    std::array<std::uint8_t, 16> id{};
    std::copy(bytes.begin() + 8, bytes.end(), id.begin());
    return PagePosition{.start_us = start_us, .id = Uuid(id)};
}

std::string like_pattern(std::string_view wildcards) {
    std::string pattern;
    for (const char c : wildcards) {
        if (c == '*') {
            pattern += '%';
            continue;
        }
        if (c == '%' || c == '_' || c == '\\') {
            pattern += '\\';
        }
        pattern += c;
    }
    return pattern;
}

std::string without_separators(std::string_view number) {
    std::string result(number);
    if (number.find_first_not_of("0123456789+*#-.() ") == std::string_view::npos) {
        std::erase_if(result, [](char c) {
            return std::string_view("-.() ").find(c) != std::string_view::npos;
        });
    }
    return result;
}

Result<ListSql> list_sql(const RecordingQuery& query) {
    if (query.limit == 0 || query.limit > kMostRows) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("limit {} is not between 1 and {}", query.limit, kMostRows));
    }
    if (!query.state.empty() && !is_state(query.state)) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("no state is called '{}'", query.state));
    }
    Conditions conditions;
    if (query.from) {
        conditions.add("r.started_at >= ${}::timestamptz", to_rfc3339(*query.from));
    }
    if (query.until) {
        conditions.add("r.started_at < ${}::timestamptz", to_rfc3339(*query.until));
    }
    if (!query.number.empty()) {
        conditions.add(
            "r.id IN (SELECT recording_id FROM participants WHERE lower(number) LIKE lower(${}))",
            like_pattern(without_separators(query.number)));
    }
    conditions.add_pattern(
        "r.id IN (SELECT recording_id FROM participant_names WHERE lower(name) LIKE lower(${}))",
        query.name);
    conditions.add_pattern(
        "r.id IN (SELECT recording_id FROM participant_names"
        " WHERE lower(aor) LIKE lower(${0}) OR lower(name) LIKE lower(${0})"
        " UNION ALL SELECT recording_id FROM participants WHERE lower(number) LIKE lower(${0}))",
        query.participant);
    conditions.add_pattern(
        "(lower(s.src_uri) LIKE lower(${0}) OR lower(s.src_address) LIKE lower(${0})"
        " OR lower(s.src_user_agent) LIKE lower(${0}))",
        query.src);
    conditions.add_pattern(
        "r.id IN (SELECT recording_id FROM recording_fields WHERE lower(value) LIKE lower(${}))",
        query.field);
    for (const auto& [name, value] : query.fields) {
        conditions.add(
            "r.id IN (SELECT recording_id FROM recording_fields"
            " WHERE name = ${} AND lower(value) LIKE lower(${}))",
            name,
            like_pattern(value));
    }
    conditions.add_unless_empty("r.direction = ${}", query.direction);
    conditions.add_unless_empty("s.call_id = ${}", query.call_id);
    conditions.add_unless_empty("r.state = ${}", query.state);
    if (!query.conversation.empty()) {
        if (!Uuid::parse(query.conversation)) {
            return Error(ErrorCode::InvalidArgument,
                         fmt::format("'{}' is no conversation's id", query.conversation));
        }
        conditions.add("i.conversation_id = ${}::uuid", query.conversation);
    }
    if (!query.cursor.empty()) {
        const auto position = decode_cursor(query.cursor);
        if (!position) {
            return Error(ErrorCode::InvalidArgument,
                         fmt::format("'{}' is not a cursor of ours", query.cursor));
        }
        const WallTime start{std::chrono::microseconds(position->start_us)};
        conditions.add("(r.started_at, r.id) < (${}::timestamptz, ${}::uuid)",
                       to_rfc3339(start),
                       position->id.to_string());
    }
    return conditions.finish(query.limit + 1);
}

}  // namespace siprec::server
