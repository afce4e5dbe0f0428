#include "message.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>

namespace srcsim {

using siprec::Error;
using siprec::ErrorCode;

namespace {

constexpr std::size_t kMaxHeaderBytes = 64UL * 1024;
constexpr std::size_t kMaxBodyBytes = 4UL * 1024 * 1024;

struct CompactName {
    char letter;
    std::string_view name;
};

// RFC 3261 7.3.3
constexpr std::array<CompactName, 10> kCompactNames{{{'c', "Content-Type"},
                                                     {'e', "Content-Encoding"},
                                                     {'f', "From"},
                                                     {'i', "Call-ID"},
                                                     {'k', "Supported"},
                                                     {'l', "Content-Length"},
                                                     {'m', "Contact"},
                                                     {'s', "Subject"},
                                                     {'t', "To"},
                                                     {'v', "Via"}}};

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::string_view full_name(std::string_view name) {
    if (name.size() != 1) {
        return name;
    }
    const char letter = lower(name[0]);
    const auto* const found = std::find_if(kCompactNames.begin(),
                                           kCompactNames.end(),
                                           [&](const auto& c) { return c.letter == letter; });
    return found == kCompactNames.end() ? name : found->name;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

// Takes one line off the front of `text`, without its line end.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

Result<void> parse_start_line(std::string_view line, Message& message) {
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (line.starts_with("SIP/2.0 ")) {
        const auto status = parse_number<int>(line.substr(first + 1, second - first - 1));
        if (!status || *status < 100 || *status > 699) {
            return Error{ErrorCode::Malformed, "status line without a status"};
        }
        message.status = *status;
        if (second != std::string_view::npos) {
            message.reason = line.substr(second + 1);
        }
        return {};
    }
    if (first == 0 || second == std::string_view::npos || line.substr(second + 1) != "SIP/2.0") {
        return Error{ErrorCode::Malformed, "not a SIP start line"};
    }
    message.method = line.substr(0, first);
    message.uri = line.substr(first + 1, second - first - 1);
    return {};
}

Result<void> parse_headers(std::string_view& text, Message& message) {
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (line.empty()) {
            return {};
        }
        if ((line[0] == ' ' || line[0] == '\t') && !message.headers.empty()) {
            message.headers.back().value.append(" ").append(trimmed(line));
            continue;
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            return Error{ErrorCode::Malformed, "header line without a colon"};
        }
        message.add(full_name(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
    }
    return {};
}

// Where a top-level `wanted` stands: outside quotes and angle brackets.
std::size_t find_outside(std::string_view text, char wanted) {
    bool quoted = false;
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == wanted && depth == 0) {
            return i;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '<') {
            ++depth;
        } else if (c == '>' && depth > 0) {
            --depth;
        }
    }
    return std::string_view::npos;
}

std::string unquoted(std::string_view text) {
    text = trimmed(text);
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
        return std::string{text};
    }
    std::string out;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '\\' && i + 2 < text.size()) {
            ++i;
        }
        out += text[i];
    }
    return out;
}

void parse_params(std::string_view text, NameAddr& out) {
    while (!text.empty()) {
        const std::size_t end = find_outside(text, ';');
        const std::string_view param = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (param.empty()) {
            continue;
        }
        const std::size_t equals = param.find('=');
        out.params.emplace_back(
            trimmed(param.substr(0, equals)),
            equals == std::string_view::npos ? std::string{} : unquoted(param.substr(equals + 1)));
    }
}

std::optional<std::size_t> content_length(const Message& message) {
    const std::string_view value = message.value("Content-Length");
    return value.empty() ? std::nullopt : parse_number<std::size_t>(value);
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return lower(x) == lower(y);
    });
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view Message::value(std::string_view name) const noexcept {
    for (const Header& header : headers) {
        if (equals_ignoring_case(header.name, name)) {
            return header.value;
        }
    }
    return {};
}

std::vector<std::string_view> Message::values(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const Header& header : headers) {
        if (equals_ignoring_case(header.name, name)) {
            found.emplace_back(header.value);
        }
    }
    return found;
}

void Message::add(std::string_view name, std::string_view value) {
    headers.push_back({std::string{name}, std::string{value}});
}

std::string Message::to_text() const {
    std::string text = is_request() ? method + " " + uri + " SIP/2.0\r\n"
                                    : "SIP/2.0 " + std::to_string(status) + " " + reason + "\r\n";
    for (const Header& header : headers) {
        text.append(header.name).append(": ").append(header.value).append("\r\n");
    }
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    return text.append(body);
}

Result<Message> parse_message(std::string_view text) {
    Message message;
    auto parsed = parse_start_line(take_line(text), message);
    if (parsed) {
        parsed = parse_headers(text, message);
    }
    if (!parsed) {
        return parsed.error();
    }
    message.body = text.substr(0, content_length(message).value_or(text.size()));
    return message;
}

std::optional<CSeq> parse_cseq(std::string_view value) {
    const std::size_t blank = value.find_first_of(" \t");
    if (blank == std::string_view::npos) {
        return std::nullopt;
    }
    const auto number = parse_number<std::uint32_t>(value.substr(0, blank));
    if (!number) {
        return std::nullopt;
    }
    return CSeq{*number, std::string{trimmed(value.substr(blank))}};
}

const std::string* NameAddr::param(std::string_view name) const noexcept {
    for (const auto& [key, value] : params) {
        if (equals_ignoring_case(key, name)) {
            return &value;
        }
    }
    return nullptr;
}

std::vector<std::string_view> split_list(std::string_view value) {
    std::vector<std::string_view> entries;
    while (!value.empty()) {
        const std::size_t comma = find_outside(value, ',');
        entries.push_back(trimmed(value.substr(0, comma)));
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    }
    return entries;
}

std::optional<NameAddr> parse_name_addr(std::string_view value) {
    value = trimmed(value.substr(0, find_outside(value, ',')));
    NameAddr out;
    const std::size_t open = find_outside(value, '<');
    if (open == std::string_view::npos) {
        // RFC 3261 20.10: without brackets every parameter is the header's, none the URI's.
        const std::size_t semicolon = value.find(';');
        out.uri = trimmed(value.substr(0, semicolon));
        if (semicolon != std::string_view::npos) {
            parse_params(value.substr(semicolon + 1), out);
        }
    } else {
        const std::size_t close = value.find('>', open);
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        out.display = unquoted(value.substr(0, open));
        out.uri = trimmed(value.substr(open + 1, close - open - 1));
        parse_params(value.substr(close + 1), out);
    }
    return out.uri.empty() ? std::nullopt : std::optional{out};
}

std::optional<SipUri> parse_sip_uri(std::string_view text) {
    SipUri uri;
    const std::size_t colon = text.find(':');
    uri.scheme = text.substr(0, colon);
    std::transform(uri.scheme.begin(), uri.scheme.end(), uri.scheme.begin(), lower);
    if (colon == std::string_view::npos || (uri.scheme != "sip" && uri.scheme != "sips")) {
        return std::nullopt;
    }
    text.remove_prefix(colon + 1);
    if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
        uri.user = text.substr(0, at);
        text.remove_prefix(at + 1);
    }
    const std::size_t end = text.find_first_of(";?");
    const std::string_view params = end == std::string_view::npos ? "" : text.substr(end);
    std::string_view host = text.substr(0, end);
    std::string_view port;
    if (host.starts_with('[')) {
        const std::size_t close = host.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        port = host.substr(close + 1);
        host = host.substr(1, close - 1);
    } else if (const std::size_t at = host.find(':'); at != std::string_view::npos) {
        port = host.substr(at);
        host = host.substr(0, at);
    }
    uri.host = host;
    if (!port.empty()) {
        uri.port = parse_number<std::uint16_t>(port.substr(1));
    }
    if (uri.host.empty() || (!port.empty() && (port[0] != ':' || !uri.port))) {
        return std::nullopt;
    }
    NameAddr holder;
    parse_params(params.substr(0, params.find('?')), holder);
    if (const std::string* transport = holder.param("transport")) {
        uri.transport = *transport;
        std::transform(uri.transport.begin(), uri.transport.end(), uri.transport.begin(), lower);
    }
    return uri;
}

std::string uri_host(const siprec::IpAddress& address) {
    return address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
}

Result<std::optional<Message>> StreamFramer::next() {
    // RFC 3261 7.5: line ends before a start line are ignored; RFC 5626 keep-alives are such.
    buffer_.erase(0, std::min(buffer_.find_first_not_of("\r\n"), buffer_.size()));
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (buffer_.size() > kMaxHeaderBytes) {
            return Error{ErrorCode::LimitExceeded, "header section over 64 KiB"};
        }
        return std::optional<Message>{};
    }
    const std::size_t body_start = end + 4;
    auto head = parse_message(std::string_view{buffer_}.substr(0, body_start));
    if (!head) {
        return std::move(head).error();
    }
    const std::size_t length = content_length(*head).value_or(0);
    if (length > kMaxBodyBytes) {
        return Error{ErrorCode::LimitExceeded, "body over 4 MiB"};
    }
    if (buffer_.size() - body_start < length) {
        return std::optional<Message>{};
    }
    head->body = buffer_.substr(body_start, length);
    buffer_.erase(0, body_start + length);
    return std::optional<Message>{std::move(*head)};
}

}  // namespace srcsim
