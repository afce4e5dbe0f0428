#include "sdp/text.hpp"

#include <algorithm>
#include <charconv>

namespace siprec::sdp {

namespace {

constexpr std::string_view kBlanks = " \t";

// SDP's keywords are ASCII; the program's locale has no say in them.
char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::size_t find_line_end(std::string_view text, std::size_t start) noexcept {
    // Not find_first_of: that calls the C library for every character.
    const auto* const end =
        std::find_if(text.begin() + static_cast<std::ptrdiff_t>(start), text.end(), [](char c) {
            return c == '\n' || c == '\r' || c == '\0';
        });
    return static_cast<std::size_t>(end - text.begin());
}

std::string_view trim(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
    return std::ranges::equal(left, right, {}, upper, upper);
}

std::string to_upper(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), upper);
    return result;
}

std::string_view take_word(std::string_view& text) noexcept {
    const std::size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
    text.remove_prefix(first);
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

std::string_view take_until(std::string_view& text, char separator) noexcept {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

std::optional<std::uint32_t> leading_number(std::string_view text) noexcept {
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::optional(value) : std::nullopt;
}

std::optional<std::uint32_t> whole_number(std::string_view text) noexcept {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace siprec::sdp
