#include "assembler/resampler.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace siprec::assembler {

namespace {

/// Sinc lobes on each side: stop band below -70 dB, transition a tenth of the band.
constexpr double kLobes = 24;
constexpr double kPassBand = 0.94;
/// Beyond this many phases (rates without a common divisor) the nearest is taken.
constexpr std::uint64_t kMaxPhases = 480;

/// Blackman window, |x| <= 1.
double window(double x) {
    return 0.42 + 0.5 * std::cos(std::numbers::pi * x) + 0.08 * std::cos(2 * std::numbers::pi * x);
}

double sinc(double x) {
    const double angle = std::numbers::pi * x;
    return std::abs(angle) < 1e-9 ? 1 : std::sin(angle) / angle;
}

}  // namespace

Resampler::Resampler(std::uint32_t input_rate, std::uint32_t output_rate)
    : up_(output_rate / std::gcd(input_rate, output_rate)),
      down_(input_rate / std::gcd(input_rate, output_rate)),
      half_width_(0),
      phases_(std::min(up_, kMaxPhases)) {
    const double ratio = static_cast<double>(up_) / static_cast<double>(down_);
    const double cutoff = kPassBand * std::min(1.0, ratio);
    half_width_ = static_cast<std::size_t>(std::ceil(kLobes / std::min(1.0, ratio)));
    const std::size_t width = 2 * half_width_;
    taps_.resize(phases_ * width);
    for (std::size_t phase = 0; phase < phases_; ++phase) {
        const auto row = std::span(taps_).subspan(phase * width, width);
        const double fraction = static_cast<double>(phase) / static_cast<double>(phases_);
        for (std::size_t tap = 0; tap < width; ++tap) {
            const double distance =
                static_cast<double>(tap) - static_cast<double>(half_width_ - 1) - fraction;
            const double edge = distance / static_cast<double>(half_width_);
            row[tap] =
                static_cast<float>(std::abs(edge) > 1 ? 0 : sinc(cutoff * distance) * window(edge));
        }
        const float sum = std::accumulate(row.begin(), row.end(), 0.0F);
        std::ranges::transform(row, row.begin(), [sum](float tap) { return tap / sum; });
    }
    history_.assign(half_width_, 0);
}

std::uint64_t Resampler::owed() const noexcept {
    return taken_ * up_ / down_;
}

void Resampler::process(std::span<const std::int16_t> input, std::vector<std::int16_t>& output) {
    history_.insert(history_.end(), input.begin(), input.end());
    taken_ += input.size();
    const std::uint64_t complete = taken_ > half_width_ ? taken_ - half_width_ : 0;
    produce(std::min(complete * up_ / down_, owed()), output);
}

void Resampler::flush(std::vector<std::int16_t>& output) {
    history_.resize(history_.size() + half_width_ + 1, 0);
    produce(owed(), output);
    history_.assign(half_width_, 0);
    history_start_ = 0;
    taken_ = 0;
    produced_ = 0;
}

void Resampler::produce(std::uint64_t limit, std::vector<std::int16_t>& output) {
    for (; produced_ < limit; ++produced_) {
        output.push_back(sample_at(produced_));
    }
    const std::uint64_t oldest_needed = produced_ * down_ / up_;
    if (oldest_needed > history_start_) {
        const auto surplus = static_cast<std::ptrdiff_t>(oldest_needed - history_start_);
        history_.erase(history_.begin(), history_.begin() + surplus);
        history_start_ = oldest_needed;
    }
}

std::int16_t Resampler::sample_at(std::uint64_t index) const {
    const std::uint64_t numerator = index * down_;
    const std::size_t start = numerator / up_ - history_start_;
    const std::size_t phase = numerator % up_ * phases_ / up_;
    const std::size_t width = 2 * half_width_;
    // The row's centre, tap half_width_ - 1, belongs to the input sample at or before the instant.
    const float* taps = taps_.data() + phase * width;
    const float* samples = history_.data() + start + 1;
    const float value = std::inner_product(samples, samples + width, taps, 0.0F);
    return static_cast<std::int16_t>(std::lrint(std::clamp(value, -32768.0F, 32767.0F)));
}

}  // namespace siprec::assembler
