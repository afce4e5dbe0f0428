#include "recorder/admission.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace siprec::server {
namespace {

constexpr std::chrono::seconds kRetryAfter{30};

}  // namespace

void Admission::allow(std::vector<Subnet> sources) {
    const std::scoped_lock lock(mutex_);
    allowed_ = std::move(sources);
}

bool Admission::is_allowed(const IpAddress& source) const {
    const std::scoped_lock lock(mutex_);
    return allowed_.empty() || std::ranges::any_of(allowed_, [&source](const Subnet& subnet) {
               return subnet.contains(source);
           });
}

bool Admission::may_replace(const SessionInfo& running, const SessionInfo& taker) {
    // As a block, because the same IPv4 address may once come written as IPv6.
    const auto same = Subnet::parse(running.source.address.to_string());
    return takeover_ == Takeover::Anybody ||
           (takeover_ == Takeover::SameAddress && same && same->contains(taker.source.address));
}

SessionDecision Admission::on_invite(const SessionInfo& session) {
    if (!is_allowed(session.source.address)) {
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
    SessionDecision decision =
        begins_paused_ ? SessionDecision::accept_paused() : SessionDecision::accept();
    if (sinks_ != nullptr) {
        decision.more_sinks = sinks_->choose(session);
    }
    return decision;
}

}  // namespace siprec::server
