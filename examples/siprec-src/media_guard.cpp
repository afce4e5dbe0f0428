#include "media_guard.hpp"

#include <chrono>
#include <variant>

namespace srcsim {

using siprec::srtp::DtlsAssociation;
using siprec::srtp::DtlsTerms;
using siprec::srtp::Protection;
using siprec::srtp::SdesKeys;

namespace {

// RFC 7983 7.
bool is_dtls(std::span<const std::byte> datagram) noexcept {
    return !datagram.empty() && datagram[0] >= std::byte{20} && datagram[0] <= std::byte{63};
}

}  // namespace

MediaGuard::MediaGuard(siprec::srtp::Keying keying) : keying_(std::move(keying)) {
    if (const auto* sdes = std::get_if<SdesKeys>(&keying_)) {
        take_keys(sdes->receive, sdes->send);
    } else if (const auto* terms = std::get_if<DtlsTerms>(&keying_)) {
        if (auto made = DtlsAssociation::create(*terms)) {
            dtls_ = *std::move(made);
            dtls_->start();
        }
    }
}

void MediaGuard::take_keys(const Protection& receive, const Protection& send) {
    auto sender = siprec::srtp::Sender::create(send);
    auto receiver = siprec::srtp::Receiver::create(receive);
    if (sender && receiver) {
        sender_ = *std::move(sender);
        receiver_ = *std::move(receiver);
    }
}

bool MediaGuard::is_ready() const noexcept {
    return std::holds_alternative<std::monostate>(keying_) || sender_.has_value();
}

bool MediaGuard::protect_rtp(std::vector<std::byte>& packet) noexcept {
    return sender_ ? sender_->protect_rtp(packet) : is_ready();
}

bool MediaGuard::protect_rtcp(std::vector<std::byte>& packet) noexcept {
    return sender_ ? sender_->protect_rtcp(packet) : is_ready();
}

bool MediaGuard::receive(std::span<std::byte> datagram) {
    if (dtls_ && is_dtls(datagram)) {
        dtls_->receive(datagram);
        take_handshake_keys();
        return false;
    }
    return receiver_ ? receiver_->unprotect_rtcp(datagram) == siprec::srtp::Verdict::Ok
                     : is_ready();
}

std::vector<std::vector<std::byte>> MediaGuard::take_handshake() {
    if (!dtls_) {
        return {};
    }
    if (const auto left = dtls_->timeout(); left && left->count() <= 0) {
        dtls_->on_timeout();
    }
    return dtls_->take_output();
}

void MediaGuard::take_handshake_keys() {
    if (const auto& keys = dtls_->keys(); keys && !sender_) {
        take_keys(keys->receive, keys->send);
    }
}

}  // namespace srcsim
