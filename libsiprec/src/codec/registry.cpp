#include "codec/decoders.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace siprec {

namespace {

/// Encoding names are ASCII and compare without case (RFC 4855 3).
std::string upper(std::string_view name) {
    std::string folded(name);
    std::ranges::transform(folded, folded.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return folded;
}

constexpr std::uint32_t kLowestClockRate = 1000;
constexpr std::uint32_t kHighestClockRate = 384'000;

}  // namespace

DecoderRegistry DecoderRegistry::with_defaults() {
    DecoderRegistry registry;
    registry.add("PCMU", codec::make_pcmu);
    registry.add("PCMA", codec::make_pcma);
    registry.add("L16", codec::make_l16);
    registry.add("OPUS", codec::make_opus);
    return registry;
}

void DecoderRegistry::add(std::string_view encoding, Factory factory) {
    factories_.insert_or_assign(upper(encoding), std::move(factory));
}

bool DecoderRegistry::knows(std::string_view encoding) const {
    return factories_.contains(upper(encoding));
}

Result<std::unique_ptr<AudioDecoder>> DecoderRegistry::create(const PayloadFormat& format) const {
    const auto found = factories_.find(upper(format.encoding));
    if (found == factories_.end()) {
        return Error(ErrorCode::Unsupported, fmt::format("no decoder for {}", format.encoding));
    }
    if (format.channels == 0 || format.clock_rate < kLowestClockRate ||
        format.clock_rate > kHighestClockRate) {
        return Error(ErrorCode::Unsupported,
                     fmt::format("{} with {} channels at {} Hz",
                                 format.encoding,
                                 format.channels,
                                 format.clock_rate));
    }
    return found->second(format);
}

}  // namespace siprec
