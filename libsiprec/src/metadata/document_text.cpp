#include "metadata/document_text.hpp"

#include "metadata/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace siprec::metadata {

namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf16BigMark = "\xFE\xFF";
constexpr std::string_view kUtf16LittleMark = "\xFF\xFE";

/// What `encoding="..."` of the XML declaration says; empty: nothing.
std::string_view declared_encoding(std::string_view bytes) {
    if (!bytes.starts_with("<?xml")) {
        return {};
    }
    const std::string_view declaration = bytes.substr(0, bytes.substr(0, 256).find("?>"));
    const std::size_t name = declaration.find("encoding");
    if (declaration.size() == bytes.size() || name == std::string_view::npos) {
        return {};
    }
    const std::size_t open = declaration.find_first_of("\"'", name);
    if (open == std::string_view::npos) {
        return {};
    }
    const std::size_t close = declaration.find(declaration[open], open + 1);
    return close == std::string_view::npos ? std::string_view{}
                                           : declaration.substr(open + 1, close - open - 1);
}

bool is_utf8_name(std::string_view encoding) {
    return encoding.empty() || equals_ignoring_case(encoding, "utf-8") ||
           equals_ignoring_case(encoding, "utf8") || equals_ignoring_case(encoding, "us-ascii") ||
           equals_ignoring_case(encoding, "ascii");
}

/// The byte-order mark, or the zero bytes that "<" has in UTF-16 without one (XML 1.0 F.1).
std::string_view utf16_by_first_bytes(std::string_view bytes) {
    using namespace std::string_view_literals;
    if (bytes.starts_with(kUtf16BigMark) || bytes.starts_with("\0<"sv)) {
        return "UTF-16BE";
    }
    if (bytes.starts_with(kUtf16LittleMark) || bytes.starts_with("<\0"sv)) {
        return "UTF-16LE";
    }
    return {};
}

void append_code_point(std::string& text, char32_t code) {
    const auto trail = [&](int shift) {
        text += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
    };
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | (code >> 6));
        trail(0);
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0 | (code >> 12));
        trail(6);
        trail(0);
    } else {
        text += static_cast<char>(0xF0 | (code >> 18));
        trail(12);
        trail(6);
        trail(0);
    }
}

/// What windows-1252 has in the place of ISO 8859-1's control characters, which no text holds: who
/// says one of them often means the other.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

std::string latin1_to_utf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size() + bytes.size() / 8);
    for (const char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        const bool differs = byte >= 0x80 && byte < 0x80 + kWindows1252.size();
        append_code_point(text, differs ? char32_t{kWindows1252.at(byte - 0x80U)} : byte);
    }
    return text;
}

std::string utf16_to_utf8(std::string_view bytes, bool is_big_endian) {
    const std::size_t units = bytes.size() / 2;
    const auto unit = [&](std::size_t i) -> char32_t {
        const char32_t first = static_cast<std::uint8_t>(bytes[2 * i]);
        const char32_t second = static_cast<std::uint8_t>(bytes[2 * i + 1]);
        return is_big_endian ? (first << 8U | second) : (second << 8U | first);
    };
    std::string text;
    text.reserve(units + units / 4);
    for (std::size_t i = 0; i < units; ++i) {
        char32_t code = unit(i);
        if (code >= 0xD800 && code <= 0xDFFF) {
            const char32_t low = i + 1 < units ? unit(i + 1) : 0;
            const bool is_pair = code <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF;
            code = is_pair ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
            i += is_pair ? 1 : 0;
        }
        append_code_point(text, code);
    }
    return text;
}

/// The encodings seen in the field. Xerces could read hundreds by ICU, but its transcoder of whole
/// strings writes behind its own buffer (3.2.4, more than 2048 characters).
std::optional<std::string> transcode_to_utf8(std::string_view bytes, std::string_view encoding) {
    const auto is = [&](std::string_view name) { return equals_ignoring_case(encoding, name); };
    if (is("utf-16") || is("utf-16be")) {
        return utf16_to_utf8(bytes, true);  // RFC 2781 4.3: big-endian without a mark
    }
    if (is("utf-16le")) {
        return utf16_to_utf8(bytes, false);
    }
    if (is("iso-8859-1") || is("latin1") || is("windows-1252") || is("cp1252")) {
        return latin1_to_utf8(bytes);
    }
    return std::nullopt;
}

bool names_utf16(std::string_view encoding) {
    return equals_ignoring_case(encoding.substr(0, 6), "utf-16");
}

/// Two characters of a document in an encoding of bytes: no letter is half of a UTF-16 unit.
bool starts_with_markup(std::string_view bytes) {
    const std::string_view text = trimmed(bytes);
    return text.size() > 1 && text[0] == '<' && text[1] != '\0';
}

/// Length of the UTF-8 sequence that starts with `lead`; 0: none can.
std::size_t sequence_length(std::uint8_t lead) {
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return 2;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        return 3;
    }
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

bool is_sequence(std::string_view sequence) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(sequence[i]); };
    for (std::size_t i = 1; i < sequence.size(); ++i) {
        if ((at(i) & 0xC0) != 0x80) {
            return false;
        }
    }
    // RFC 3629 4: no overlong form, no surrogate, nothing beyond U+10FFFF.
    switch (at(0)) {
        case 0xE0:
            return at(1) >= 0xA0;
        case 0xED:
            return at(1) < 0xA0;
        case 0xF0:
            return at(1) >= 0x90;
        case 0xF4:
            return at(1) < 0x90;
        default:
            return true;
    }
}

void skip_to_first_markup(DocumentText& text, Findings& findings) {
    if (text.utf8.starts_with(kUtf8Mark)) {
        text.utf8.remove_prefix(kUtf8Mark.size());
        findings.add("byte-order-mark", "the document starts with a byte-order mark");
    }
    const std::size_t first = text.utf8.find_first_not_of(kWhiteSpace);
    if (first != 0 && first != std::string_view::npos) {
        text.utf8.remove_prefix(first);
        findings.add("leading-white-space", "white space in front of the document");
    }
}

/// One start tag, whose '<' is at the front of `rest`.
/// @return its length; attributes are counted by their equals signs outside quotes
std::size_t scan_tag(std::string_view rest, std::size_t& attributes) {
    char quote = '\0';
    for (std::size_t i = 1; i < rest.size(); ++i) {
        const char c = rest[i];
        if (c == '<') {
            return i;  // not well-formed, in a value or out of it: the parser stops here
        }
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '=') {
            ++attributes;
        } else if (c == '>') {
            return i + 1;
        }
    }
    return rest.size();
}

/// Position behind `end`, or the end of the text.
std::size_t behind(std::string_view text, std::string_view end, std::size_t from) {
    const std::size_t found = text.find(end, from);
    return found == std::string_view::npos ? text.size() : found + end.size();
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
        const auto lead = static_cast<std::uint8_t>(bytes[i]);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = sequence_length(lead);
        if (length == 0 || bytes.size() - i < length || !is_sequence(bytes.substr(i, length))) {
            return false;
        }
        i += length;
    }
    return true;
}

Result<void> decode_document(DocumentText& text,
                             std::string_view bytes,
                             std::string_view charset,
                             Findings& findings) {
    const std::string_view utf16 = utf16_by_first_bytes(bytes);
    std::string_view encoding = charset;
    if (encoding.empty()) {
        encoding = utf16.empty() ? declared_encoding(trimmed(bytes)) : utf16;
    } else if (!utf16.empty() &&
               (equals_ignoring_case(encoding, "utf-16") || is_utf8_name(encoding))) {
        encoding = utf16;
    }
    if (utf16.empty() && names_utf16(encoding) && starts_with_markup(bytes)) {
        findings.add("charset", fmt::format("the document is not in '{}'", encoding));
        encoding = {};
    }
    if (!is_utf8_name(encoding)) {
        if (auto utf8 = transcode_to_utf8(bytes, encoding)) {
            text.storage = std::move(*utf8);
            text.utf8 = text.storage;
        } else {
            findings.add("charset", fmt::format("the document is not in '{}'", encoding));
        }
    }
    if (text.storage.empty()) {
        text.utf8 = bytes;
        if (!is_utf8(bytes)) {
            findings.add("encoding", "the document is not UTF-8, read as ISO 8859-1");
            text.storage = latin1_to_utf8(bytes);
            text.utf8 = text.storage;
        }
    }
    skip_to_first_markup(text, findings);
    if (trimmed(text.utf8).empty()) {
        return Error(ErrorCode::Malformed, "empty metadata document");
    }
    return {};
}

Result<void> check_markup(std::string_view utf8, const ParseLimits& limits) {
    std::size_t i = utf8.find('<');
    while (i != std::string_view::npos && i < utf8.size()) {
        const std::string_view rest = utf8.substr(i);
        if (rest.starts_with("<!--")) {
            i = behind(utf8, "-->", i + 4);
        } else if (rest.starts_with("<![CDATA[")) {
            i = behind(utf8, "]]>", i);
        } else if (rest.starts_with("<?")) {
            i = behind(utf8, "?>", i);
        } else if (equals_ignoring_case(rest.substr(0, 9), "<!DOCTYPE") ||
                   equals_ignoring_case(rest.substr(0, 8), "<!ENTITY")) {
            return Error(ErrorCode::Malformed, "metadata with a document type declaration").at(i);
        } else {
            std::size_t attributes = 0;
            i += scan_tag(rest, attributes);
            if (attributes > limits.max_attributes_per_element) {
                return Error(ErrorCode::LimitExceeded,
                             fmt::format("a metadata element with more than {} attributes",
                                         limits.max_attributes_per_element))
                    .at(i);
            }
        }
        i = utf8.find('<', i);
    }
    return {};
}

}  // namespace siprec::metadata
