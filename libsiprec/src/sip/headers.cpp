#include "sip/headers.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace siprec::sip {

namespace {

std::string_view trim(std::string_view value) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = value.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return value.substr(first, value.find_last_not_of(kSpace) - first + 1);
}

/// Takes what stands before the next `delimiter`, or all.
std::string_view take_until(std::string_view& rest, char delimiter) {
    const std::size_t end = rest.find(delimiter);
    const std::string_view taken = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return trim(taken);
}

}  // namespace

std::string lower(std::string_view value) {
    std::string folded(value);
    std::ranges::transform(
        folded, folded.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return folded;
}

Headers parse_headers(std::string_view message) {
    Headers headers;
    bool is_start_line = true;
    while (!message.empty()) {
        const std::size_t end = message.find('\n');
        std::string_view line = message.substr(0, end);
        message = end == std::string_view::npos ? std::string_view{} : message.substr(end + 1);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (is_start_line) {
            is_start_line = line.empty();
            continue;
        }
        if (line.empty()) {
            break;
        }
        if (line.front() == ' ' || line.front() == '\t') {
            if (!headers.empty()) {
                headers.back().second += ' ';
                headers.back().second += trim(line);
            }
            continue;
        }
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos) {
            headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
        }
    }
    return headers;
}

bool is_header(std::string_view name, std::string_view full, std::string_view compact) {
    const std::string folded = lower(name);
    return folded == full || (!compact.empty() && folded == compact);
}

const std::string* find_header(const Headers& headers,
                               std::string_view full,
                               std::string_view compact) {
    const auto found = std::ranges::find_if(
        headers, [&](const auto& header) { return is_header(header.first, full, compact); });
    return found == headers.end() ? nullptr : &found->second;
}

std::vector<std::string> header_tokens(const Headers& headers,
                                       std::string_view full,
                                       std::string_view compact) {
    std::vector<std::string> tokens;
    for (const auto& [name, value] : headers) {
        if (!is_header(name, full, compact)) {
            continue;
        }
        std::string_view rest = value;
        while (!rest.empty()) {
            std::string_view member = take_until(rest, ',');
            if (const std::string_view token = take_until(member, ';'); !token.empty()) {
                tokens.push_back(lower(token));
            }
        }
    }
    return tokens;
}

std::optional<DeltaSeconds> parse_delta_seconds(std::string_view value) {
    std::string_view number = take_until(value, ';');
    std::uint32_t seconds = 0;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), seconds);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    // Retry-After may have a comment behind the number (RFC 3261 20.33).
    const std::string_view behind =
        trim(number.substr(static_cast<std::size_t>(end - number.data())));
    if (!behind.empty() && !behind.starts_with('(')) {
        return std::nullopt;
    }
    DeltaSeconds parsed{.value = std::chrono::seconds(seconds), .parameters = {}};
    while (!value.empty()) {
        std::string_view parameter = take_until(value, ';');
        const std::string_view name = take_until(parameter, '=');
        parsed.parameters.emplace_back(lower(name), lower(trim(parameter)));
    }
    return parsed;
}

}  // namespace siprec::sip
