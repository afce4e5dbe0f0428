#include "archive/call_facts.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace siprec::server {
namespace {

std::string lower(std::string_view text) {
    std::string folded(text);
    std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return folded;
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

}  // namespace siprec::server
