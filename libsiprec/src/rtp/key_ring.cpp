#include "rtp/key_ring.hpp"

#include <utility>

namespace siprec::rtp {

using srtp::Verdict;

Result<void> KeyRing::replace(const srtp::Protection& receive,
                              const srtp::Protection& send,
                              SteadyTime now) {
    if (receiver_) {
        previous_ = std::exchange(receiver_, std::nullopt);
        previous_ends_ = now + kOverlap;
    }
    sender_.reset();
    auto receiver = srtp::Receiver::create(receive);
    auto sender = srtp::Sender::create(send);
    if (!receiver) {
        return std::move(receiver).error();
    }
    if (!sender) {
        return std::move(sender).error();
    }
    if (previous_) {
        receiver->inherit_rollovers(*previous_);
    }
    receiver_ = *std::move(receiver);
    authenticates_rtp_ = receive.authenticates_rtp;
    sender_ = *std::move(sender);
    return {};
}

Verdict KeyRing::unprotect_rtp(std::span<std::byte>& packet) noexcept {
    const Verdict verdict = receiver_ ? receiver_->unprotect_rtp(packet) : Verdict::Forged;
    if (verdict == Verdict::Ok || !previous_) {
        return verdict;
    }
    // A replay under the old key is no forgery under the new one.
    const Verdict before = previous_->unprotect_rtp(packet);
    return before == Verdict::Forged ? verdict : before;
}

Verdict KeyRing::unprotect_rtcp(std::span<std::byte>& packet) noexcept {
    const Verdict verdict = receiver_ ? receiver_->unprotect_rtcp(packet) : Verdict::Forged;
    if (verdict == Verdict::Ok || !previous_) {
        return verdict;
    }
    const Verdict before = previous_->unprotect_rtcp(packet);
    return before == Verdict::Forged ? verdict : before;
}

bool KeyRing::protect_rtcp(std::vector<std::byte>& packet) noexcept {
    return sender_ && sender_->protect_rtcp(packet);
}

void KeyRing::forget(std::uint32_t ssrc) noexcept {
    if (receiver_) {
        receiver_->forget(ssrc);
    }
    if (previous_) {
        previous_->forget(ssrc);
    }
}

void KeyRing::expire(SteadyTime now) noexcept {
    if (previous_ && now >= previous_ends_) {
        previous_.reset();
    }
}

}  // namespace siprec::rtp
