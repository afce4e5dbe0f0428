#pragma once

// RTP and RTCP bytes for the tests of this folder.

#include <siprec/audio.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace siprec::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(std::initializer_list<unsigned> values) {
    Bytes out;
    for (const unsigned value : values) {
        out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

inline void put(Bytes& out, std::uint64_t value, unsigned size) {
    for (unsigned i = size; i-- > 0;) {
        out.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xFFU));
    }
}

inline PayloadFormat format(std::uint8_t payload_type, std::string encoding, std::uint32_t rate) {
    PayloadFormat out;
    out.payload_type = payload_type;
    out.encoding = std::move(encoding);
    out.clock_rate = rate;
    return out;
}

struct RtpFields {
    std::uint16_t sequence = 1;
    std::uint32_t timestamp = 160;
    std::uint32_t ssrc = 0x11223344;
    std::uint8_t payload_type = 0;
    std::size_t payload_bytes = 160;
};

inline Bytes rtp(const RtpFields& fields) {
    Bytes out;
    put(out, 0x80, 1);
    put(out, fields.payload_type, 1);
    put(out, fields.sequence, 2);
    put(out, fields.timestamp, 4);
    put(out, fields.ssrc, 4);
    out.resize(out.size() + fields.payload_bytes, std::byte{0xD5});
    return out;
}

inline Bytes sender_report(std::uint32_t ssrc, std::uint64_t ntp, std::uint32_t timestamp) {
    Bytes out;
    put(out, 0x80C80006, 4);
    put(out, ssrc, 4);
    put(out, ntp, 8);
    put(out, timestamp, 4);
    put(out, 10, 4);    // packets
    put(out, 1600, 4);  // octets
    return out;
}

inline Bytes bye(std::uint32_t ssrc) {
    Bytes out;
    put(out, 0x81CB0001, 4);
    put(out, ssrc, 4);
    return out;
}

inline Bytes joined(Bytes first, const Bytes& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

}  // namespace siprec::test
