#include "assembler/track.hpp"

#include <algorithm>

namespace siprec::assembler {

Track::Track(std::uint32_t sample_rate, AudioConsumer& consumer, AssemblerStats& stats)
    : sample_rate_(sample_rate), consumer_(&consumer), stats_(&stats), silence_(sample_rate, 0) {}

void Track::samples(AudioBlock::Kind kind,
                    std::span<const std::int16_t> samples,
                    std::uint32_t rate) {
    if (rate != sample_rate_) {
        resample(kind, samples, rate);
        return;
    }
    flush();
    emit(kind, samples);
    position_ += static_cast<std::int64_t>(samples.size());
}

void Track::zeros(AudioBlock::Kind kind, std::int64_t count) {
    if (count <= 0) {
        return;
    }
    flush();
    position_ += count;
    for (auto left = static_cast<std::uint64_t>(count); left > 0;) {
        const std::size_t piece = std::min<std::uint64_t>(left, silence_.size());
        emit(kind, std::span(silence_).first(piece));
        left -= piece;
    }
}

void Track::flush() {
    if (resampler_) {
        resampler_->flush(resampled_);
        deliver_resampled();
    }
}

void Track::resample(AudioBlock::Kind kind,
                     std::span<const std::int16_t> samples,
                     std::uint32_t rate) {
    if (!resampler_ || resampler_rate_ != rate) {
        flush();
        resampler_.emplace(rate, sample_rate_);
        resampler_rate_ = rate;
    }
    const std::uint64_t before = resampler_->owed();
    resampler_->process(samples, resampled_);
    const std::uint64_t added = resampler_->owed() - before;
    if (owed_.empty() || owed_.back().kind != kind) {
        owed_.push_back({.kind = kind, .samples = 0});
    }
    owed_.back().samples += added;
    position_ += static_cast<std::int64_t>(added);
    deliver_resampled();
}

void Track::deliver_resampled() {
    std::span<const std::int16_t> rest = resampled_;
    while (!rest.empty() && !owed_.empty()) {
        Owed& front = owed_.front();
        const std::size_t piece = std::min<std::uint64_t>(rest.size(), front.samples);
        emit(front.kind, rest.first(piece));
        rest = rest.subspan(piece);
        front.samples -= piece;
        if (front.samples == 0) {
            owed_.pop_front();
        }
    }
    resampled_.clear();
}

void Track::emit(AudioBlock::Kind kind, std::span<const std::int16_t> samples) {
    if (samples.empty()) {
        return;
    }
    switch (kind) {
        case AudioBlock::Kind::Voice:
            stats_->samples_voice += samples.size();
            break;
        case AudioBlock::Kind::Lost:
            stats_->samples_lost += samples.size();
            break;
        case AudioBlock::Kind::Silence:
            stats_->samples_silence += samples.size();
            break;
    }
    consumer_->on_audio(AudioBlock{
        .kind = kind, .sample_rate = sample_rate_, .position = emitted_, .samples = samples});
    emitted_ += samples.size();
}

}  // namespace siprec::assembler
