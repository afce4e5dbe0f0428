// Keys never reach a log or a capture: they are overwritten where they stand.
#include "sdp/text.hpp"

#include <siprec/sdp.hpp>

#include <algorithm>
#include <optional>

namespace siprec::sdp {

namespace {

constexpr std::string_view kInline = "inline:";

std::size_t find_inline(std::string_view line, std::size_t from) {
    for (std::size_t i = from; i + kInline.size() <= line.size(); ++i) {
        if (equals_ignoring_case(line.substr(i, kInline.size()), kInline)) {
            return i;
        }
    }
    return std::string_view::npos;
}

void blank(std::string& text, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
        if (text[i] != ' ' && text[i] != '\t') {
            text[i] = '*';
        }
    }
}

/// `a=crypto:<tag> <suite> inline:<key>[|<lifetime>][|<mki>][;inline:...] [<parameter> ...]`
/// (RFC 4568 9.1); a session parameter (FEC_KEY) can hold a key too. Lifetime and MKI stay.
void blank_crypto(std::string& text, std::size_t start, std::size_t end) {
    std::size_t method = find_inline(std::string_view(text).substr(0, end), start);
    if (method == std::string_view::npos) {
        std::string_view rest = std::string_view(text).substr(start, end - start);
        static_cast<void>(take_word(rest));
        static_cast<void>(take_word(rest));
        blank(text, end - rest.size(), end);
        return;
    }
    while (method != std::string_view::npos) {
        std::size_t key = method + kInline.size();
        key = std::min(text.find_first_not_of(" \t", key), end);
        const std::size_t key_end = std::min(text.find_first_of("|; \t", key), end);
        blank(text, key, key_end);
        method = find_inline(std::string_view(text).substr(0, end), key_end);
    }
}

/// `line` without `name` in front, when it begins with that (in any case) and blanks.
std::optional<std::string_view> behind(std::string_view line, std::string_view name) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (!equals_ignoring_case(line.substr(0, name.size()), name)) {
        return std::nullopt;
    }
    return line.substr(name.size());
}

void blank_line(std::string& text, std::size_t start, std::size_t end) {
    const std::string_view line = std::string_view(text).substr(start, end - start);
    if (const auto key = behind(line, "k=")) {
        blank(text, end - key->size(), end);
        return;
    }
    const auto attribute = behind(line, "a=");
    if (!attribute) {
        return;
    }
    if (const auto crypto = behind(*attribute, "crypto")) {
        blank_crypto(text, end - crypto->size(), end);
    } else if (const auto management = behind(*attribute, "key-mgmt:")) {
        blank(text, end - management->size(), end);
    }
}

}  // namespace

std::string blank_keys(std::string_view text) {
    std::string blanked(text);
    for (std::size_t start = 0; start < blanked.size();) {
        const std::size_t end = find_line_end(blanked, start);
        blank_line(blanked, start, end);
        start = end + 1;
    }
    return blanked;
}

}  // namespace siprec::sdp
