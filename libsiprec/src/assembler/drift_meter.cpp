#include "assembler/drift_meter.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace siprec::assembler {

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kWindow = std::chrono::seconds(10);
constexpr std::uint32_t kPacketsForWindow = 50;
/// What is corrected: well above what the smallest delay varies by itself.
constexpr nanoseconds kThreshold = std::chrono::milliseconds(5);
/// 500 ppm, more than any crystal; what moves faster is no clock.
constexpr nanoseconds kLargestStep = kWindow / 2000;
constexpr std::size_t kMaxWindows = 512;

}  // namespace

std::optional<nanoseconds> DriftMeter::observe(nanoseconds now, nanoseconds delay) {
    if (!window_start_) {
        window_start_ = now;
        smallest_ = delay;
    }
    smallest_ = std::min(smallest_, delay);
    ++packets_;
    if (now - *window_start_ < kWindow || packets_ < kPacketsForWindow) {
        return std::nullopt;
    }
    auto drifted = close_window();
    window_start_.reset();
    packets_ = 0;
    return drifted;
}

std::optional<nanoseconds> DriftMeter::close_window() {
    if (!baseline_) {
        baseline_ = smallest_;
        return std::nullopt;
    }
    const nanoseconds last = deviations_.empty() ? nanoseconds{0} : deviations_.back();
    nanoseconds deviation = smallest_ - *baseline_;
    const nanoseconds step = deviation - last;
    if (std::chrono::abs(step) > kLargestStep) {
        baseline_ = *baseline_ + step;
        deviation = last;
    }
    deviations_.push_back(deviation);
    if (deviations_.size() > kMaxWindows) {
        baseline_ = smallest_;
        deviations_.clear();
        return std::nullopt;
    }
    const nanoseconds halfway = deviations_[(deviations_.size() - 1) / 2];
    const bool is_steady = std::chrono::abs(halfway) * 5 > std::chrono::abs(deviation) &&
                           std::chrono::abs(halfway) * 5 < std::chrono::abs(deviation) * 4 &&
                           (halfway < nanoseconds{0}) == (deviation < nanoseconds{0});
    if (std::chrono::abs(deviation) < kThreshold || !is_steady) {
        return std::nullopt;
    }
    deviations_.clear();
    return deviation;
}

}  // namespace siprec::assembler
