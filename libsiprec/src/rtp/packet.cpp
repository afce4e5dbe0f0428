#include "base/byte_reader.hpp"

#include <siprec/rtp.hpp>

namespace siprec {

namespace {

/// Bits of the first two bytes (RFC 3550 5.1).
constexpr unsigned kVersionShift = 14;
constexpr unsigned kVersion = 2;
constexpr unsigned kPadding = 0x2000;
constexpr unsigned kExtension = 0x1000;
constexpr unsigned kMarker = 0x0080;

/// Takes what stands between the fixed header and the payload. @return false when it does not fit
bool take_variable_header(base::ByteReader& reader, unsigned flags, RtpPacket& packet) noexcept {
    const auto csrcs = reader.take(std::size_t{4} * ((flags >> 8U) & 0x0FU));
    if (!csrcs) {
        return false;
    }
    packet.csrcs = *csrcs;
    if ((flags & kExtension) == 0) {
        return true;
    }
    // RFC 3550 5.3.1: 16 bits of the profile's, then the length in 32-bit words.
    if (!reader.u16()) {
        return false;
    }
    const auto words = reader.u16();
    return words && reader.take(std::size_t{4} * *words);
}

}  // namespace

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
// |                           timestamp                           |
// |                             SSRC                              |
// |                        CSRC, 0 to 15                          |
std::optional<RtpPacket> parse_rtp(std::span<const std::byte> bytes) noexcept {
    base::ByteReader reader(bytes);
    const auto flags = reader.u16();
    const auto sequence = reader.u16();
    const auto timestamp = reader.u32();
    const auto ssrc = reader.u32();
    if (!flags || !sequence || !timestamp || !ssrc || (*flags >> kVersionShift) != kVersion) {
        return std::nullopt;
    }
    RtpPacket packet;
    packet.bytes = bytes;
    packet.marker = (*flags & kMarker) != 0;
    packet.payload_type = static_cast<std::uint8_t>(*flags & 0x7FU);
    packet.sequence = *sequence;
    packet.timestamp = *timestamp;
    packet.ssrc = *ssrc;
    if (!take_variable_header(reader, *flags, packet)) {
        return std::nullopt;
    }
    packet.payload = bytes.last(reader.remaining());
    if ((*flags & kPadding) != 0) {
        // RFC 3550 5.1: the last byte counts the padding, itself included.
        const std::size_t padding =
            packet.payload.empty() ? 0 : std::to_integer<std::size_t>(packet.payload.back());
        if (padding == 0 || padding > packet.payload.size()) {
            return std::nullopt;
        }
        packet.payload = packet.payload.first(packet.payload.size() - padding);
    }
    return packet;
}

}  // namespace siprec
