#pragma once

#include <siprec/stats.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace siprec::rtp {

/// Statistics of all streams of one media thread, closed ones included. That thread alone adds,
/// once a second and at the end of each stream, so that no packet pays for it; any thread reads.
class StatTotals {
  public:
    /// A stream's statistics have grown from `before` to `now`.
    void grow(const StreamStats& before, const StreamStats& now) noexcept {
        for (std::size_t i = 0; i < kFields.size(); ++i) {
            counters_[i].fetch_add(now.*kFields[i] - before.*kFields[i], std::memory_order_relaxed);
        }
        lost_.fetch_add(now.lost - before.lost, std::memory_order_relaxed);
    }

    void add_to(StreamStats& sum) const noexcept {
        for (std::size_t i = 0; i < kFields.size(); ++i) {
            sum.*kFields[i] += counters_[i].load(std::memory_order_relaxed);
        }
        sum.lost += lost_.load(std::memory_order_relaxed);
    }

  private:
    static constexpr std::array kFields{&StreamStats::packets,
                                        &StreamStats::bytes,
                                        &StreamStats::duplicates,
                                        &StreamStats::reordered,
                                        &StreamStats::ssrc_changes,
                                        &StreamStats::unknown_payload,
                                        &StreamStats::dropped_malformed,
                                        &StreamStats::dropped_stranger,
                                        &StreamStats::dropped_inactive,
                                        &StreamStats::dropped_auth,
                                        &StreamStats::dropped_replay,
                                        &StreamStats::rtcp_packets};

    std::array<std::atomic<std::uint64_t>, kFields.size()> counters_{};
    std::atomic<std::int64_t> lost_{0};
};

}  // namespace siprec::rtp
