#include "body/header.hpp"

#include <algorithm>

namespace siprec::body {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_token(std::string_view text) noexcept {
    constexpr std::string_view kNotInTokens = "()<>@,;:\\\"/[]?=";
    return !text.empty() && std::ranges::all_of(text, [kNotInTokens](char c) {
        return c > ' ' && c < '\x7f' && kNotInTokens.find(c) == std::string_view::npos;
    });
}

/// Takes the text up to the next `;` that is not in quotes.
std::string_view take_section(std::string_view& text) noexcept {
    bool quoted = false;
    std::size_t i = 0;
    for (; i < text.size() && (quoted || text[i] != ';'); ++i) {
        if (quoted && text[i] == '\\' && i + 1 < text.size()) {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        }
    }
    const std::string_view section = text.substr(0, i);
    text.remove_prefix(std::min(i + 1, text.size()));
    return section;
}

std::string unquote(std::string_view text) {
    text = trim(text);
    if (text.empty() || text.front() != '"') {
        return std::string(text);
    }
    std::string value;
    for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            ++i;
        }
        value += text[i];
    }
    return value;
}

struct HeaderLine {
    std::string name;  // lower case
    std::string value;
};

std::optional<HeaderLine> parse_header_line(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(trim(line.substr(0, colon)))) {
        return std::nullopt;
    }
    return HeaderLine{.name = to_lower(trim(line.substr(0, colon))),
                      .value = std::string(trim(line.substr(colon + 1)))};
}

/// Takes one header field with its continuation lines (RFC 5322 2.2.3).
std::optional<HeaderLine> take_field(std::string_view& part) {
    std::string_view rest = part;
    auto field = parse_header_line(take_line(rest));
    if (!field) {
        return std::nullopt;
    }
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) {
        std::string_view behind = rest;
        const std::string_view continuation = trim(take_line(behind));
        if (continuation.empty()) {
            break;
        }
        field->value.append(" ").append(continuation);
        rest = behind;
    }
    part = rest;
    return field;
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string to_lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), lower);
    return result;
}

std::optional<std::string_view> HeaderValue::parameter(std::string_view name) const noexcept {
    const auto found = std::ranges::find(parameters, name, &Parameter::name);
    return found == parameters.end() ? std::nullopt : std::optional<std::string_view>(found->value);
}

HeaderValue parse_header_value(std::string_view text) {
    HeaderValue parsed;
    parsed.type = to_lower(trim(take_section(text)));
    while (!text.empty()) {
        const std::string_view section = take_section(text);
        // The first `=` parts name and value; a boundary can hold further ones.
        const std::size_t equals = section.find('=');
        if (equals != std::string_view::npos) {
            parsed.parameters.push_back({.name = to_lower(trim(section.substr(0, equals))),
                                         .value = unquote(section.substr(equals + 1))});
        }
    }
    return parsed;
}

PartHeaders take_headers(std::string_view& part) {
    PartHeaders headers;
    while (!part.empty()) {
        std::string_view rest = part;
        if (trim(take_line(rest)).empty()) {
            part = rest;
            break;
        }
        auto field = take_field(part);
        if (!field) {
            break;
        }
        if (field->name == "content-type") {
            headers.content_type = std::move(field->value);
        } else if (field->name == "content-disposition") {
            headers.content_disposition = std::move(field->value);
        } else if (field->name == "content-transfer-encoding") {
            headers.transfer_encoding = to_lower(field->value);
        }
    }
    return headers;
}

std::string_view take_line(std::string_view& text) noexcept {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

bool is_media_type(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    return slash != std::string_view::npos && is_token(text.substr(0, slash)) &&
           is_token(text.substr(slash + 1));
}

}  // namespace siprec::body
