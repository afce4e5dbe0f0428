#include "sinks/ip_datagram.hpp"

#include "base/byte_reader.hpp"
#include "sinks/pcapng_format.hpp"

#include <algorithm>
#include <array>

namespace siprec::pcapng {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86DD;
constexpr std::uint16_t kEtherTypeVlan = 0x8100;
constexpr std::uint16_t kEtherTypeServiceVlan = 0x88A8;

std::uint8_t u8(Bytes bytes, std::size_t at) {
    return std::to_integer<std::uint8_t>(bytes[at]);
}

std::uint16_t u16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>((u8(bytes, at) << 8U) | u8(bytes, at + 1));
}

template <std::size_t N>
std::array<std::uint8_t, N> address_at(Bytes bytes, std::size_t at) {
    std::array<std::uint8_t, N> address{};
    std::ranges::transform(bytes.subspan(at, N), address.begin(), [](std::byte byte) {
        return std::to_integer<std::uint8_t>(byte);
    });
    return address;
}

std::optional<Bytes> ethernet_payload(Bytes frame) {
    base::ByteReader reader(frame);
    if (!reader.take(12)) {
        return std::nullopt;
    }
    auto type = reader.u16();
    while (type == kEtherTypeVlan || type == kEtherTypeServiceVlan) {
        if (!reader.u16()) {
            return std::nullopt;
        }
        type = reader.u16();
    }
    if (type != kEtherTypeIpv4 && type != kEtherTypeIpv6) {
        return std::nullopt;
    }
    return reader.take(reader.remaining());
}

std::optional<Bytes> without_header(Bytes frame, std::size_t header_bytes) {
    if (frame.size() < header_bytes) {
        return std::nullopt;
    }
    return frame.subspan(header_bytes);
}

std::optional<Bytes> link_payload(std::uint16_t link_type, Bytes frame) {
    switch (link_type) {
        case kLinkRaw:
            return frame;
        case kLinkNull:
            return without_header(frame, 4);
        case kLinkEthernet:
            return ethernet_payload(frame);
        case kLinkLinuxCooked:
            return without_header(frame, 16);
        case kLinkLinuxCooked2:
            return without_header(frame, 20);
        default:
            return std::nullopt;
    }
}

std::optional<UdpDatagram> parse_udp(Bytes udp, const IpAddress& from, const IpAddress& to) {
    constexpr std::size_t kHeader = 8;
    if (udp.size() < kHeader) {
        return std::nullopt;
    }
    const std::size_t length = u16(udp, 4);
    if (length < kHeader || length > udp.size()) {
        return std::nullopt;
    }
    return UdpDatagram{.source = {.address = from, .port = u16(udp, 0)},
                       .destination = {.address = to, .port = u16(udp, 2)},
                       .payload = udp.subspan(kHeader, length - kHeader)};
}

std::optional<UdpDatagram> parse_ipv4(Bytes packet) {
    constexpr std::size_t kHeader = 20;
    constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3FFF;
    if (packet.size() < kHeader) {
        return std::nullopt;
    }
    const std::size_t header_bytes = (u8(packet, 0) & 0x0FU) * std::size_t{4};
    const std::size_t total = u16(packet, 2);
    if (header_bytes < kHeader || total < header_bytes || total > packet.size() ||
        (u16(packet, 6) & kMoreFragmentsOrOffset) != 0 || u8(packet, 9) != kUdp) {
        return std::nullopt;
    }
    return parse_udp(packet.subspan(header_bytes, total - header_bytes),
                     IpAddress::v4(address_at<4>(packet, 12)),
                     IpAddress::v4(address_at<4>(packet, 16)));
}

/// What follows the extension headers (RFC 8200 4), where that is UDP.
std::optional<Bytes> udp_of_ipv6(std::uint8_t next_header, Bytes rest) {
    constexpr std::size_t kSmallest = 8;
    constexpr std::uint16_t kOffsetOrMore = 0xFFF9;
    while (next_header != kUdp) {
        if (rest.size() < kSmallest) {
            return std::nullopt;
        }
        std::size_t header_bytes = kSmallest;
        switch (next_header) {
            case kHopByHop:
            case kRouting:
            case kDestinationOptions:
                header_bytes = (std::size_t{u8(rest, 1)} + 1) * 8;
                break;
            case kAuthentication:
                header_bytes = (std::size_t{u8(rest, 1)} + 2) * 4;
                break;
            case kFragment:
                if ((u16(rest, 2) & kOffsetOrMore) != 0) {
                    return std::nullopt;
                }
                break;
            default:
                return std::nullopt;
        }
        if (header_bytes > rest.size()) {
            return std::nullopt;
        }
        next_header = u8(rest, 0);
        rest = rest.subspan(header_bytes);
    }
    return rest;
}

std::optional<UdpDatagram> parse_ipv6(Bytes packet) {
    constexpr std::size_t kHeader = 40;
    if (packet.size() < kHeader || packet.size() - kHeader < u16(packet, 4)) {
        return std::nullopt;
    }
    const auto udp = udp_of_ipv6(u8(packet, 6), packet.subspan(kHeader, u16(packet, 4)));
    if (!udp) {
        return std::nullopt;
    }
    return parse_udp(
        *udp, IpAddress::v6(address_at<16>(packet, 8)), IpAddress::v6(address_at<16>(packet, 24)));
}

}  // namespace

std::optional<UdpDatagram> find_datagram(std::uint16_t link_type, Bytes frame) {
    const auto packet = link_payload(link_type, frame);
    if (!packet || packet->empty()) {
        return std::nullopt;
    }
    switch (u8(*packet, 0) >> 4U) {
        case 4:
            return parse_ipv4(*packet);
        case 6:
            return parse_ipv6(*packet);
        default:
            return std::nullopt;
    }
}

}  // namespace siprec::pcapng
