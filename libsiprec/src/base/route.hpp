#pragma once

#include <siprec/net.hpp>

namespace siprec::base {

/// The address of ours from which packets to `peer` leave, by the kernel's routing table; the
/// unspecified address when there is no route.
[[nodiscard]] IpAddress address_towards(const Endpoint& peer);

}  // namespace siprec::base
