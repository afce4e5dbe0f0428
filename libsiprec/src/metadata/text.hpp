#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace siprec::metadata {

inline constexpr std::string_view kWhiteSpace = " \t\r\n";

[[nodiscard]] inline bool is_white_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_white_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_white_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// In place, so that the common value without white space around it is not copied.
inline void trim(std::string& text) {
    const std::string_view kept = trimmed(text);
    if (kept.size() != text.size()) {
        text = std::string(kept);
    }
}

/// Ids and SIP session ids: examples of the RFC itself fold them over lines.
[[nodiscard]] inline std::string without_white_space(std::string_view text) {
    std::string kept;
    kept.reserve(text.size());
    std::copy_if(text.begin(), text.end(), std::back_inserter(kept), [](char c) {
        return !is_white_space(c);
    });
    return kept;
}

[[nodiscard]] inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) {
        return lower(x) == lower(y);
    });
}

/// The name behind its prefix.
[[nodiscard]] inline std::string_view local_part(std::string_view qualified_name) {
    return qualified_name.substr(qualified_name.find(':') + 1);
}

}  // namespace siprec::metadata
