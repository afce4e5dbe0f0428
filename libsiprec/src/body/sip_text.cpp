#include "body/header.hpp"

#include <siprec/sip_text.hpp>

#include <algorithm>
#include <charconv>

namespace siprec {

namespace {

constexpr std::string_view kVersion = "SIP/2.0";

/// `METHOD uri SIP/2.0` or `SIP/2.0 200 OK`.
bool read_start_line(std::string_view line, SipText& message) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos) {
        return false;
    }
    if (line.starts_with("SIP/2.0 ")) {
        const std::string_view rest = body::trim(line.substr(first));
        const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), message.status);
        message.phrase = body::trim(rest.substr(std::min(rest.find(' '), rest.size())));
        return parsed.ec == std::errc() && message.status >= 100 && message.status < 700;
    }
    if (!body::trim(line).ends_with(kVersion) || first == last) {
        return false;
    }
    message.method = line.substr(0, first);
    message.request_uri = body::trim(line.substr(first, last - first));
    return true;
}

void read_header_line(std::string_view line, SipText& message) {
    if (line.front() == ' ' || line.front() == '\t') {
        if (!message.headers.empty()) {
            message.headers.back().second.append(" ").append(body::trim(line));
        }
        return;
    }
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
        message.headers.emplace_back(body::trim(line.substr(0, colon)),
                                     body::trim(line.substr(colon + 1)));
    }
}

bool is_named(std::string_view name, std::string_view full, std::string_view compact) {
    const std::string folded = body::to_lower(name);
    return folded == body::to_lower(full) ||
           (!compact.empty() && folded == body::to_lower(compact));
}

}  // namespace

std::string_view SipText::header(std::string_view name, std::string_view compact) const noexcept {
    for (const auto& [written, value] : headers) {
        if (is_named(written, name, compact)) {
            return value;
        }
    }
    return {};
}

std::vector<std::string_view> SipText::all_headers(std::string_view name,
                                                   std::string_view compact) const {
    std::vector<std::string_view> values;
    for (const auto& [written, value] : headers) {
        if (is_named(written, name, compact)) {
            values.emplace_back(value);
        }
    }
    return values;
}

std::optional<SipText> read_sip_text(std::string_view bytes) {
    while (bytes.starts_with('\r') || bytes.starts_with('\n')) {
        bytes.remove_prefix(1);  // RFC 3261 7.5
    }
    SipText message;
    if (!read_start_line(body::take_line(bytes), message)) {
        return std::nullopt;
    }
    while (!bytes.empty()) {
        const std::string_view line = body::take_line(bytes);
        if (line.empty()) {
            break;
        }
        read_header_line(line, message);
    }
    message.body = bytes;
    return message;
}

}  // namespace siprec
