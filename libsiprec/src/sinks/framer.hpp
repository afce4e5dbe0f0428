#pragma once

// Cuts a track's audio into frames of one length.

#include <siprec/audio.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace siprec::sinks {

/// Every frame has the same number of samples, but for those before a hole and the last. Of a long
/// silence only the first second is handed on, and nothing of one before the first sound: a session
/// that was on hold for an hour, or had run for one before the sink was attached, must not come as
/// an hour of zeros in one piece. The position of what follows shows the hole. Owned by one thread.
class Framer final : public AudioConsumer {
  public:
    /// @param on_frame  gets each frame. Its kind: Voice; Lost when some of it was lost; Silence
    ///                  when all of it is
    Framer(std::uint32_t sample_rate,
           std::size_t frame_samples,
           std::function<void(const AudioBlock& frame)> on_frame);

    void on_audio(const AudioBlock& block) override;

    /// Hands on what does not fill a frame.
    void flush();

  private:
    void hold(const AudioBlock& block);

    const std::uint32_t sample_rate_;
    const std::size_t frame_samples_;
    const std::function<void(const AudioBlock& frame)> on_frame_;
    std::vector<std::int16_t> held_;
    AudioBlock::Kind kind_ = AudioBlock::Kind::Silence;
    std::uint64_t position_ = 0;  // of what is held
    std::uint64_t silent_;        // samples, up to the end of the last block
};

}  // namespace siprec::sinks
