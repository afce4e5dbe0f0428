#pragma once

#include "rtp/rtcp.hpp"
#include "rtp/seq_num.hpp"

#include <siprec/clock.hpp>

#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>

namespace siprec::rtp {

/// How a packet stands to those of its source that came before it.
enum class Arrival : std::uint8_t { InOrder, Reordered, Duplicate };

/// What is known of one SSRC that we receive: sequence (RFC 3550 A.1), loss (A.3), jitter (A.8),
/// last sender report. Two things differ from A.1, both because a recorder keeps the packets on
/// which A.1 is still undecided: the packets that prove a source or a restart valid count as
/// received.
class SourceState {
  public:
    explicit SourceState(std::uint32_t ssrc) noexcept : ssrc_(ssrc) {}

    [[nodiscard]] std::uint32_t ssrc() const noexcept { return ssrc_; }

    /// @param clock_rate  of the RTP time stamp in Hz; 0 leaves the packet out of the jitter
    Arrival on_rtp(SeqNum sequence,
                   std::uint32_t timestamp,
                   std::uint32_t clock_rate,
                   WallTime arrival) noexcept;

    void on_sender_report(std::uint32_t middle_ntp, WallTime arrival) noexcept;

    /// Two packets in sequence have been seen (RFC 3550 A.1).
    [[nodiscard]] bool is_valid() const noexcept { return valid_; }

    [[nodiscard]] bool has_rtp() const noexcept { return has_rtp_; }

    /// RTP has arrived since the last `report`.
    [[nodiscard]] bool is_reportable() const noexcept { return valid_ && heard_since_report_; }

    /// The report block, and the start of the next interval.
    [[nodiscard]] ReportBlock report(WallTime now) noexcept;

    [[nodiscard]] WallTime last_heard() const noexcept { return last_heard_; }

    /// Expected less received (RFC 3550 A.3), over all restarts of the source.
    [[nodiscard]] std::int64_t lost() const noexcept { return lost_before_ + lost_now(); }

    [[nodiscard]] std::chrono::nanoseconds jitter() const noexcept;

  private:
    static constexpr int kWindow = 128;  // wider than the 100 packets that A.1 lets one be late

    Arrival on_probation(SeqNum sequence) noexcept;
    Arrival advance(SeqNum sequence) noexcept;
    Arrival after_jump(SeqNum sequence) noexcept;
    Arrival behind(SeqNum sequence) noexcept;
    void begin_run(SeqNum second) noexcept;
    void update_jitter(std::uint32_t timestamp,
                       std::uint32_t clock_rate,
                       WallTime arrival) noexcept;
    [[nodiscard]] std::int64_t expected() const noexcept;
    [[nodiscard]] std::int64_t lost_now() const noexcept;
    [[nodiscard]] std::uint32_t extended_highest() const noexcept;

    std::uint32_t ssrc_;
    bool has_rtp_ = false;
    bool valid_ = false;
    bool heard_since_report_ = false;

    // The names of RFC 3550 A.1.
    SeqNum max_seq_{0};
    SeqNum base_seq_{0};
    std::optional<SeqNum> bad_seq_;
    std::int64_t cycles_ = 0;  // shifted count of wraps
    std::int64_t received_ = 0;
    std::int64_t expected_prior_ = 0;
    std::int64_t received_prior_ = 0;
    std::int64_t lost_before_ = 0;
    std::bitset<kWindow> seen_;  // bit n: max_seq less n has arrived

    std::optional<std::uint32_t> transit_;  // in time stamp units, modulo 2^32
    std::uint32_t jitter_ = 0;              // scaled by 16
    std::uint32_t clock_rate_ = 0;

    std::uint32_t last_sender_report_ = 0;
    WallTime sender_report_arrival_;
    WallTime last_heard_;
};

}  // namespace siprec::rtp
