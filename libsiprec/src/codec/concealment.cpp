#include "codec/concealment.hpp"

#include <algorithm>
#include <cmath>

namespace siprec::codec {

namespace {

// G.711 Appendix I: pitch between 66 and 200 Hz, found over 20 ms; full level for 10 ms, nothing
// left after 60.
constexpr std::size_t kHighestPitchHz = 200;
constexpr std::size_t kLowestPitchHz = 66;
constexpr std::size_t kWindowsPerSecond = 50;
constexpr std::size_t kFullLevelsPerSecond = 100;
constexpr std::size_t kFadeMs = 60;

}  // namespace

Concealment::Concealment(std::uint32_t sample_rate)
    : sample_rate_(sample_rate),
      history_(sample_rate / kWindowsPerSecond + sample_rate / kLowestPitchHz + 1, 0) {}

void Concealment::remember(std::span<const std::int16_t> heard) {
    elapsed_ = 0;
    const std::size_t taken = std::min(heard.size(), history_.size());
    std::shift_left(history_.begin(), history_.end(), static_cast<std::ptrdiff_t>(taken));
    std::ranges::copy(heard.last(taken), history_.end() - static_cast<std::ptrdiff_t>(taken));
}

/// The lag at which the end of the history resembles itself most.
std::size_t Concealment::pitch_period() const {
    const std::size_t window = sample_rate_ / kWindowsPerSecond;
    const std::size_t shortest = std::max<std::size_t>(1, sample_rate_ / kHighestPitchHz);
    const std::size_t longest = history_.size() - window;
    const auto recent = std::span(history_).last(window);
    std::size_t best = longest;
    double best_match = 0;
    for (std::size_t lag = shortest; lag <= longest; ++lag) {
        const auto earlier = std::span(history_).subspan(history_.size() - window - lag, window);
        double product = 0;
        double energy = 1;
        for (std::size_t i = 0; i < window; ++i) {
            product += static_cast<double>(recent[i]) * earlier[i];
            energy += static_cast<double>(earlier[i]) * earlier[i];
        }
        const double match = product / std::sqrt(energy);
        if (match > best_match) {
            best_match = match;
            best = lag;
        }
    }
    return best;
}

/// One period, its last quarter blended into what came before its first sample, so that it can be
/// repeated without a seam.
void Concealment::make_cycle() {
    const std::size_t period = pitch_period();
    const auto end = history_.end();
    cycle_.assign(end - static_cast<std::ptrdiff_t>(period), end);
    const std::size_t blended = std::min(period / 4, history_.size() - period);
    const auto before = std::span(history_).subspan(history_.size() - period - blended, blended);
    for (std::size_t i = 0; i < blended; ++i) {
        const double weight = static_cast<double>(i + 1) / static_cast<double>(blended + 1);
        std::int16_t& sample = cycle_[period - blended + i];
        sample = static_cast<std::int16_t>(std::lround((1 - weight) * sample + weight * before[i]));
    }
}

void Concealment::extend(std::size_t samples, std::vector<std::int16_t>& out) {
    if (elapsed_ == 0 && samples > 0) {
        make_cycle();
    }
    const std::size_t full = sample_rate_ / kFullLevelsPerSecond;
    const std::size_t end = std::size_t{sample_rate_} * kFadeMs / 1000;
    const std::size_t first = out.size();
    out.resize(first + samples, 0);
    for (std::size_t i = 0; i < samples && elapsed_ < end; ++i, ++elapsed_) {
        const double level =
            elapsed_ < full ? 1
                            : static_cast<double>(end - elapsed_) / static_cast<double>(end - full);
        out[first + i] =
            static_cast<std::int16_t>(std::lround(level * cycle_[elapsed_ % cycle_.size()]));
    }
}

Result<void> ConcealingDecoder::decode(std::span<const std::byte> payload,
                                       std::vector<std::int16_t>& out) {
    const std::size_t before = out.size();
    auto decoded = decode_payload(payload, out);
    if (!decoded) {
        out.resize(before);
        return decoded;
    }
    concealment_.remember(std::span(out).subspan(before));
    return {};
}

void ConcealingDecoder::conceal(std::size_t samples, std::vector<std::int16_t>& out) {
    concealment_.extend(samples, out);
}

}  // namespace siprec::codec
