// RTP packets from hostile bytes; what parses feeds a source table, as a media thread would.
#include "rtp/demux.hpp"
#include "rtp/source_table.hpp"

#include <siprec/rtp.hpp>

#include <algorithm>
#include <chrono>
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

void check_packet(std::span<const std::byte> datagram, siprec::rtp::SourceTable& sources) {
    static_cast<void>(siprec::rtp::classify(datagram));
    const auto packet = siprec::parse_rtp(datagram);
    if (!packet) {
        return;
    }
    require(packet->bytes.size() == datagram.size());
    require(packet->csrcs.size() % 4 == 0 && packet->csrcs.size() <= 60);
    require(12 + packet->csrcs.size() + packet->payload.size() <= datagram.size());
    require(packet->payload_type < 128);
    const siprec::WallTime arrival{std::chrono::nanoseconds(packet->timestamp) * 1000};
    sources.on_rtp(packet->ssrc,
                   siprec::rtp::SeqNum(packet->sequence),
                   packet->timestamp,
                   packet->payload_type * 1000U,
                   arrival);
    require(sources.size() <= siprec::rtp::SourceTable::kMaxSources);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    siprec::rtp::SourceTable sources;
    auto rest = std::as_bytes(std::span(data, size));
    check_packet(rest, sources);
    // Then the same bytes as a run of small datagrams, each with its length in front.
    while (!rest.empty()) {
        const std::size_t length =
            std::min(std::to_integer<std::size_t>(rest.front()), rest.size() - 1);
        check_packet(rest.subspan(1, length), sources);
        rest = rest.subspan(1 + length);
    }
    static_cast<void>(sources.reports(siprec::WallTime{}));
    static_cast<void>(sources.jitter());
    return 0;
}
