#pragma once

#include <siprec/clock.hpp>
#include <siprec/export.hpp>
#include <siprec/net.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siprec {

/// One received RTP packet (RFC 3550 5.1), after decryption where there was any. A view: everything
/// in it is valid until the call that passes it returns.
struct RtpPacket {
    std::span<const std::byte> bytes;    ///< the whole packet, header included, network order
    std::span<const std::byte> payload;  ///< without header, CSRC list, extension and padding
    std::span<const std::byte> csrcs;    ///< the CSRC list, 4 bytes each, network order
    std::uint32_t ssrc = 0;
    std::uint32_t timestamp = 0;  ///< in ticks of the payload's RTP clock
    std::uint16_t sequence = 0;
    std::uint8_t payload_type = 0;  ///< 0 to 127
    bool marker = false;
    WallTime arrival;  ///< when the kernel received it
    Endpoint source;   ///< where it came from
    Endpoint local;    ///< the address it was sent to
};

/// One received RTCP compound packet (RFC 3550 6.1), after decryption. A view, as `RtpPacket` is.
struct RtcpPacket {
    std::span<const std::byte> bytes;
    WallTime arrival;
    Endpoint source;
    Endpoint local;
};

/// Reads the header of one RTP packet: version 2, CSRC list, extension and padding must fit.
/// `arrival`, `source` and `local` are left for the caller to set.
/// @return nothing when the bytes are no RTP packet
[[nodiscard]] SIPREC_EXPORT std::optional<RtpPacket> parse_rtp(
    std::span<const std::byte> bytes) noexcept;

/// The canonical name of an RTP source (RFC 3550 6.5.1): often `user@host`.
struct SourceName {
    std::uint32_t ssrc = 0;
    std::string cname;

    bool operator==(const SourceName&) const = default;
};

/// What the SDES packets of an RTCP compound call their sources; empty when the compound has none
/// or is not valid.
[[nodiscard]] SIPREC_EXPORT std::vector<SourceName> find_source_names(
    std::span<const std::byte> compound);

/// The sender report of an RTCP compound (RFC 3550 6.4.1): ties a source's RTP clock to wall time.
struct SenderReport {
    std::uint32_t ssrc = 0;
    WallTime ntp_time;                ///< the sender's wall clock
    std::uint32_t rtp_timestamp = 0;  ///< the same instant on its RTP clock
};

/// The first sender report in a compound packet, where there is one and the compound is valid.
[[nodiscard]] SIPREC_EXPORT std::optional<SenderReport> find_sender_report(
    std::span<const std::byte> compound) noexcept;

}  // namespace siprec
