// Datagrams of any kind on a stream that waits for DTLS: the first byte of the input says who we
// are, then each datagram has its length in front (two bytes). Nobody without the right certificate
// gets keys, and nothing is ever decrypted.
#include "rtp/demux.hpp"
#include "rtp/stream_security.hpp"

#include <siprec/dtls.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

using siprec::rtp::Channel;
using siprec::rtp::DatagramKind;
using siprec::rtp::StreamSecurity;

void require(bool holds, const char* what) {
    if (!holds) {
        static_cast<void>(std::fprintf(stderr, "does not hold: %s\n", what));
        std::abort();
    }
}

siprec::srtp::DtlsTerms terms(bool is_client) {
    static const auto certificate = *siprec::srtp::Certificate::generate();
    siprec::srtp::DtlsTerms terms;
    terms.role = is_client ? siprec::srtp::DtlsRole::Client : siprec::srtp::DtlsRole::Server;
    terms.certificate = certificate;
    terms.peer = {siprec::srtp::Fingerprint{.hash = siprec::srtp::Hash::Sha256,
                                            .digest = std::vector<std::byte>(32)}};
    terms.suites = {siprec::srtp::Suite::AesCm128HmacSha1_80, siprec::srtp::Suite::AeadAes256Gcm};
    return terms;
}

void take(StreamSecurity& security, std::span<std::byte> bytes, const StreamSecurity::Send& send) {
    const siprec::Endpoint source{.address = siprec::IpAddress::v4({192, 0, 2, 7}), .port = 4000};
    const siprec::rtp::Datagram datagram{
        .bytes = bytes, .source = source, .arrival = {}, .is_cut = false};
    const auto kind = siprec::rtp::classify(bytes);
    if (kind == DatagramKind::Dtls || kind == DatagramKind::Stun) {
        static_cast<void>(security.takes_handshake(Channel::Rtp, datagram, send));
    } else if (!security.keeps_early(Channel::Rtp, datagram, siprec::WallTime{})) {
        auto view = bytes;
        require(security.unprotect_rtp(view) != siprec::srtp::Verdict::Ok, "no keys, no media");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> input(size);
    std::transform(data, data + size, input.begin(), [](std::uint8_t b) { return std::byte{b}; });
    std::span<std::byte> rest(input);
    if (rest.empty()) {
        return 0;
    }
    StreamSecurity security(false);
    const StreamSecurity::Send send =
        [](Channel, const siprec::Endpoint&, std::span<const std::byte>) {};
    const auto agreed = terms((rest[0] & std::byte{1}) != std::byte{0});
    require(security.rekey(agreed, {}, siprec::SteadyTime{}, send).has_value(), "terms are good");
    rest = rest.subspan(1);
    while (rest.size() >= 2) {
        const auto wanted =
            std::to_integer<std::size_t>(rest[0]) << 8U | std::to_integer<std::size_t>(rest[1]);
        rest = rest.subspan(2);
        const std::size_t count = std::min(wanted, rest.size());
        take(security, rest.first(count), send);
        rest = rest.subspan(count);
    }
    require(security.release_early().empty(), "nothing is released without keys");
    return 0;
}
