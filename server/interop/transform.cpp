#include "interop/transform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace siprec::server {
namespace {

using Values = std::vector<std::string>;

bool is_hex(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isxdigit(c) != 0;
    });
}

template <typename Fold>
std::string folded(std::string text, Fold fold) {
    std::transform(text.begin(), text.end(), text.begin(), [&](unsigned char c) {
        return static_cast<char>(fold(c));
    });
    return text;
}

std::string lower_of(std::string text) {
    return folded(std::move(text), [](int c) { return std::tolower(c); });
}

std::string upper_of(std::string text) {
    return folded(std::move(text), [](int c) { return std::toupper(c); });
}

std::string trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    return first == std::string_view::npos
               ? std::string()
               : std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

Values trim(const std::string& value) {
    return {trimmed(value)};
}

Values unquote(const std::string& value) {
    const std::string text = trimmed(value);
    const bool is_quoted = text.size() > 1 && (text.front() == '"' || text.front() == '\'') &&
                           text.back() == text.front();
    return {is_quoted ? text.substr(1, text.size() - 2) : text};
}

Values unbrace(const std::string& value) {
    std::string text = trimmed(value);
    std::erase_if(text, [](char c) { return c == '{' || c == '}'; });
    return {text};
}

Values strip_parameters(const std::string& value) {
    return {trimmed(value.substr(0, value.find(';')))};
}

/// What stands between angle brackets, else the text before a header parameter.
std::string uri_of(const std::string& value) {
    const auto open = value.find('<');
    if (open == std::string::npos) {
        return trimmed(value);
    }
    const auto close = value.find('>', open);
    return trimmed(std::string_view(value).substr(
        open + 1, close == std::string::npos ? close : close - open - 1));
}

/// A URI without scheme, parameters and headers: "user@host".
std::string address_of(const std::string& value) {
    std::string uri = uri_of(value);
    for (const std::string_view scheme : {"sip:", "sips:", "tel:"}) {
        if (lower_of(uri.substr(0, scheme.size())) == scheme) {
            uri.erase(0, scheme.size());
            break;
        }
    }
    return trimmed(std::string_view(uri).substr(0, uri.find_first_of(";?>")));
}

Values uri(const std::string& value) {
    return {uri_of(value)};
}

Values uri_user(const std::string& value) {
    const std::string address = address_of(value);
    const auto at = address.find('@');
    const bool is_host_only = at == std::string::npos && lower_of(uri_of(value)).starts_with("sip");
    return {is_host_only ? std::string() : address.substr(0, at)};
}

Values uri_host(const std::string& value) {
    const std::string address = address_of(value);
    const auto at = address.rfind('@');
    const std::string host = at == std::string::npos ? address : address.substr(at + 1);
    const bool is_v6 = host.starts_with('[');
    return {is_v6 ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'))};
}

/// A telephone number without visual separators (RFC 3966 5.1.1); the user of anything else.
Values number(const std::string& value) {
    std::string user = uri_user(value).front();
    if (user.find_first_not_of("0123456789+*#-.() ") == std::string::npos) {
        std::erase_if(user, [](char c) {
            return std::string_view("-.() ").find(c) != std::string_view::npos;
        });
    }
    return {user};
}

Values hex_to_text(const std::string& value) {
    if (!is_hex(value) || value.size() % 2 != 0) {
        return {value};
    }
    std::string text;
    for (std::size_t i = 0; i < value.size(); i += 2) {
        unsigned code = 0;
        std::from_chars(value.data() + i, value.data() + i + 2, code, 16);
        if (code < 0x20 || code > 0x7E) {
            return {value};  // was no text
        }
        text += static_cast<char>(code);
    }
    return {text};
}

/// Eight octets in hex as Avaya's applications print them: node, sequence, time in decimal.
std::optional<std::string> ucid_digits(std::string_view hex) {
    if (hex.size() != 16 || !is_hex(hex)) {
        return std::nullopt;
    }
    const auto part = [&](std::size_t at, std::size_t length) {
        std::uint32_t value = 0;
        std::from_chars(hex.data() + at, hex.data() + at + length, value, 16);
        return value;
    };
    return fmt::format("{:05}{:05}{:010}", part(0, 4), part(4, 4), part(8, 8));
}

/// The eight octets behind `FA08` (UCID, its length) in a UUI, with the protocol discriminator that
/// may stand before it; or the text, when it is nothing but eight octets.
std::optional<std::string> ucid_octets(const std::string& text) {
    constexpr std::string_view kTag = "FA08";
    const std::string hex = upper_of(text);
    if (hex.size() == 16 && is_hex(hex)) {
        return hex;
    }
    for (const std::size_t at : {std::size_t{0}, std::size_t{2}}) {
        if (is_hex(hex) && hex.size() >= at + kTag.size() + 16 &&
            std::string_view(hex).substr(at, kTag.size()) == kTag) {
            return hex.substr(at + kTag.size(), 16);
        }
    }
    return std::nullopt;
}

/// A UCID in each form in which somebody may look for it: as sent, the bare octets, decimal.
Values ucid(const std::string& value) {
    const std::string text = strip_parameters(unquote(value).front()).front();
    Values values;
    const auto octets = ucid_octets(text);
    // A whole User-to-User header carries more than the UCID; as sent it would identify nothing.
    constexpr std::size_t kUcidElement = 22;
    if (!octets || text.size() <= kUcidElement) {
        values.push_back(text);
    }
    if (octets) {
        values.push_back(*octets);
        values.push_back(ucid_digits(*octets).value_or(""));
    }
    return values;
}

/// Only the UCID of a User-to-User header, when it has one.
Values ucid_in_uui(const std::string& value) {
    const std::string text = strip_parameters(unquote(value).front()).front();
    const auto octets = text.size() > 16 ? ucid_octets(text) : std::nullopt;
    return octets ? ucid(*octets) : Values{};
}

/// A Cisco GUID in decimal words, with braces or dashes or without, and its plain hex digits.
Values guid(const std::string& value) {
    const std::string text = unbrace(value).front();
    Values values{text};
    std::string hex;
    std::size_t words = 0;
    for (std::string_view rest = text; !rest.empty(); ++words) {
        const std::string_view word = rest.substr(0, rest.find('-'));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        std::uint32_t part = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), part);
        if (word.size() != 10 || error != std::errc() || end != word.data() + word.size()) {
            return values;
        }
        hex += fmt::format("{:08X}", part);
    }
    if (words == 4) {
        values.push_back(hex);
    }
    return values;
}

/// "inbound" or "outbound", seen from the recorded party; nothing for any other word.
Values direction(const std::string& value) {
    static constexpr std::array<std::string_view, 10> kIn{"inbound",
                                                          "incoming",
                                                          "in",
                                                          "ingress",
                                                          "terminating",
                                                          "terminated",
                                                          "termination",
                                                          "termcall",
                                                          "received",
                                                          "mt"};
    static constexpr std::array<std::string_view, 10> kOut{"outbound",
                                                           "outgoing",
                                                           "out",
                                                           "egress",
                                                           "originating",
                                                           "originated",
                                                           "origination",
                                                           "origcall",
                                                           "placed",
                                                           "mo"};
    const std::string word = lower_of(unquote(value).front());
    if (std::find(kIn.begin(), kIn.end(), word) != kIn.end()) {
        return {"inbound"};
    }
    return std::find(kOut.begin(), kOut.end(), word) != kOut.end() ? Values{"outbound"} : Values{};
}

Values lower(const std::string& value) {
    return {lower_of(value)};
}

Values upper(const std::string& value) {
    return {upper_of(value)};
}

constexpr std::array<std::pair<std::string_view, Transform>, 15> kTransforms{
    {{"trim", trim},
     {"unquote", unquote},
     {"unbrace", unbrace},
     {"strip_parameters", strip_parameters},
     {"uri", uri},
     {"uri_user", uri_user},
     {"uri_host", uri_host},
     {"number", number},
     {"hex_to_text", hex_to_text},
     {"ucid", ucid},
     {"ucid_in_uui", ucid_in_uui},
     {"guid", guid},
     {"direction", direction},
     {"lower", lower},
     {"upper", upper}}};

}  // namespace

Transform find_transform(std::string_view name) {
    const auto* const found = std::find_if(
        kTransforms.begin(), kTransforms.end(), [&](const auto& one) { return one.first == name; });
    return found == kTransforms.end() ? nullptr : found->second;
}

std::string transform_names() {
    std::string names;
    for (const auto& [name, transform] : kTransforms) {
        names += (names.empty() ? "" : ", ") + std::string(name);
    }
    return names;
}

}  // namespace siprec::server
