#include "rtp/demux.hpp"

#include "packets.hpp"

#include <catch2/catch.hpp>

using siprec::rtp::classify;
using siprec::rtp::DatagramKind;
using siprec::test::bytes;

TEST_CASE("demux: only first bytes 128 to 191 are RTP or RTCP", "[unit][rtp][rfc7983][7983-7-1]") {
    for (unsigned first = 0; first < 256; ++first) {
        const bool expected = first >= 128 && first <= 191;
        CHECK((classify(bytes({first, 0, 0, 0})) == DatagramKind::Rtp) == expected);
        CHECK((classify(bytes({first, 200, 0, 0})) == DatagramKind::Rtcp) == expected);
    }
}

TEST_CASE("demux: second bytes 192 to 223 are RTCP", "[unit][rtp][rfc5761][5761-4-1]") {
    for (unsigned second = 0; second < 256; ++second) {
        const auto expected =
            second >= 192 && second <= 223 ? DatagramKind::Rtcp : DatagramKind::Rtp;
        CHECK(classify(bytes({0x80, second, 0, 0})) == expected);
    }
}

TEST_CASE("demux: a datagram of fewer than two bytes is neither", "[unit][rtp]") {
    CHECK(classify({}) == DatagramKind::Other);
    CHECK(classify(bytes({0x80})) == DatagramKind::Other);
}

TEST_CASE("demux: first bytes tell STUN and DTLS", "[unit][rtp][rfc7983][7983-7-1]") {
    for (unsigned first = 0; first < 256; ++first) {
        const auto kind = classify(bytes({first, 0, 0, 0}));
        CHECK((kind == DatagramKind::Stun) == (first <= 3));
        CHECK((kind == DatagramKind::Dtls) == (first >= 20 && first <= 63));
    }
}
