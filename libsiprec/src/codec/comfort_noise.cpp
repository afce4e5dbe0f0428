#include "codec/comfort_noise.hpp"

#include <algorithm>
#include <cmath>

namespace siprec::codec {

namespace {

/// RFC 3389 3.1: 0 dBov is a square wave of full amplitude.
constexpr double kOverload = 32'767;
/// Higher orders than this tell nothing about noise.
constexpr std::size_t kMaxOrder = 16;

}  // namespace

std::optional<ComfortNoise> ComfortNoise::parse(std::span<const std::byte> payload) {
    if (payload.empty()) {
        return std::nullopt;
    }
    ComfortNoise noise;
    const unsigned level = std::to_integer<unsigned>(payload[0]) & 0x7FU;
    double power = 1;
    for (const std::byte octet : payload.subspan(1, std::min(payload.size() - 1, kMaxOrder))) {
        // RFC 3389 3.2: k = 258 (N - 127) / 32768.
        const double k =
            std::clamp(258 * (std::to_integer<int>(octet) - 127) / 32768.0, -0.99, 0.99);
        noise.reflection_.push_back(k);
        power *= 1 - k * k;
    }
    noise.state_.assign(noise.reflection_.size() + 1, 0);
    // The filter amplifies white noise by 1 / prod(1 - k^2); uniform noise in [-1, 1] has power
    // 1/3.
    noise.gain_ =
        kOverload * std::pow(10.0, -static_cast<double>(level) / 20) * std::sqrt(3 * power);
    return noise;
}

double ComfortNoise::excitation() {
    // xorshift32
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 17U;
    random_ ^= random_ << 5U;
    return static_cast<double>(random_) / 2'147'483'648.0 - 1;
}

void ComfortNoise::generate(std::size_t samples, std::vector<std::int16_t>& out) {
    out.reserve(out.size() + samples);
    for (std::size_t i = 0; i < samples; ++i) {
        // All-pole lattice: from the highest reflection coefficient to the lowest.
        double forward = gain_ * excitation();
        for (std::size_t stage = reflection_.size(); stage > 0; --stage) {
            const double k = reflection_[stage - 1];
            forward -= k * state_[stage - 1];
            state_[stage] = state_[stage - 1] + k * forward;
        }
        state_[0] = forward;
        out.push_back(
            static_cast<std::int16_t>(std::lround(std::clamp(forward, -32'768.0, 32'767.0))));
    }
}

}  // namespace siprec::codec
