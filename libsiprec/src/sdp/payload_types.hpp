#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace siprec::sdp {

/// What a static payload type stands for when no rtpmap says otherwise (RFC 3551 6, tables 4 and
/// 5).
struct StaticPayload {
    std::uint8_t payload_type;
    std::string_view encoding;
    std::uint32_t clock_rate;
    std::uint8_t channels;
};

[[nodiscard]] std::optional<StaticPayload> static_payload(std::uint8_t payload_type) noexcept;

}  // namespace siprec::sdp
