#include "sinks/framer.hpp"

#include <algorithm>
#include <utility>

namespace siprec::sinks {

Framer::Framer(std::uint32_t sample_rate,
               std::size_t frame_samples,
               std::function<void(const AudioBlock& frame)> on_frame)
    : sample_rate_(sample_rate),
      frame_samples_(frame_samples),
      on_frame_(std::move(on_frame)),
      silent_(sample_rate) {
    held_.reserve(frame_samples);
}

void Framer::on_audio(const AudioBlock& block) {
    if (block.kind != AudioBlock::Kind::Silence) {
        silent_ = 0;
        hold(block);
        return;
    }
    const std::uint64_t room = sample_rate_ - std::min<std::uint64_t>(silent_, sample_rate_);
    const std::size_t taken = std::min<std::uint64_t>(block.samples.size(), room);
    silent_ += block.samples.size();
    AudioBlock first = block;
    first.samples = block.samples.first(taken);
    hold(first);
    if (taken < block.samples.size()) {
        flush();
    }
}

void Framer::hold(const AudioBlock& block) {
    for (std::size_t taken = 0; taken < block.samples.size();) {
        if (held_.empty()) {
            position_ = block.position + taken;
            kind_ = block.kind;
        } else if (kind_ != block.kind) {
            const bool is_lossy =
                kind_ == AudioBlock::Kind::Lost || block.kind == AudioBlock::Kind::Lost;
            kind_ = is_lossy ? AudioBlock::Kind::Lost : AudioBlock::Kind::Voice;
        }
        const auto part = block.samples.subspan(
            taken, std::min(frame_samples_ - held_.size(), block.samples.size() - taken));
        held_.insert(held_.end(), part.begin(), part.end());
        taken += part.size();
        if (held_.size() == frame_samples_) {
            flush();
        }
    }
}

void Framer::flush() {
    if (held_.empty()) {
        return;
    }
    on_frame_(
        {.kind = kind_, .sample_rate = sample_rate_, .position = position_, .samples = held_});
    held_.clear();
}

}  // namespace siprec::sinks
