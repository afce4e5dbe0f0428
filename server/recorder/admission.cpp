#include "recorder/admission.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace siprec::server {
namespace {

constexpr std::chrono::seconds kRetryAfter{30};

/// `::ffff:192.0.2.1`, as a socket for both families sees an IPv4 peer, is 192.0.2.1 (RFC
/// 4291 2.5.5.2).
IpAddress unmapped(const IpAddress& address) {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const auto bytes = address.bytes();
    if (!address.is_v6() || !std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
        return address;
    }
    return IpAddress::v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

std::vector<IpAddress> unmapped(std::vector<IpAddress> addresses) {
    for (IpAddress& address : addresses) {
        address = unmapped(address);
    }
    return addresses;
}

}  // namespace

Admission::Admission(const std::vector<IpAddress>& allowed_sources, Takeover takeover)
    : allowed_(unmapped(allowed_sources)), takeover_(takeover) {}

bool Admission::may_replace(const SessionInfo& running, const SessionInfo& taker) {
    return takeover_ == Takeover::Anybody ||
           (takeover_ == Takeover::SameAddress &&
            unmapped(running.source.address) == unmapped(taker.source.address));
}

SessionDecision Admission::on_invite(const SessionInfo& session) {
    const IpAddress source = unmapped(session.source.address);
    if (!allowed_.empty() &&
        std::find(allowed_.begin(), allowed_.end(), source) == allowed_.end()) {
        return SessionDecision::refuse(403, "source address is not in allowed_sources");
    }
    // RFC 7866 6.1.1 leaves it to us what becomes of an INVITE that asks for no recording.
    if (!session.evidence.is_any()) {
        return SessionDecision::refuse(403, "not a recording session");
    }
    if (disk_full_.load(std::memory_order_relaxed)) {
        return SessionDecision::refuse(503, "the disk is nearly full", kRetryAfter);
    }
    if (writer_failing_.load(std::memory_order_relaxed)) {
        return SessionDecision::refuse(503, "captures cannot be written", kRetryAfter);
    }
    return SessionDecision::accept();
}

}  // namespace siprec::server
