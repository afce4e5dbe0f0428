#include <siprec/clock.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace siprec {

namespace {

using std::chrono::nanoseconds;

class SystemClock final : public Clock {
  public:
    [[nodiscard]] WallTime now() const noexcept override {
        return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now());
    }

    [[nodiscard]] SteadyTime steady_now() const noexcept override {
        return std::chrono::steady_clock::now();
    }
};

/// What is left of the text of a time.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    [[nodiscard]] bool at_end() const { return text_.empty(); }

    [[nodiscard]] char peek() const { return text_.empty() ? '\0' : text_.front(); }

    bool skip(char c) {
        if (peek() != c) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }

    /// Exactly `digits` decimal digits.
    std::optional<int> number(std::size_t digits) {
        if (text_.size() < digits) {
            return std::nullopt;
        }
        int value = 0;
        for (const char c : text_.substr(0, digits)) {
            if (c < '0' || c > '9') {
                return std::nullopt;
            }
            value = value * 10 + (c - '0');
        }
        text_.remove_prefix(digits);
        return value;
    }

    /// The digits behind the decimal point; those beyond nanoseconds are dropped.
    std::optional<nanoseconds> fraction() {
        std::int64_t value = 0;
        std::int64_t unit = 1'000'000'000;
        bool any = false;
        while (peek() >= '0' && peek() <= '9') {
            any = true;
            if (unit > 1) {
                unit /= 10;
                value += (peek() - '0') * unit;
            }
            text_.remove_prefix(1);
        }
        return any ? std::optional(nanoseconds(value)) : std::nullopt;
    }

  private:
    std::string_view text_;
};

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<std::chrono::sys_days> parse_date(Cursor& cursor) {
    const auto year = cursor.number(4);
    if (!year || !cursor.skip('-')) {
        return std::nullopt;
    }
    const auto month = cursor.number(2);
    if (!month || !cursor.skip('-')) {
        return std::nullopt;
    }
    const auto day = cursor.number(2);
    if (!day) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    // WallTime holds the years 1678 to 2261.
    if (!date.ok() || *year < 1678 || *year > 2261) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date);
}

std::optional<nanoseconds> parse_time_of_day(Cursor& cursor, ParsedTime& parsed) {
    const auto hour = cursor.number(2);
    if (!hour || !cursor.skip(':')) {
        return std::nullopt;
    }
    const auto minute = cursor.number(2);
    if (!minute || *hour > 24 || *minute > 59) {
        return std::nullopt;
    }
    int second = 0;
    nanoseconds fraction{0};
    if (cursor.skip(':')) {
        const auto seconds = cursor.number(2);
        if (!seconds || *seconds > 60) {
            return std::nullopt;
        }
        second = *seconds == 60 ? 59 : *seconds;
        const bool comma = cursor.skip(',');
        parsed.is_strict = parsed.is_strict && !comma;
        if (comma || cursor.skip('.')) {
            const auto digits = cursor.fraction();
            if (!digits) {
                return std::nullopt;
            }
            fraction = *digits;
        }
    } else {
        parsed.is_strict = false;
    }
    if (*hour == 24) {
        if (*minute != 0 || second != 0) {
            return std::nullopt;
        }
        parsed.is_strict = false;
    }
    return std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(second) + fraction;
}

/// `+01:00`, `+0100`, `+01`.
std::optional<nanoseconds> parse_offset(Cursor& cursor, ParsedTime& parsed) {
    const bool negative = cursor.peek() == '-';
    if (!cursor.skip('+') && !cursor.skip('-')) {
        return std::nullopt;
    }
    const auto hours = cursor.number(2);
    if (!hours || *hours > 23) {
        return std::nullopt;
    }
    int minutes = 0;
    if (!cursor.skip(':')) {
        parsed.is_strict = false;
    }
    if (cursor.at_end()) {
        parsed.is_strict = false;
    } else {
        const auto written = cursor.number(2);
        if (!written || *written > 59) {
            return std::nullopt;
        }
        minutes = *written;
    }
    const nanoseconds offset = std::chrono::hours(*hours) + std::chrono::minutes(minutes);
    return negative ? -offset : offset;
}

}  // namespace

Clock::~Clock() = default;

const Clock& system_clock() noexcept {
    static const SystemClock clock;
    return clock;
}

std::string to_rfc3339(WallTime time) {
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(days);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::microseconds>(time - days));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()),
                       clock.hours().count(),
                       clock.minutes().count(),
                       clock.seconds().count(),
                       clock.subseconds().count());
}

std::optional<ParsedTime> parse_time(std::string_view text) noexcept {
    Cursor cursor(trim(text));
    ParsedTime parsed;
    const auto date = parse_date(cursor);
    if (!date) {
        return std::nullopt;
    }
    if (cursor.skip('t') || cursor.skip(' ')) {
        parsed.is_strict = false;
    } else if (!cursor.skip('T')) {
        return std::nullopt;
    }
    const auto time_of_day = parse_time_of_day(cursor, parsed);
    if (!time_of_day) {
        return std::nullopt;
    }
    nanoseconds offset{0};
    while (cursor.skip(' ')) {
        parsed.is_strict = false;
    }
    if (cursor.at_end()) {
        parsed.has_zone = false;
        parsed.is_strict = false;
    } else if (cursor.skip('z')) {
        parsed.is_strict = false;
    } else if (!cursor.skip('Z')) {
        const auto written = parse_offset(cursor, parsed);
        if (!written) {
            return std::nullopt;
        }
        offset = *written;
    }
    if (!cursor.at_end()) {
        return std::nullopt;
    }
    parsed.time = WallTime(*date) + *time_of_day - offset;
    return parsed;
}

}  // namespace siprec
