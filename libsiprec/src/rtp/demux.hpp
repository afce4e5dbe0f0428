#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace siprec::rtp {

enum class DatagramKind : std::uint8_t { Rtp, Rtcp, Stun, Dtls, Other };

/// What a datagram on an RTP port says it is. First byte by RFC 7983 7: 0 to 3 is STUN, 20 to 63
/// DTLS, 128 to 191 RTP or RTCP, all else (ZRTP, TURN, noise) is not for us. Second byte by RFC
/// 5761 4: 192 to 223 is an RTCP packet type. That holds without rtcp-mux too: a client that sends
/// RTCP to the RTP port unasked still sends RTCP.
[[nodiscard]] constexpr DatagramKind classify(std::span<const std::byte> datagram) noexcept {
    if (datagram.size() < 2) {
        return DatagramKind::Other;
    }
    const auto first = std::to_integer<unsigned>(datagram[0]);
    const auto second = std::to_integer<unsigned>(datagram[1]);
    if (first <= 3) {
        return DatagramKind::Stun;
    }
    if (first >= 20 && first <= 63) {
        return DatagramKind::Dtls;
    }
    if (first < 128 || first > 191) {
        return DatagramKind::Other;
    }
    return second >= 192 && second <= 223 ? DatagramKind::Rtcp : DatagramKind::Rtp;
}

}  // namespace siprec::rtp
