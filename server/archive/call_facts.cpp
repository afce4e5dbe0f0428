#include "archive/call_facts.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace siprec::server {
namespace {

std::string lower(std::string_view text) {
    std::string folded(text);
    std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return folded;
}

bool is_any_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        const bool is_escape =
            text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
                text.data() + i + 3;
        decoded.push_back(is_escape ? static_cast<char>(value) : text[i]);
        i += is_escape ? 2 : 0;
    }
    return decoded;
}

std::string_view without_scheme(std::string_view uri) {
    for (const std::string_view scheme : {"sip:", "sips:", "tel:"}) {
        if (lower(uri.substr(0, scheme.size())) == scheme) {
            return uri.substr(scheme.size());
        }
    }
    return uri;
}

/// What an element says about the direction: an element for it, or one whose very name is the
/// answer.
std::optional<std::string> direction_in(std::string_view name, std::string_view text) {
    const std::string key = lower(name);
    if (key == "origcall" || key == "termcall") {
        return key == "origcall" ? "outbound" : "inbound";
    }
    if (!is_any_of(key, {"direction", "calldirection", "call-direction", "calltype"})) {
        return std::nullopt;
    }
    const std::string word = lower(text);
    if (is_any_of(word, {"inbound", "incoming", "in", "terminating", "terminated", "termcall"})) {
        return "inbound";
    }
    if (is_any_of(word, {"outbound", "outgoing", "out", "originating", "originated", "origcall"})) {
        return "outbound";
    }
    return std::nullopt;
}

// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth (ParseLimits::max_depth).
std::optional<std::string> direction_in(const std::vector<metadata::XmlElement>& elements) {
    for (const metadata::XmlElement& element : elements) {
        if (auto found = direction_in(element.name, element.text)) {
            return found;
        }
        for (const auto& [name, value] : element.attributes) {
            if (auto found = direction_in(name, value)) {
                return found;
            }
        }
        if (auto found = direction_in(element.children)) {
            return found;
        }
    }
    return std::nullopt;
}

template <typename Elements>
std::optional<std::string> direction_in_each(const Elements& elements) {
    for (const auto& element : elements) {
        if (auto found = direction_in(element.extensions)) {
            return found;
        }
    }
    return std::nullopt;
}

}  // namespace

std::string normalised_number(std::string_view aor) {
    if (const auto open = aor.find('<'); open != std::string_view::npos) {
        aor = aor.substr(open + 1);
        aor = aor.substr(0, aor.find('>'));
    }
    std::string_view user = without_scheme(aor);
    user = user.substr(0, user.find('@'));
    user = user.substr(0, user.find_first_of(";?"));
    std::string number = percent_decoded(user);
    const bool is_number = !number.empty() && std::all_of(number.begin(), number.end(), [](char c) {
        return std::string_view("0123456789+*#-.() ").find(c) != std::string_view::npos;
    });
    if (is_number) {
        std::erase_if(number, [](char c) {
            return std::string_view("-.() ").find(c) != std::string_view::npos;
        });
    }
    return number;
}

std::string call_direction(const metadata::Document& document) {
    if (auto found = direction_in_each(document.sessions)) {
        return *found;
    }
    if (auto found = direction_in(document.extensions)) {
        return *found;
    }
    if (auto found = direction_in_each(document.groups)) {
        return *found;
    }
    return direction_in_each(document.participants).value_or("unknown");
}

}  // namespace siprec::server
