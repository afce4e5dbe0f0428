#include "body/transfer_encoding.hpp"

#include "body/header.hpp"

#include <cstdint>

namespace siprec::body {

namespace {

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::string> decode_base64(std::string_view content) {
    std::string decoded;
    std::uint32_t bits = 0;
    unsigned count = 0;
    bool padded = false;
    for (const char c : content) {
        if (c == '\r' || c == '\n' || c == ' ' || c == '\t') {
            continue;
        }
        if (c == '=') {
            padded = true;
            continue;
        }
        const std::size_t digit = kBase64Digits.find(c);
        if (padded || digit == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count >= 8) {
            count -= 8;
            decoded += static_cast<char>((bits >> count) & 0xFFU);
        }
    }
    return decoded;
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

/// RFC 2045 6.7. A `=` that begins neither a byte nor a soft line break stands for itself.
std::string decode_quoted_printable(std::string_view content) {
    std::string decoded;
    while (!content.empty()) {
        if (content.front() != '=') {
            decoded += content.front();
            content.remove_prefix(1);
            continue;
        }
        std::string_view behind = content.substr(1);
        const int high = content.size() > 2 ? hex_digit(content[1]) : -1;
        const int low = content.size() > 2 ? hex_digit(content[2]) : -1;
        if (high >= 0 && low >= 0) {
            decoded += static_cast<char>(high * 16 + low);
            content.remove_prefix(3);
        } else if (trim(take_line(behind)).empty()) {
            content = behind;
        } else {
            decoded += '=';
            content.remove_prefix(1);
        }
    }
    return decoded;
}

}  // namespace

std::optional<std::string> undo_transfer_encoding(std::string_view encoding,
                                                  std::string_view content) {
    if (encoding == "base64") {
        return decode_base64(content);
    }
    if (encoding == "quoted-printable") {
        return decode_quoted_printable(content);
    }
    return std::nullopt;
}

}  // namespace siprec::body
