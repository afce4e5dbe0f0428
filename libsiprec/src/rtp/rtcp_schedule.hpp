#pragma once

#include <siprec/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace siprec::rtp {

/// 32 random bits a call.
using RandomBits = std::function<std::uint32_t()>;

/// The machine's.
[[nodiscard]] RandomBits system_random();

/// The deterministic RTCP interval of a participant that never sends RTP (RFC 3550 6.3.1), at least
/// 5 s (6.2). The session's bandwidth is taken to be that of one G.711 call.
/// @param members  all participants, ourselves included
/// @param senders  those that send RTP
/// @param initial  nothing was sent yet: half the minimum
[[nodiscard]] std::chrono::nanoseconds rtcp_interval(std::size_t members,
                                                     std::size_t senders,
                                                     double average_bytes,
                                                     bool initial) noexcept;

/// When to send the next report (RFC 3550 6.3). The first is due at once, which a unicast session
/// may do (6.2) and which tells clients that wait for a packet that we are there.
class RtcpSchedule {
  public:
    RtcpSchedule(SteadyTime start, RandomBits random);

    [[nodiscard]] SteadyTime due() const noexcept { return due_; }

    /// Timer reconsideration (6.3.3): whether to send now; if not, `due` has moved on.
    [[nodiscard]] bool expired(SteadyTime now, std::size_t members, std::size_t senders);

    /// @param bytes  of the RTCP packet, without UDP and IP
    void on_sent(SteadyTime now, std::size_t bytes, std::size_t members, std::size_t senders);

    void on_received(std::size_t bytes) noexcept { average(bytes); }

  private:
    [[nodiscard]] std::chrono::nanoseconds randomised(std::size_t members, std::size_t senders);
    void average(std::size_t bytes) noexcept;

    RandomBits random_;
    SteadyTime due_;
    SteadyTime previous_;
    double average_bytes_ = 0;
    bool initial_ = true;
};

}  // namespace siprec::rtp
