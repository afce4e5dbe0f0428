#include "base/route.hpp"

#include "base/socket_address.hpp"
#include "base/unique_fd.hpp"

namespace siprec::base {

IpAddress address_towards(const Endpoint& peer) {
    const SocketAddress target = to_socket_address(peer);
    const UniqueFd probe(::socket(target.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage ours{};
    socklen_t size = sizeof ours;
    if (!probe || ::connect(probe.get(), target.get(), target.length) != 0 ||
        ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&ours), &size) != 0) {
        return {};
    }
    return to_endpoint(ours).address;
}

}  // namespace siprec::base
