#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace siprec::assembler {

/// Finds out whether a sender's clock runs fast or slow against ours. The smallest delay within a
/// window is free of jitter; a clock that drifts moves it steadily, a change of the network path
/// moves it at once. Only the former is reported, so that a stream without drift is never touched.
class DriftMeter {
  public:
    /// @param now    arrival, from the track's zero
    /// @param delay  how much later than its RTP time stamp says the packet arrived
    /// @return what the sender's clock has lost (negative: gained); measured from there on
    [[nodiscard]] std::optional<std::chrono::nanoseconds> observe(std::chrono::nanoseconds now,
                                                                  std::chrono::nanoseconds delay);

  private:
    std::optional<std::chrono::nanoseconds> close_window();

    std::optional<std::chrono::nanoseconds> window_start_;
    std::chrono::nanoseconds smallest_{0};
    std::uint32_t packets_ = 0;
    std::optional<std::chrono::nanoseconds> baseline_;
    std::vector<std::chrono::nanoseconds>
        deviations_;  // of each window since, against the baseline
};

}  // namespace siprec::assembler
