#pragma once

#include "rtp/engine.hpp"

#include <siprec/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::rtp {

/// The value of one RTP header extension (RFC 8285), in the one-byte or the two-byte form.
[[nodiscard]] std::optional<std::string_view> header_extension(std::span<const std::byte> packet,
                                                               std::uint8_t id) noexcept;

/// Which stream of a bundle a packet belongs to (RFC 9143 9.2): by MID, then by SSRC, then by a
/// payload type that only one of them has. Pure.
class BundleDemux {
  public:
    /// Adds a stream, or changes what tells its packets from the others'.
    /// @param info  of a bundled stream
    void set(StreamHandle stream, const StreamInfo& info);

    void remove(StreamHandle stream);

    /// @return nothing for a packet that fits no stream, or more than one
    [[nodiscard]] std::optional<StreamHandle> route_rtp(std::span<const std::byte> packet);

    /// Learns the SSRCs that SDES names a MID for. @return the stream that the sender belongs to
    [[nodiscard]] std::optional<StreamHandle> route_rtcp(std::span<const std::byte> compound);

  private:
    static constexpr std::size_t kMaxSources = 256;

    struct Member {
        StreamHandle stream{};
        StreamInfo info;
    };

    void learn(std::uint32_t ssrc, StreamHandle stream);
    [[nodiscard]] std::optional<StreamHandle> by_source(std::uint32_t ssrc) const;
    [[nodiscard]] std::optional<StreamHandle> by_mid(std::string_view mid) const;
    [[nodiscard]] std::optional<StreamHandle> by_payload_type(std::uint8_t type) const;
    [[nodiscard]] std::optional<std::string_view> mid_of(std::span<const std::byte> packet) const;

    std::vector<Member> members_;
    std::vector<std::pair<std::uint32_t, StreamHandle>> sources_;  // those learned last are last
};

}  // namespace siprec::rtp
