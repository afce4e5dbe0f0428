#include "config/sinks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace siprec::server {

namespace {

Error wrong(std::string message) {
    return {ErrorCode::InvalidArgument, std::move(message)};
}

Result<void> read_kind(const std::string& text, SinkConfig::Kind& kind) {
    if (text == "websocket") {
        kind = SinkConfig::Kind::WebSocket;
    } else if (text == "rtp-forward") {
        kind = SinkConfig::Kind::RtpForward;
    } else {
        return wrong(fmt::format("'{}' is neither websocket nor rtp-forward", text));
    }
    return {};
}

Result<void> read_source(const std::string& text, std::vector<Subnet>& sources) {
    const auto subnet = Subnet::parse(text);
    if (!subnet) {
        return wrong(fmt::format("'{}' is not an address, or a block such as 192.0.2.0/24", text));
    }
    sources.push_back(*subnet);
    return {};
}

/// `Name: value`. The value is not repeated in messages: it may be a secret.
Result<void> read_header(const std::string& text, WebSocketConfig& websocket) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) {
        return wrong("wants headers such as \"Authorization: Bearer TOKEN\"");
    }
    const std::size_t value = std::min(text.find_first_not_of(' ', colon + 1), text.size());
    websocket.headers.emplace_back(text.substr(0, colon), text.substr(value));
    return {};
}

void read_websocket(TomlTable& table, WebSocketConfig& websocket) {
    constexpr std::int64_t kHourMs = 3'600'000;
    table.text("url", websocket.url);
    table.parsed_list(
        "headers",
        [&] { websocket.headers.clear(); },
        [&](const std::string& text) { return read_header(text, websocket); });
    table.text("ca_file", websocket.ca_file);
    table.number("sample_rate", websocket.sample_rate, 8000, 48'000);
    table.duration("frame_ms", websocket.frame, 10, 1000);
    std::size_t queue_kib = websocket.queue_bytes / 1024;
    table.number("queue_kib", queue_kib, 1, std::int64_t{1} << 20);
    websocket.queue_bytes = queue_kib * 1024;
    table.duration("connect_timeout_ms", websocket.connect_timeout, 1, kHourMs);
    table.duration("idle_timeout_ms", websocket.idle_timeout, 100, kHourMs);
    table.duration("reconnect_first_ms", websocket.reconnect_first, 1, kHourMs);
    table.duration("reconnect_most_ms", websocket.reconnect_most, 1, kHourMs);
}

void read_target(TomlTable& table, Endpoint& target) {
    table.parsed("target", [&](const std::string& text) -> Result<void> {
        const auto endpoint = Endpoint::parse(text);
        if (!endpoint) {
            return wrong(fmt::format("'{}' is not an address and port", text));
        }
        target = *endpoint;
        return {};
    });
}

void read_sink(TomlTable& table, SinkConfig& sink) {
    table.text("name", sink.name);
    table.parsed("type", [&](const std::string& text) { return read_kind(text, sink.kind); });
    table.flag("attach", sink.attach);
    table.parsed_list(
        "sources",
        [&] { sink.sources.clear(); },
        [&](const std::string& text) { return read_source(text, sink.sources); });
    table.texts("user_agents", sink.user_agents);
    table.texts("from", sink.from);
    table.texts("to", sink.to);
    // A key of the other kind is one that nobody reads, and so an error.
    if (sink.kind == SinkConfig::Kind::WebSocket) {
        read_websocket(table, sink.websocket);
    } else {
        read_target(table, sink.target);
    }
}

Result<void> check_sink(const SinkConfig& sink) {
    const auto is_name_character = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    if (sink.name.empty() || !std::ranges::all_of(sink.name, is_name_character)) {
        return wrong(fmt::format(
            "sinks: '{}' is no name; wants letters, digits, hyphens, dots, underlines", sink.name));
    }
    if (sink.kind == SinkConfig::Kind::WebSocket) {
        if (auto checked = WebSocketSinks::check(sink.websocket); !checked) {
            return wrong(fmt::format("sinks: {}: {}", sink.name, checked.error().message()));
        }
    } else if (sink.target.port == 0 || sink.target.address.is_unspecified()) {
        return wrong(fmt::format("sinks: {}: target: wants an address and port", sink.name));
    }
    return {};
}

}  // namespace

void read_sinks(TomlTable& root, std::vector<SinkConfig>& sinks) {
    std::vector<SinkConfig> read;
    root.each_table("sinks", [&read](TomlTable& table) { read_sink(table, read.emplace_back()); });
    sinks = std::move(read);
}

Result<void> check_sinks(const std::vector<SinkConfig>& sinks) {
    for (const SinkConfig& sink : sinks) {
        if (auto checked = check_sink(sink); !checked) {
            return checked;
        }
        if (std::ranges::count(sinks, sink.name, &SinkConfig::name) > 1) {
            return wrong(fmt::format("sinks: {} stands there twice", sink.name));
        }
    }
    return {};
}

}  // namespace siprec::server
