#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace siprec::assembler {

/// Changes the sample rate of a stream by a windowed-sinc filter, one phase of it for each output
/// sample. Zero-phase: sample n comes out for the instant n / output rate. Owned by one thread.
class Resampler {
  public:
    Resampler(std::uint32_t input_rate, std::uint32_t output_rate);

    /// Appends what can be computed by now; the filter looks a few samples ahead.
    void process(std::span<const std::int16_t> input, std::vector<std::int16_t>& output);

    /// Appends what is still owed, as though silence followed, and begins anew.
    void flush(std::vector<std::int16_t>& output);

    /// Samples that all input since the last flush amounts to: exactly input * ratio, rounded down.
    [[nodiscard]] std::uint64_t owed() const noexcept;

  private:
    void produce(std::uint64_t limit, std::vector<std::int16_t>& output);
    [[nodiscard]] std::int16_t sample_at(std::uint64_t index) const;

    std::uint64_t up_;        // output rate / gcd
    std::uint64_t down_;      // input rate / gcd
    std::size_t half_width_;  // input samples on each side of the filter's centre
    std::size_t phases_;
    std::vector<float> taps_;     // phases_ rows of 2 * half_width_
    std::vector<float> history_;  // input from `history_start_` - half_width_ on
    std::uint64_t history_start_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t produced_ = 0;
};

}  // namespace siprec::assembler
