#include "srtp/context.hpp"

#include <siprec/srtp.hpp>

#include <utility>

namespace siprec::srtp {

struct Sender::State {
    Context context;
    std::uint64_t lifetime;
    bool uses_mki;
    std::uint64_t packets = 0;
};

Sender::Sender(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

Sender::Sender(Sender&&) noexcept = default;
Sender& Sender::operator=(Sender&&) noexcept = default;
Sender::~Sender() = default;

Result<Sender> Sender::create(const Protection& protection) {
    if (auto started = start(); !started) {
        return std::move(started).error();
    }
    if (auto checked = Policy::check(protection); !checked) {
        return std::move(checked).error();
    }
    const Policy policy(protection, ssrc_any_outbound);
    auto context = Context::create(policy.get());
    if (!context) {
        return std::move(context).error();
    }
    return Sender(std::make_unique<State>(
        State{*std::move(context), protection.keys.front().lifetime, policy.uses_mki()}));
}

bool Sender::protect_rtp(std::vector<std::byte>& packet) noexcept {
    if (state_->packets >= state_->lifetime ||
        !state_->context.protect_rtp(packet, state_->uses_mki)) {
        return false;
    }
    ++state_->packets;
    return true;
}

bool Sender::protect_rtcp(std::vector<std::byte>& packet) noexcept {
    return state_->context.protect_rtcp(packet, state_->uses_mki);
}

}  // namespace siprec::srtp
