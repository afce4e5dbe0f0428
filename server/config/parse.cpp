#include "config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace siprec::server {

namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return error == std::errc{} && stop == end ? std::optional(port) : std::nullopt;
}

Error not_a(std::string_view what, std::string_view text) {
    return {ErrorCode::InvalidArgument, fmt::format("'{}' is not {}", text, what)};
}

}  // namespace

Result<Listener> parse_listener(std::string_view text) {
    for (const Transport transport : {Transport::Udp, Transport::Tcp, Transport::Tls}) {
        const std::string prefix = fmt::format("{}:", to_string(transport));
        if (text.starts_with(prefix)) {
            if (const auto endpoint = Endpoint::parse(text.substr(prefix.size()))) {
                return Listener{.transport = transport, .endpoint = *endpoint};
            }
        }
    }
    return not_a("a listener such as udp:0.0.0.0:5060 or tcp:[::]:5060", text);
}

Result<MediaAddress> parse_media(std::string_view text) {
    constexpr std::string_view kWanted =
        "a media address such as 192.0.2.1, 192.0.2.1:20000-29999 or [2001:db8::1]:20000-29999";
    if (const auto address = IpAddress::parse(text)) {
        return MediaAddress{.address = *address, .ports = std::nullopt};
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return not_a(kWanted, text);
    }
    const std::string_view host = text.substr(0, colon);
    const std::string_view range = text.substr(colon + 1);
    const std::size_t dash = range.find('-');
    const auto address = IpAddress::parse(host);
    if (!address || (address->is_v6() && !host.starts_with('[')) ||
        dash == std::string_view::npos) {
        return not_a(kWanted, text);
    }
    const auto low = parse_port(range.substr(0, dash));
    const auto high = parse_port(range.substr(dash + 1));
    if (!low || !high) {
        return not_a(kWanted, text);
    }
    return MediaAddress{.address = *address, .ports = std::pair(*low, *high)};
}

Result<SnapshotPolicy> parse_snapshot_policy(std::string_view text) {
    if (text == "never") {
        return SnapshotPolicy::Never;
    }
    if (text == "announced") {
        return SnapshotPolicy::WhenAnnounced;
    }
    if (text == "always") {
        return SnapshotPolicy::Always;
    }
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("'{}' is none of never, announced and always", text));
}

Result<Takeover> parse_takeover(std::string_view text) {
    if (text == "never") {
        return Takeover::Never;
    }
    if (text == "same-address") {
        return Takeover::SameAddress;
    }
    if (text == "anybody") {
        return Takeover::Anybody;
    }
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("'{}' is none of never, same-address and anybody", text));
}

Result<SrtpPolicy> parse_srtp_policy(std::string_view text) {
    if (text == "off") {
        return SrtpPolicy::Off;
    }
    if (text == "prefer") {
        return SrtpPolicy::Prefer;
    }
    return text == "require"
               ? Result<SrtpPolicy>(SrtpPolicy::Require)
               : Result<SrtpPolicy>(not_a("an SRTP policy (off, prefer or require)", text));
}

Result<std::pair<IpAddress, SrtpPolicy>> parse_source_policy(std::string_view text) {
    const std::size_t equals = text.rfind('=');
    const auto address = IpAddress::parse(text.substr(0, std::min(equals, text.size())));
    if (equals == std::string_view::npos || !address) {
        return not_a("a client's address and policy such as 192.0.2.1=require", text);
    }
    auto policy = parse_srtp_policy(text.substr(equals + 1));
    if (!policy) {
        return std::move(policy).error();
    }
    return std::pair(*address, *policy);
}

Result<srtp::Suite> parse_suite(std::string_view text) {
    if (const auto suite = srtp::suite_of(text)) {
        return *suite;
    }
    return not_a("a crypto suite such as AES_CM_128_HMAC_SHA1_80 or AEAD_AES_256_GCM", text);
}

Result<Role> parse_role(std::string_view text) {
    if (text == "all") {
        return Role::All;
    }
    if (text == "live") {
        return Role::Live;
    }
    return text == "archive" ? Result<Role>(Role::Archive)
                             : Result<Role>(not_a("a role (all, live or archive)", text));
}

}  // namespace siprec::server
