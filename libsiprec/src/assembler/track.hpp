#pragma once

#include "assembler/resampler.hpp"

#include <siprec/assembler.hpp>
#include <siprec/audio.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace siprec::assembler {

/// The end of the line: appends audio and gaps at the current position, brings everything to one
/// sample rate and hands it to the consumer. Nothing is ever skipped or written twice.
class Track {
  public:
    Track(std::uint32_t sample_rate, AudioConsumer& consumer, AssemblerStats& stats);

    /// Samples written so far, those included that the resampler still owes.
    [[nodiscard]] std::int64_t position() const noexcept { return position_; }

    /// Appends decoded samples of any rate.
    void samples(AudioBlock::Kind kind, std::span<const std::int16_t> samples, std::uint32_t rate);

    /// Appends `count` zeros of the track's own rate.
    void zeros(AudioBlock::Kind kind, std::int64_t count);

    /// Hands out what the resampler still owes.
    void flush();

  private:
    struct Owed {
        AudioBlock::Kind kind;
        std::uint64_t samples;
    };

    void resample(AudioBlock::Kind kind, std::span<const std::int16_t> samples, std::uint32_t rate);
    void deliver_resampled();
    void emit(AudioBlock::Kind kind, std::span<const std::int16_t> samples);

    std::uint32_t sample_rate_;
    AudioConsumer* consumer_;
    AssemblerStats* stats_;
    std::int64_t position_ = 0;
    std::uint64_t emitted_ = 0;
    std::vector<std::int16_t> silence_;
    std::optional<Resampler> resampler_;
    std::uint32_t resampler_rate_ = 0;
    std::vector<std::int16_t> resampled_;
    std::deque<Owed> owed_;  // kinds of the samples that come out of the resampler, in order
};

}  // namespace siprec::assembler
