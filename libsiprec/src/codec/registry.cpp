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

void add_g726(DecoderRegistry& registry) {
    constexpr std::size_t kKbitsABit = 8;
    for (std::size_t bits = 2; bits <= 5; ++bits) {
        for (const auto packing : {codec::G726Packing::Rfc3551, codec::G726Packing::Aal2}) {
            const char* prefix = packing == codec::G726Packing::Aal2 ? "AAL2-G726-" : "G726-";
            registry.add(fmt::format("{}{}", prefix, bits * kKbitsABit),
                         [bits, packing](const PayloadFormat& format) {
                             return codec::make_g726(format, bits, packing);
                         });
        }
    }
}

}  // namespace

Result<void> codec::expect_mono(const PayloadFormat& format, std::uint32_t clock_rate) {
    if (format.channels != 1 || format.clock_rate != clock_rate) {
        return Error(ErrorCode::Unsupported,
                     fmt::format("{} with {} channels at {} Hz",
                                 format.encoding,
                                 format.channels,
                                 format.clock_rate));
    }
    return {};
}

DecoderRegistry DecoderRegistry::with_defaults() {
    DecoderRegistry registry;
    registry.add("PCMU", codec::make_pcmu);
    registry.add("PCMA", codec::make_pcma);
    registry.add("L16", codec::make_l16);
    registry.add("OPUS", codec::make_opus);
    registry.add("G722", codec::make_g722);
    registry.add("GSM", codec::make_gsm);
    registry.add("AMR", codec::make_amr);
    registry.add("AMR-WB", codec::make_amr_wb);
    registry.add("SPEEX", codec::make_speex);
    add_g726(registry);
#ifdef SIPREC_WITH_G729
    registry.add("G729", codec::make_g729);
    // Annexes are no encodings of their own (RFC 4856 2.1.9), but devices name them.
    registry.add("G729A", codec::make_g729);
    registry.add("G729AB", codec::make_g729);
#endif
#ifdef SIPREC_WITH_ILBC
    registry.add("ILBC", codec::make_ilbc);
#endif
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
