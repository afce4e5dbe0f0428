#include "sip/address_repair.hpp"

#include "body/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace siprec::sip {

namespace {

/// `;tag=...`, or nothing.
std::string tag_parameter(std::string_view value) {
    const std::size_t at = body::to_lower(value).rfind(";tag=");
    if (at == std::string_view::npos) {
        return {};
    }
    const std::string_view rest = value.substr(at);
    return std::string(rest.substr(0, rest.find_first_of(" \t,>\"", 1)));
}

std::size_t find_scheme(std::string_view value) {
    const std::string lower = body::to_lower(value);
    std::size_t first = std::string::npos;
    for (const std::string_view scheme : {"sip:", "sips:", "tel:"}) {
        first = std::min(first, lower.find(scheme));
    }
    return first;
}

/// Up to what ends a URI: its bracket, or outside brackets the header's own parameters.
std::string_view uri_at(std::string_view value, std::size_t start) {
    const bool is_in_brackets = start > 0 && value[start - 1] == '<';
    std::string_view rest = value.substr(start);
    if (is_in_brackets) {
        rest = rest.substr(0, std::min(rest.find('>'), body::to_lower(rest).find(";tag=")));
        return rest.substr(0, rest.find_first_of(" \t\"<"));
    }
    return rest.substr(0, rest.find_first_of(" \t;>\"<,"));
}

/// As a quoted-string; what cannot stand in one is left out.
std::string quoted(std::string_view display) {
    std::string text;
    for (const char c : body::trim(display)) {
        if (c != '"' && c != '\\' && c != '<' && c != '\r' && c != '\n') {
            text += c;
        }
    }
    return text.empty() ? text : fmt::format("\"{}\" ", body::trim(text));
}

}  // namespace

std::string repaired_address(std::string_view value) {
    const std::size_t start = find_scheme(value);
    if (start == std::string_view::npos) {
        return {};
    }
    return fmt::format(
        "{}<{}>{}", quoted(value.substr(0, start)), uri_at(value, start), tag_parameter(value));
}

std::string anonymous_address(std::string_view value) {
    return "<sip:anonymous@anonymous.invalid>" + tag_parameter(value);
}

}  // namespace siprec::sip
