// RTCP compounds from hostile bytes, as a stream's reporter takes them.
#include "rtp/rtcp.hpp"
#include "rtp/rtcp_reporter.hpp"
#include "rtp/source_table.hpp"

#include <siprec/rtp.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_parts(std::span<const std::byte> compound, bool is_valid) {
    const std::size_t whole = compound.size();
    std::size_t bodies = 0;
    while (const auto part = siprec::rtp::take_part(compound)) {
        bodies += part->body.size();
        static_cast<void>(siprec::rtp::sender_of(*part));
        static_cast<void>(siprec::rtp::middle_ntp(*part));
    }
    require(bodies <= whole);
    require(!is_valid || compound.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto compound = std::as_bytes(std::span(data, size));
    const bool is_valid = siprec::rtp::is_valid_compound(compound);
    check_parts(compound, is_valid);
    require(is_valid || !siprec::find_sender_report(compound));
    if (is_valid) {
        siprec::rtp::SourceTable sources;
        siprec::rtp::RtcpReporter reporter(
            siprec::SteadyTime{}, [] { return 1U; }, "fuzz");
        reporter.on_rtcp(compound, siprec::Endpoint{}, siprec::WallTime{}, sources);
        require(sources.size() <= siprec::rtp::SourceTable::kMaxSources);
    }
    return 0;
}
