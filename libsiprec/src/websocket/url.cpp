#include "websocket/url.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace siprec::websocket {

std::string Url::authority() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Url::without_query() const {
    return fmt::format("{}{}{}",
                       is_secure ? "wss://" : "ws://",
                       authority(),
                       std::string_view(target).substr(0, target.find('?')));
}

Result<Url> parse_url(std::string_view text) {
    const auto refuse = [text](std::string_view why) {
        const bool has_password = text.find('@') != std::string_view::npos;
        return Error(
            ErrorCode::InvalidArgument,
            fmt::format("{}: {}", has_password ? "url" : text.substr(0, text.find('?')), why));
    };
    Url url;
    std::string_view rest = text;
    if (rest.starts_with("wss://")) {
        url.is_secure = true;
        rest.remove_prefix(6);
    } else if (rest.starts_with("ws://")) {
        rest.remove_prefix(5);
    } else {
        return refuse("neither ws:// nor wss://");
    }
    const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, slash);
    url.target = rest.substr(slash);
    if (!url.target.starts_with('/')) {
        url.target.insert(0, "/");
    }
    if (authority.find('@') != std::string_view::npos) {
        return refuse("credentials belong in a header");
    }
    url.port = url.is_secure ? "443" : "80";
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            return refuse("no closing bracket");
        }
        url.host = authority.substr(1, close - 1);
        authority.remove_prefix(close + 1);
    } else {
        const std::size_t colon = std::min(authority.find(':'), authority.size());
        url.host = authority.substr(0, colon);
        authority.remove_prefix(colon);
    }
    if (authority.starts_with(':')) {
        url.port = authority.substr(1);
    } else if (!authority.empty()) {
        return refuse("no port after the host");
    }
    const bool is_number =
        !url.port.empty() && url.port.size() <= 5 &&
        std::ranges::all_of(url.port, [](char c) { return c >= '0' && c <= '9'; });
    if (url.host.empty() || !is_number || std::stoul(url.port) > 65535) {
        return refuse("no host and port");
    }
    return url;
}

}  // namespace siprec::websocket
