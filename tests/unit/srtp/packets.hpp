#pragma once

#include <siprec/srtp.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace siprec::test {

using Bytes = std::vector<std::byte>;

/// RTP with a payload that says which packet it is.
inline Bytes rtp(std::uint32_t ssrc, std::uint16_t sequence, std::size_t payload = 160) {
    Bytes packet(12 + payload, static_cast<std::byte>(sequence & 0xFFU));
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{0};
    packet[2] = static_cast<std::byte>(sequence >> 8U);
    packet[3] = static_cast<std::byte>(sequence & 0xFFU);
    for (std::size_t i = 0; i < 4; ++i) {
        packet[4 + i] = std::byte{0};
        packet[8 + i] = static_cast<std::byte>(ssrc >> (24 - 8 * i) & 0xFFU);
    }
    return packet;
}

/// An empty receiver report.
inline Bytes rtcp(std::uint32_t ssrc) {
    Bytes packet(8);
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{201};
    packet[3] = std::byte{1};
    for (std::size_t i = 0; i < 4; ++i) {
        packet[4 + i] = static_cast<std::byte>(ssrc >> (24 - 8 * i) & 0xFFU);
    }
    return packet;
}

inline srtp::Protection random_keys(srtp::Suite suite) {
    const auto& traits = srtp::traits(suite);
    srtp::Protection protection;
    protection.suite = suite;
    srtp::MasterKey key;
    key.key = srtp::Secret::random(traits.key_bytes + traits.salt_bytes);
    protection.keys.push_back(std::move(key));
    return protection;
}

/// Verdict on a packet, and what was made of it.
inline std::pair<srtp::Verdict, Bytes> open_rtp(srtp::Receiver& receiver, Bytes packet) {
    std::span<std::byte> view(packet);
    const auto verdict = receiver.unprotect_rtp(view);
    return {verdict, Bytes(view.begin(), view.end())};
}

inline std::pair<srtp::Verdict, Bytes> open_rtcp(srtp::Receiver& receiver, Bytes packet) {
    std::span<std::byte> view(packet);
    const auto verdict = receiver.unprotect_rtcp(view);
    return {verdict, Bytes(view.begin(), view.end())};
}

}  // namespace siprec::test
