#include "sdp/payload_types.hpp"

#include <algorithm>
#include <array>

namespace siprec::sdp {

namespace {

constexpr std::array<StaticPayload, 26> kStaticPayloads{{
    {0, "PCMU", 8000, 1},
    // Interop(Metaswitch, observed): type 2 without rtpmap; RFC 3551 6 reserves it, for what was
    // once named G721 and is G726-32 today.
    {2, "G726-32", 8000, 1},
    {3, "GSM", 8000, 1},
    {4, "G723", 8000, 1},
    {5, "DVI4", 8000, 1},
    {6, "DVI4", 16000, 1},
    {7, "LPC", 8000, 1},
    {8, "PCMA", 8000, 1},
    // RFC 3551 4.5.2: the clock stays at 8000 although G.722 samples at 16000.
    {9, "G722", 8000, 1},
    {10, "L16", 44100, 2},
    {11, "L16", 44100, 1},
    {12, "QCELP", 8000, 1},
    {13, "CN", 8000, 1},
    {14, "MPA", 90000, 1},
    {15, "G728", 8000, 1},
    {16, "DVI4", 11025, 1},
    {17, "DVI4", 22050, 1},
    {18, "G729", 8000, 1},
    // Interop(several, observed): comfort noise under its number from before RFC 3389.
    {19, "CN", 8000, 1},
    {25, "CELB", 90000, 1},
    {26, "JPEG", 90000, 1},
    {28, "NV", 90000, 1},
    {31, "H261", 90000, 1},
    {32, "MPV", 90000, 1},
    {33, "MP2T", 90000, 1},
    {34, "H263", 90000, 1},
}};

}  // namespace

std::optional<StaticPayload> static_payload(std::uint8_t payload_type) noexcept {
    const auto* found =
        std::ranges::find(kStaticPayloads, payload_type, &StaticPayload::payload_type);
    return found == kStaticPayloads.end() ? std::nullopt : std::optional(*found);
}

}  // namespace siprec::sdp
