#include "api/byte_range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace siprec::server {

namespace {

std::optional<std::uint64_t> number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// `-N`: the last N bytes.
RangeSelection suffix(std::optional<std::uint64_t> wanted, std::uint64_t size) noexcept {
    if (!wanted) {
        return {RangeOutcome::Whole, 0, size};
    }
    if (*wanted == 0 || size == 0) {
        return {RangeOutcome::Unsatisfiable, 0, 0};
    }
    const std::uint64_t length = std::min(*wanted, size);
    return {RangeOutcome::Part, size - length, length};
}

}  // namespace

RangeSelection select_range(std::string_view field, std::uint64_t size) noexcept {
    const RangeSelection whole{RangeOutcome::Whole, 0, size};
    constexpr std::string_view kUnit = "bytes=";
    const std::size_t dash = field.find('-');
    if (!field.starts_with(kUnit) || dash == std::string_view::npos) {
        return whole;
    }
    const std::string_view first_text = field.substr(kUnit.size(), dash - kUnit.size());
    const std::string_view last_text = field.substr(dash + 1);
    if (first_text.empty()) {
        return suffix(number(last_text), size);
    }
    const auto first = number(first_text);
    const auto last = last_text.empty() ? std::optional(UINT64_MAX) : number(last_text);
    if (!first || !last || *last < *first) {
        return whole;
    }
    if (*first >= size) {
        return {RangeOutcome::Unsatisfiable, 0, 0};
    }
    return {RangeOutcome::Part, *first, std::min(*last, size - 1) - *first + 1};
}

}  // namespace siprec::server
