#include "recorder/socket_source.hpp"

#include "base/route.hpp"

#include <algorithm>
#include <utility>

namespace siprec::recorder {

Result<session::StreamPorts> SocketSource::open(const Uuid& stream,
                                                const std::optional<IpAddress>& client,
                                                bool rtcp_mux) {
    const bool wants_v6 = client ? client->is_v6() : signalling_.remote.address.is_v6();
    const auto bound = std::ranges::find_if(
        config_.addresses, [wants_v6](const IpAddress& a) { return a.is_v6() == wants_v6; });
    if (bound == config_.addresses.end()) {
        return Error(ErrorCode::Unsupported,
                     wants_v6 ? "no IPv6 media address is configured"
                              : "no IPv4 media address is configured");
    }
    auto opened = engine_.open_sockets(*bound, rtcp_mux);
    if (!opened) {
        return std::move(opened).error();
    }
    const IpAddress named = address_for_answer(*bound, client);
    const session::StreamPorts ports{
        .rtp = {.address = named, .port = opened->rtp_endpoint.port},
        .rtcp = {.address = named, .port = opened->rtcp_endpoint.port}};
    sockets.insert_or_assign(stream, std::move(*opened));
    return ports;
}

IpAddress SocketSource::address_for_answer(const IpAddress& bound,
                                           const std::optional<IpAddress>& client) const {
    if (config_.advertised && config_.advertised->is_v6() == bound.is_v6()) {
        return *config_.advertised;
    }
    if (!bound.is_unspecified()) {
        return bound;
    }
    if (signalling_.local.address.is_v6() == bound.is_v6()) {
        return signalling_.local.address;
    }
    // Signalling over one family, media over the other.
    return base::address_towards({.address = client.value_or(bound), .port = 9});
}

}  // namespace siprec::recorder
