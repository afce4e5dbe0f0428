#include "tls/via_rewriter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace siprec::tls {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool equals(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Where the value of the first header of that name stands; folded lines belong to it.
std::optional<Span> find_header(std::string_view head,
                                std::string_view name,
                                std::string_view compact) {
    std::size_t at = head.find('\n');
    while (at != std::string_view::npos && at + 1 < head.size()) {
        const std::size_t line = at + 1;
        std::size_t end = head.find('\n', line);
        while (end != std::string_view::npos && end + 1 < head.size() &&
               (head[end + 1] == ' ' || head[end + 1] == '\t')) {
            end = head.find('\n', end + 1);
        }
        const std::size_t stop = end == std::string_view::npos ? head.size() : end;
        const std::size_t colon = head.substr(line, stop - line).find(':');
        if (colon != std::string_view::npos) {
            const std::string_view found = trim(head.substr(line, colon));
            if (equals(found, name) || equals(found, compact)) {
                return Span{.begin = line + colon + 1, .end = stop};
            }
        }
        at = end;
    }
    return std::nullopt;
}

/// Via: sent-protocol = name SLASH version SLASH transport (RFC 3261 25.1), with white space where
/// the grammar lets it stand.
struct Via {
    Span transport;
    Span sent_by;
    std::size_t end = 0;  // of the first entry
};

std::optional<Via> find_via(std::string_view head) {
    const auto value = find_header(head, "via", "v");
    if (!value) {
        return std::nullopt;
    }
    std::size_t slash = head.find('/', value->begin);
    slash = slash == std::string_view::npos ? slash : head.find('/', slash + 1);
    if (slash == std::string_view::npos || slash >= value->end) {
        return std::nullopt;
    }
    Via via;
    via.transport.begin = head.find_first_not_of(kSpace, slash + 1);
    if (via.transport.begin == std::string_view::npos || via.transport.begin >= value->end) {
        return std::nullopt;
    }
    via.transport.end = std::min(head.find_first_of(kSpace, via.transport.begin), value->end);
    via.sent_by.begin = std::min(head.find_first_not_of(kSpace, via.transport.end), value->end);
    via.end = std::min(head.find(',', via.sent_by.begin), value->end);
    via.sent_by.end = std::min(head.find_first_of(" \t\r\n;,", via.sent_by.begin), via.end);
    return via;
}

/// Replaces the value of a parameter of the Via, where it has one.
void set_parameter(std::string& head, std::string_view name, std::string_view value) {
    const auto via = find_via(head);
    if (!via) {
        return;
    }
    for (std::size_t at = head.find(';', via->sent_by.end); at < via->end;
         at = head.find(';', at + 1)) {
        const std::size_t end = std::min(head.find_first_of(";,\r\n", at + 1), via->end);
        const std::size_t equal = head.find('=', at);
        if (equal < end &&
            equals(trim(std::string_view(head).substr(at + 1, equal - at - 1)), name)) {
            head.replace(equal + 1, end - equal - 1, value);
            return;
        }
    }
}

}  // namespace

std::string with_transport(std::string head, std::string_view transport) {
    if (const auto via = find_via(head)) {
        head.replace(via->transport.begin, via->transport.end - via->transport.begin, transport);
    }
    return head;
}

std::string for_client(std::string head, const Endpoint& client, const Endpoint& ours) {
    const bool is_response = std::string_view(head).starts_with("SIP/");
    head = with_transport(std::move(head), "TLS");
    if (is_response) {
        set_parameter(head, "received", client.address.to_string());
        set_parameter(head, "rport", std::to_string(client.port));
    } else if (const auto via = find_via(head)) {
        head.replace(via->sent_by.begin, via->sent_by.end - via->sent_by.begin, ours.to_string());
    }
    return head;
}

bool StreamRewriter::take_head(std::string_view& bytes, std::string& out) {
    if (head_.empty()) {
        // Empty lines between messages are keep-alives (RFC 5626 3.5.1), no part of any.
        const std::size_t first = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
        out.append(bytes.substr(0, first));
        bytes.remove_prefix(first);
    }
    // The empty line may have come in two pieces.
    std::size_t at = head_.size() < 3 ? 0 : head_.size() - 3;
    const std::size_t before = head_.size();
    head_.append(bytes);
    for (at = head_.find('\n', at); at != std::string::npos; at = head_.find('\n', at + 1)) {
        std::size_t next = at + 1;
        if (next < head_.size() && head_[next] == '\r') {
            ++next;
        }
        if (next < head_.size() && head_[next] == '\n') {
            const std::size_t end = next + 1;
            bytes.remove_prefix(end - before);
            head_.resize(end);
            return true;
        }
    }
    bytes = {};
    return false;
}

std::size_t StreamRewriter::content_length(std::string_view head) {
    const auto value = find_header(head, "content-length", "l");
    std::size_t length = 0;
    if (value) {
        const std::string_view digits = trim(head.substr(value->begin, value->end - value->begin));
        static_cast<void>(std::from_chars(digits.data(), digits.data() + digits.size(), length));
    }
    return length;
}

}  // namespace siprec::tls
