// Hostile real-time text, plain (payload type 98) and redundant (99): packets of some sources.
#include "render/text_stream.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace siprec::server;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// RFC 3629 4, by the ranges of its grammar; no control characters, which end no line in WebVTT.
bool is_clean(std::string_view text) {
    const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    for (std::size_t at = 0; at < text.size();) {
        const unsigned first = octet(at);
        if (first < 0x20 || first == 0x7F || (first >= 0x80 && first < 0xC2) || first > 0xF4) {
            return false;
        }
        const std::size_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        if (at + more >= text.size()) {
            return false;
        }
        for (std::size_t index = 1; index <= more; ++index) {
            const unsigned low = index > 1       ? 0x80
                                 : first == 0xE0 ? 0xA0
                                 : first == 0xF0 ? 0x90
                                                 : 0x80;
            const unsigned high = index > 1       ? 0xBF
                                  : first == 0xED ? 0x9F
                                  : first == 0xF4 ? 0x8F
                                                  : 0xBF;
            if (octet(at + index) < low || octet(at + index) > high) {
                return false;
            }
        }
        at += more + 1;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kHeaderBytes = 4;
    TextStream stream;
    stream.set_formats({{98, "T140", 1000, 1, {}}, {99, "RED", 1000, 1, {}}});
    siprec::RtpPacket packet;
    packet.arrival = siprec::WallTime(std::chrono::seconds(1'795'292'717));
    auto rest = std::as_bytes(std::span(data, size));
    while (rest.size() >= kHeaderBytes) {
        // A packet in the input: flags, sequence step (signed), time step in 4 ms, length, payload.
        const auto flags = std::to_integer<unsigned>(rest[0]);
        const auto time = std::to_integer<unsigned>(rest[2]);
        const auto length =
            std::min(std::to_integer<std::size_t>(rest[3]), rest.size() - kHeaderBytes);
        packet.ssrc = flags >> 5U;
        packet.payload_type = (flags & 1U) != 0 ? 99 : 98;
        packet.sequence = static_cast<std::uint16_t>(
            packet.sequence + static_cast<std::int8_t>(std::to_integer<unsigned>(rest[1])));
        packet.timestamp += 4 * time + ((flags & 2U) != 0 ? 0x7000'0000U : 0U);
        packet.arrival += std::chrono::milliseconds(4 * time);
        packet.payload = rest.subspan(kHeaderBytes, length);
        stream.push(packet);
        rest = rest.subspan(kHeaderBytes + length);
    }
    const auto lines = stream.lines();
    for (const TextLine& line : lines) {
        require(!line.text.empty() && is_clean(line.text));
        require(line.start <= line.end);
    }
    require(std::ranges::is_sorted(lines, {}, &TextLine::start));
    return 0;
}
