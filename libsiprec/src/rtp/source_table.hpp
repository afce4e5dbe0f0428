#pragma once

#include "rtp/rtcp.hpp"
#include "rtp/source_state.hpp"

#include <siprec/clock.hpp>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace siprec::rtp {

/// The SSRCs received on one stream. Bounded: a flood of invented SSRCs pushes out those that were
/// silent longest. Pure: time is passed in.
class SourceTable {
  public:
    static constexpr std::size_t kMaxSources = 64;

    SourceTable() { sources_.reserve(kMaxSources); }

    /// One RTP packet; makes its source known. Arguments as `SourceState::on_rtp`.
    Arrival on_rtp(std::uint32_t ssrc,
                   SeqNum sequence,
                   std::uint32_t timestamp,
                   std::uint32_t clock_rate,
                   WallTime arrival);

    void on_sender_report(std::uint32_t ssrc, std::uint32_t middle_ntp, WallTime arrival);

    /// The source has said BYE.
    void remove(std::uint32_t ssrc);

    /// Forgets sources last heard before `before` (RFC 3550 6.3.5).
    void expire(WallTime before);

    [[nodiscard]] bool has(std::uint32_t ssrc) noexcept { return find(ssrc) != nullptr; }

    /// Those that left since the last call, the latest of very many.
    [[nodiscard]] std::vector<std::uint32_t> take_gone() { return std::exchange(gone_, {}); }

    /// Report blocks for all valid sources that sent RTP since the last call (RFC 3550 6.4).
    [[nodiscard]] std::vector<ReportBlock> reports(WallTime now);

    [[nodiscard]] std::size_t size() const noexcept { return sources_.size(); }

    /// Lost packets of all sources ever.
    [[nodiscard]] std::int64_t lost() const noexcept;

    /// How often an SSRC took over that the stream had not carried before, or no longer.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }

    /// Of the source that sent last.
    [[nodiscard]] std::chrono::nanoseconds jitter() const noexcept;

  private:
    [[nodiscard]] SourceState* find(std::uint32_t ssrc) noexcept;
    SourceState& add(std::uint32_t ssrc);
    void forget(std::size_t index);

    std::vector<SourceState> sources_;
    std::vector<std::uint32_t> gone_;
    std::size_t latest_ = 0;  // index of the source that sent last, where most packets are found
    bool any_rtp_ = false;
    std::uint32_t current_ssrc_ = 0;
    std::uint64_t changes_ = 0;
    std::int64_t lost_before_ = 0;
};

}  // namespace siprec::rtp
