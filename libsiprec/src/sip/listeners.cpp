#include "base/route.hpp"
#include "sip/agent_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace siprec::sip {

namespace {

std::string listener_url(const Listener& listener) {
    // `*` asks the stack for any free port.
    const std::string port =
        listener.endpoint.port == 0 ? "*" : std::to_string(listener.endpoint.port);
    const std::string host = listener.endpoint.address.is_v6()
                                 ? fmt::format("[{}]", listener.endpoint.address.to_string())
                                 : listener.endpoint.address.to_string();
    return fmt::format("sip:{}:{};transport={}", host, port, to_string(listener.transport));
}

}  // namespace

Result<void> UserAgentImpl::open_listeners() {
    for (const Listener& wanted : settings_.listeners) {
        if (wanted.transport == Transport::Tls) {
            continue;
        }
        auto opened = open_listener(wanted);
        if (!opened) {
            return std::move(opened).error();
        }
        listeners_.push_back(*opened);
    }
    return open_front();
}

Result<void> UserAgentImpl::open_front() {
    std::vector<Listener> wanted;
    std::ranges::copy_if(
        settings_.listeners, std::back_inserter(wanted), [](const Listener& listener) {
            return listener.transport == Transport::Tls;
        });
    if (wanted.empty()) {
        return {};
    }
    auto stack = open_listener({.transport = Transport::Tcp,
                                .endpoint = {.address = IpAddress::v4({127, 0, 0, 1}), .port = 0}});
    if (!stack) {
        return std::move(stack).error();
    }
    behind_front_ = newest_transport();
    auto front = tls::Front::start(
        wanted, settings_.tls, stack->endpoint, settings_.max_message_bytes, logger_);
    if (!front) {
        return std::move(front).error();
    }
    front_ = std::move(*front);
    std::ranges::copy(front_->listeners(), std::back_inserter(listeners_));
    return {};
}

const tport_t* UserAgentImpl::newest_transport() const {
    const tport_t* newest = nullptr;
    for (tport_t* next = tport_primaries(nta_agent_tports(agent_.get())); next != nullptr;
         next = tport_next(next)) {
        newest = next;
    }
    return newest;
}

Result<Listener> UserAgentImpl::open_listener(const Listener& wanted) {
    const std::string url = listener_url(wanted);
    if (nta_agent_add_tport(agent_.get(),
                            URL_STRING_MAKE(url.c_str()),
                            // Above a full UDP datagram, whatever the platform's default.
                            TPTAG_MTU(65535),
                            // A burst waits here for its turn, or for its 503: what the kernel
                            // drops comes again half a second later.
                            TPTAG_UDP_RMEM(4U << 20U),
                            TAG_END()) < 0) {
        return Error(ErrorCode::Io,
                     fmt::format("cannot listen on {}:{}: {}",
                                 to_string(wanted.transport),
                                 wanted.endpoint.to_string(),
                                 std::strerror(errno)));
    }
    Listener opened = wanted;
    const tport_t* transport = newest_transport();
    const tp_name_t* name = transport == nullptr ? nullptr : tport_name(transport);
    if (name != nullptr && name->tpn_port != nullptr) {
        const auto endpoint = Endpoint::parse(fmt::format("127.0.0.1:{}", name->tpn_port));
        opened.endpoint.port = endpoint ? endpoint->port : wanted.endpoint.port;
    }
    return opened;
}

bool UserAgentImpl::take_origin(Request& request, tport_t* transport) const {
    if (behind_front_ == nullptr || tport_parent(transport) != behind_front_) {
        return true;
    }
    auto peer = front_->find(request.wire.remote.port);
    if (!peer) {
        return false;
    }
    request.wire.transport = Transport::Tls;
    request.wire.remote = peer->remote;
    request.wire.local = peer->local;
    request.wire.bytes = tls::with_transport(std::move(request.wire.bytes), "TLS");
    request.tls_names = std::move(peer->names);
    return true;
}

Endpoint UserAgentImpl::local_endpoint(Transport transport, const Endpoint& remote) const {
    const IpAddress route = base::address_towards(remote);
    const Listener* best = nullptr;
    for (const Listener& listener : listeners_) {
        if (listener.transport != transport ||
            listener.endpoint.address.is_v6() != remote.address.is_v6()) {
            continue;
        }
        if (best == nullptr || listener.endpoint.address == route) {
            best = &listener;
        }
    }
    if (best == nullptr) {
        return Endpoint{.address = route, .port = 5060};
    }
    return best->endpoint.address.is_unspecified()
               ? Endpoint{.address = route, .port = best->endpoint.port}
               : best->endpoint;
}

}  // namespace siprec::sip
