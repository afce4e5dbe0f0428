#include "base/route.hpp"
#include "sip/agent_impl.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

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

Result<Listener> UserAgentImpl::open_listener(const Listener& wanted) {
    const std::string url = listener_url(wanted);
    const auto find_new = [this](std::size_t before) -> const tport_t* {
        std::size_t count = 0;
        tport_t* found = nullptr;
        for (tport_t* tport = tport_primaries(nta_agent_tports(agent_.get())); tport != nullptr;
             tport = tport_next(tport)) {
            ++count;
            found = tport;
        }
        return count > before ? found : nullptr;
    };
    if (nta_agent_add_tport(agent_.get(),
                            URL_STRING_MAKE(url.c_str()),
                            // Above a full UDP datagram, whatever the platform's default.
                            TPTAG_MTU(65535),
                            TAG_END()) < 0) {
        return Error(ErrorCode::Io,
                     fmt::format("cannot listen on {}:{}: {}",
                                 to_string(wanted.transport),
                                 wanted.endpoint.to_string(),
                                 std::strerror(errno)));
    }
    Listener opened = wanted;
    if (const tport_t* tport = find_new(listeners_.size()); tport != nullptr) {
        const tp_name_t* name = tport_name(tport);
        if (name != nullptr && name->tpn_port != nullptr) {
            const auto endpoint = Endpoint::parse(fmt::format("127.0.0.1:{}", name->tpn_port));
            opened.endpoint.port = endpoint ? endpoint->port : wanted.endpoint.port;
        }
    }
    return opened;
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
