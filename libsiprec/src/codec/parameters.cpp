#include "codec/parameters.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace siprec::codec {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t";
    const std::size_t from = text.find_first_not_of(kBlank);
    if (from == std::string_view::npos) {
        return {};
    }
    return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

bool same_name(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, [](unsigned char a, unsigned char b) {
        return std::tolower(a) == std::tolower(b);
    });
}

}  // namespace

std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name) {
    while (!parameters.empty()) {
        const std::size_t end = std::min(parameters.find(';'), parameters.size());
        const std::string_view item = trimmed(parameters.substr(0, end));
        const std::size_t equals = std::min(item.find('='), item.size());
        if (same_name(trimmed(item.substr(0, equals)), name)) {
            return equals < item.size() ? trimmed(item.substr(equals + 1)) : std::string_view{};
        }
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
    }
    return std::nullopt;
}

std::optional<std::uint32_t> number_parameter(std::string_view parameters, std::string_view name) {
    const auto text = parameter(parameters, name);
    std::uint32_t value = 0;
    if (!text ||
        std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) {
        return std::nullopt;
    }
    return value;
}

}  // namespace siprec::codec
