#pragma once

#include "rtp/seq_num.hpp"

#include <siprec/clock.hpp>
#include <siprec/net.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace siprec::rtp {

/// Decides whose media a stream takes. The rules, all of them:
///
/// 1. A stream that is not latched takes RTP from anybody. Nothing is held back until it is, so
/// that no
///    first word is clipped.
/// 2. The IP address that the offer names latches with its first RTP packet, at any time, also away
///    from another: it was named by signalling.
/// 3. Any other IP address (a client behind a NAT, or with media on another machine) latches with
/// two
///    consecutive packets of one SSRC in a payload type of the answer, when the stream is not
///    latched or its source has been silent for 2 s.
/// 4. Once latched, RTP from any other IP address is a stranger's, unless rule 2 or 3 lets it in.
/// While
///    the latched source is silent for 2 s rule 1 holds again, but the latch stays until rule 3.
/// 5. Only the IP address counts, not the port: clients change it on re-INVITE, and some send one
///    stream from two (mod_siprec, reported).
/// 6. An offer that names another address or port than the one before starts all over.
/// 7. RTCP is taken from the latched address and from the two that the offer names; from anybody
/// while
///    the stream is not latched.
///
/// Pure: time is passed in.
class Latch {
  public:
    static constexpr std::chrono::seconds kSilence{2};

    explicit Latch(std::optional<Endpoint> offered) noexcept : offered_(offered) {}

    void on_offer(const std::optional<Endpoint>& offered) noexcept;

    /// @param is_answered  the payload type stands in the answer
    /// @return false when a stranger sent it
    [[nodiscard]] bool takes_rtp(const Endpoint& source,
                                 std::uint32_t ssrc,
                                 SeqNum sequence,
                                 bool is_answered,
                                 WallTime arrival) noexcept;

    /// A packet from there was authentic: that latches, whatever was before.
    void trust(const IpAddress& source, WallTime arrival) noexcept {
        if (latched_ == source) {
            last_heard_ = arrival;
        } else {
            latch_to(source, arrival);
        }
    }

    [[nodiscard]] bool takes_rtcp(const IpAddress& source,
                                  const std::optional<Endpoint>& offered_rtcp,
                                  WallTime arrival) const noexcept;

    /// The address latched to.
    [[nodiscard]] const std::optional<IpAddress>& source() const noexcept { return latched_; }

  private:
    struct Candidate {
        Endpoint source;
        std::uint32_t ssrc = 0;
        SeqNum sequence{0};
    };

    void latch_to(const IpAddress& source, WallTime arrival) noexcept;
    [[nodiscard]] bool is_open(WallTime arrival) const noexcept;
    [[nodiscard]] bool continues_candidate(const Candidate& packet) noexcept;

    std::optional<Endpoint> offered_;
    std::optional<IpAddress> latched_;
    WallTime last_heard_;
    // A few, so that two senders in turn cannot keep each other from latching.
    std::array<std::optional<Candidate>, 4> candidates_;
    std::size_t next_candidate_ = 0;
};

}  // namespace siprec::rtp
