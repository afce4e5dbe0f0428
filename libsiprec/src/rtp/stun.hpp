#pragma once

#include <siprec/net.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace siprec::rtp {

/// The success response to a STUN binding request (RFC 8489 2), which a client that expects DTLS
/// may send to see whether anybody is there (RFC 5763 6.7.2). Nothing for any other datagram.
[[nodiscard]] std::optional<std::vector<std::byte>> answer_stun(std::span<const std::byte> datagram,
                                                                const Endpoint& source);

}  // namespace siprec::rtp
