#pragma once

// RTCP packets (RFC 3550 6), read and written. Pure: no clock, no socket.

#include <siprec/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace siprec::rtp {

/// RTCP packet types (RFC 3550 12.1, RFC 4585 9).
namespace rtcp_type {
inline constexpr std::uint8_t kSenderReport = 200;
inline constexpr std::uint8_t kReceiverReport = 201;
inline constexpr std::uint8_t kSourceDescription = 202;
inline constexpr std::uint8_t kPayloadFeedback = 206;  // RFC 4585 6.3
inline constexpr std::uint8_t kBye = 203;
}  // namespace rtcp_type

/// One packet of a compound. A view.
struct RtcpPart {
    std::uint8_t count = 0;  ///< the five bits behind version and padding
    std::uint8_t type = 0;
    std::span<const std::byte> body;  ///< behind the first four bytes, without padding
};

/// Takes the next packet off `rest`. @return nothing at the end and when the bytes are no RTCP
[[nodiscard]] std::optional<RtcpPart> take_part(std::span<const std::byte>& rest) noexcept;

/// True for RTCP whose every packet is whole (RFC 3550 A.2). Unlike there, the first packet need
/// not be a report: reduced-size RTCP (RFC 5506) is RTCP too.
[[nodiscard]] bool is_valid_compound(std::span<const std::byte> bytes) noexcept;

/// The SSRC that a packet comes from: the first word of its body. Nothing for an empty BYE or SDES.
[[nodiscard]] std::optional<std::uint32_t> sender_of(const RtcpPart& part) noexcept;

/// The middle 32 bits of an SR's NTP time (RFC 3550 6.4.1, LSR).
[[nodiscard]] std::optional<std::uint32_t> middle_ntp(const RtcpPart& sender_report) noexcept;

/// One report block (RFC 3550 6.4.1).
struct ReportBlock {
    std::uint32_t ssrc = 0;
    std::uint8_t fraction_lost = 0;
    std::int32_t cumulative_lost = 0;  ///< clamped to 24 bits, signed
    std::uint32_t extended_highest_sequence = 0;
    std::uint32_t jitter = 0;
    std::uint32_t last_sender_report = 0;
    std::uint32_t delay_since_last_sender_report = 0;  ///< in 1/65536 s
};

/// Receiver reports, as many packets as the blocks need (31 each, at least one), then SDES CNAME,
/// then BYE where asked for: the order of RFC 3550 6.1.
[[nodiscard]] std::vector<std::byte> build_receiver_report(std::uint32_t ssrc,
                                                           std::string_view cname,
                                                           std::span<const ReportBlock> blocks,
                                                           bool bye);

/// FIR to one source (RFC 5104 4.3.1). @param number  one more with each new request
[[nodiscard]] std::vector<std::byte> build_full_intra_request(std::uint32_t ssrc,
                                                              std::uint32_t source,
                                                              std::uint8_t number);

/// PLI to one source (RFC 4585 6.3.1).
[[nodiscard]] std::vector<std::byte> build_picture_loss(std::uint32_t ssrc, std::uint32_t source);

/// A 64-bit NTP time stamp as wall time.
[[nodiscard]] WallTime ntp_to_wall(std::uint64_t ntp) noexcept;

}  // namespace siprec::rtp
