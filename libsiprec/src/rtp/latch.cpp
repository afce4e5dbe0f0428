#include "rtp/latch.hpp"

namespace siprec::rtp {

void Latch::on_offer(const std::optional<Endpoint>& offered) noexcept {
    if (offered != offered_) {
        *this = Latch(offered);
    }
}

bool Latch::takes_rtp(const Endpoint& source,
                      std::uint32_t ssrc,
                      SeqNum sequence,
                      bool is_answered,
                      WallTime arrival) noexcept {
    if (latched_ == source.address) {
        last_heard_ = arrival;
        return true;
    }
    if (offered_ && offered_->address == source.address) {
        latch_to(source.address, arrival);
        return true;
    }
    if (!is_open(arrival)) {
        return false;
    }
    if (is_answered &&
        continues_candidate(Candidate{.source = source, .ssrc = ssrc, .sequence = sequence})) {
        latch_to(source.address, arrival);
    }
    return true;
}

bool Latch::takes_rtcp(const IpAddress& source,
                       const std::optional<Endpoint>& offered_rtcp,
                       WallTime arrival) const noexcept {
    return is_open(arrival) || latched_ == source || (offered_ && offered_->address == source) ||
           (offered_rtcp && offered_rtcp->address == source);
}

void Latch::latch_to(const IpAddress& source, WallTime arrival) noexcept {
    latched_ = source;
    last_heard_ = arrival;
    candidates_ = {};
}

bool Latch::is_open(WallTime arrival) const noexcept {
    return !latched_ || arrival - last_heard_ >= kSilence;
}

bool Latch::continues_candidate(const Candidate& packet) noexcept {
    for (auto& candidate : candidates_) {
        if (candidate && candidate->source == packet.source && candidate->ssrc == packet.ssrc) {
            const bool consecutive = packet.sequence == candidate->sequence.plus(1);
            candidate->sequence = packet.sequence;
            return consecutive;
        }
    }
    candidates_[next_candidate_] = packet;
    next_candidate_ = (next_candidate_ + 1) % candidates_.size();
    return false;
}

}  // namespace siprec::rtp
