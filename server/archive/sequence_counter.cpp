#include "archive/sequence_counter.hpp"

#include <algorithm>

namespace siprec::server {

namespace {

constexpr std::int64_t kWindow = 64;  // sequence numbers that `recent` remembers

}  // namespace

void SequenceCounter::add(std::uint32_t ssrc, std::uint16_t sequence) {
    const auto [entry, is_new] = sources_.try_emplace(ssrc);
    Source& source = entry->second;
    if (is_new) {
        source.first = source.highest = sequence;
        return;
    }
    // The distance as a signed 16-bit number is right across the wrap (RFC 3550 A.1).
    advance(source,
            static_cast<std::int16_t>(
                static_cast<std::uint16_t>(sequence - static_cast<std::uint16_t>(source.highest))));
}

void SequenceCounter::advance(Source& source, std::int64_t step) {
    if (step > 0) {
        source.recent = step < kWindow ? (source.recent << static_cast<unsigned>(step)) | 1U : 1U;
        source.highest += step;
        ++source.received;
        return;
    }
    if (-step < kWindow) {
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(-step);
        if ((source.recent & bit) != 0) {
            ++duplicates_;
            return;
        }
        source.recent |= bit;
    }
    source.first = std::min(source.first, source.highest + step);
    ++source.received;
}

std::int64_t SequenceCounter::lost() const noexcept {
    std::int64_t lost = 0;
    for (const auto& [ssrc, source] : sources_) {
        lost += source.highest - source.first + 1 - source.received;
    }
    return lost;
}

std::vector<std::uint32_t> SequenceCounter::ssrcs() const {
    constexpr std::size_t kMost = 64;
    std::vector<std::uint32_t> ssrcs;
    for (const auto& [ssrc, source] : sources_) {
        if (ssrcs.size() < kMost) {
            ssrcs.push_back(ssrc);
        }
    }
    return ssrcs;
}

}  // namespace siprec::server
