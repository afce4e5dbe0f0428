#include "interop/time_zone.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>

namespace siprec::server {
namespace {

/// A time between tags that ends without zone.
const RE2& bare_time() {
    static const RE2 pattern(R"((>\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?)(\s*<))");
    return pattern;
}

std::optional<WallTime> latest_bare_time(std::string_view document) {
    re2::StringPiece rest(document.data(), document.size());
    re2::StringPiece found;
    re2::StringPiece behind;
    std::optional<WallTime> latest;
    while (RE2::FindAndConsume(&rest, bare_time(), &found, &behind)) {
        const std::string text = found.as_string();
        const auto begin = text.find_first_of("0123456789");
        if (const auto parsed = parse_time(text.substr(begin))) {
            latest = std::max(latest.value_or(parsed->time), parsed->time);
        }
    }
    return latest;
}

}  // namespace

std::optional<std::chrono::minutes> zone_of(std::string_view document,
                                            const Quirks& quirks,
                                            WallTime received) {
    const auto latest = latest_bare_time(document);
    if (!latest) {
        return std::nullopt;
    }
    if (quirks.time_zone) {
        return quirks.time_zone;
    }
    if (!quirks.infer_time_zone) {
        return std::nullopt;
    }
    // Zones differ from UTC by quarters of an hour, by 14 hours at most.
    constexpr std::chrono::minutes kStep{15};
    constexpr std::chrono::minutes kTolerance{5};
    constexpr std::chrono::hours kMost{14};
    const auto ahead = *latest - received;
    const auto steps =
        std::chrono::round<std::chrono::duration<std::int64_t, std::ratio<900>>>(ahead);
    const auto zone = std::chrono::duration_cast<std::chrono::minutes>(kStep * steps.count());
    if (std::chrono::abs(ahead - zone) > kTolerance || std::chrono::abs(zone) > kMost) {
        return std::nullopt;
    }
    return zone;
}

std::string with_zone(std::string_view document, std::chrono::minutes zone) {
    std::string text(document);
    RE2::GlobalReplace(&text, bare_time(), "\\1" + zone_text(zone) + "\\2");
    return text;
}

std::string zone_text(std::chrono::minutes zone) {
    if (zone.count() == 0) {
        return "Z";
    }
    const auto minutes = std::abs(zone.count());
    return fmt::format("{}{:02}:{:02}", zone.count() < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace siprec::server
