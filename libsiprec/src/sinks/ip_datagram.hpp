#pragma once

#include <siprec/net.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace siprec::pcapng {

/// A whole UDP datagram found in a captured frame.
struct UdpDatagram {
    Endpoint source;
    Endpoint destination;
    std::span<const std::byte> payload;
};

/// Takes link, IP and UDP headers off a frame.
/// @return nothing for fragments, cut datagrams, other protocols and link types that we do not know
[[nodiscard]] std::optional<UdpDatagram> find_datagram(std::uint16_t link_type,
                                                       std::span<const std::byte> frame);

}  // namespace siprec::pcapng
