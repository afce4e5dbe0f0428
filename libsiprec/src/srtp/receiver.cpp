#include "srtp/context.hpp"

#include <siprec/srtp.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace siprec::srtp {

namespace {

constexpr std::size_t kRtpHeader = 12;
constexpr std::size_t kRtcpHeader = 8;

std::uint32_t read_word(std::span<const std::byte> packet, std::size_t at) noexcept {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        word = word << 8U | std::to_integer<std::uint32_t>(packet[at + i]);
    }
    return word;
}

Verdict to_verdict(srtp_err_status_t status) noexcept {
    switch (status) {
        case srtp_err_status_ok:
            return Verdict::Ok;
        case srtp_err_status_replay_fail:
        case srtp_err_status_replay_old:
        case srtp_err_status_pkt_idx_old:
            return Verdict::Replayed;
        case srtp_err_status_key_expired:
            return Verdict::Expired;
        case srtp_err_status_auth_fail:
        case srtp_err_status_bad_mki:
        case srtp_err_status_cipher_fail:
        case srtp_err_status_algo_fail:
            return Verdict::Forged;
        default:
            return Verdict::Malformed;
    }
}

}  // namespace

struct Receiver::State {
    State(const Protection& protection, Context made, std::optional<Context> made_for_rtcp)
        : policy(protection, ssrc_any_inbound),
          context(std::move(made)),
          rtcp_context(std::move(made_for_rtcp)),
          is_aead(traits(protection.suite).is_aead),
          authenticates(protection.authenticates_rtp) {
        for (const MasterKey& key : protection.keys) {
            lifetime = std::min(kMaxLifetime, lifetime + std::min(key.lifetime, kMaxLifetime));
        }
    }

    [[nodiscard]] std::optional<std::uint32_t> rollover(std::uint32_t ssrc) const noexcept {
        std::uint32_t counter = 0;
        const auto status = srtp_get_stream_roc(context.get(), ssrc, &counter);
        return status == srtp_err_status_ok ? std::optional(counter) : std::nullopt;
    }

    /// Bounded by forgetting the eldest, with all that libsrtp2 keeps of it: who has the key could
    /// otherwise make us remember 2^32 SSRCs.
    void note(std::uint32_t ssrc) {
        if (!heard.empty() && heard.back() == ssrc) {
            return;
        }
        if (const auto known = std::ranges::find(heard, ssrc); known != heard.end()) {
            std::iter_swap(known, std::prev(heard.end()));
            return;
        }
        if (heard.size() == kMaxSources) {
            static_cast<void>(srtp_remove_stream(context.get(), htonl(heard.front())));
            heard.erase(heard.begin());
        }
        heard.push_back(ssrc);
    }

    srtp_err_status_t unprotect(std::span<std::byte>& packet);
    bool guess_rollover(std::span<std::byte>& packet, std::uint32_t ssrc);
    bool try_rollover(std::span<std::byte>& packet, std::uint32_t ssrc, std::uint32_t counter);

    // More than the one packet in ten thousand that needs a guess, little for who sends forgeries.
    static constexpr std::uint32_t kMaxGuesses = 32;
    static constexpr std::size_t kMaxSources = 64;

    Policy policy;
    Context context;
    std::optional<Context> rtcp_context;
    bool is_aead;
    bool authenticates;
    std::uint64_t lifetime = 0;
    std::uint64_t packets = 0;
    std::uint32_t guesses = kMaxGuesses;
    std::vector<std::uint32_t> heard;  // the SSRCs of authentic packets
    std::map<std::uint32_t, std::uint32_t> inherited;
    std::vector<std::byte>
        original;  // GCM decrypts before it knows whether the packet is authentic
};

srtp_err_status_t Receiver::State::unprotect(std::span<std::byte>& packet) {
    if (!is_aead) {
        return context.unprotect_rtp(packet, policy.uses_mki());
    }
    original.assign(packet.begin(), packet.end());
    const auto status = context.unprotect_rtp(packet, policy.uses_mki());
    if (status != srtp_err_status_ok) {
        std::ranges::copy(original, packet.begin());
    }
    return status;
}

/// SDES cannot say which roll-over counter a stream is at (RFC 3711 3.3.1): one that we joined
/// late, or that lost 2^15 packets in a row, is at another than the packet's own number suggests.
bool Receiver::State::guess_rollover(std::span<std::byte>& packet, std::uint32_t ssrc) {
    if (!authenticates || guesses == 0) {
        return false;
    }
    --guesses;
    if (const auto known = rollover(ssrc)) {
        return try_rollover(packet, ssrc, *known + 1) || try_rollover(packet, ssrc, *known + 2);
    }
    srtp_policy_t alone = policy.for_ssrc(ssrc);
    if (srtp_add_stream(context.get(), &alone) != srtp_err_status_ok) {
        return false;
    }
    if (const auto old = inherited.find(ssrc); old != inherited.end()) {
        const std::uint32_t counter = old->second;
        for (const std::uint32_t candidate : {counter, counter + 1, counter - 1}) {
            if (candidate != 0 && try_rollover(packet, ssrc, candidate)) {
                return true;
            }
        }
    }
    for (std::uint32_t candidate = 1; candidate <= 4; ++candidate) {
        if (try_rollover(packet, ssrc, candidate)) {
            return true;
        }
    }
    // Nothing is kept of who sent nothing authentic (RFC 4568 6.4).
    static_cast<void>(srtp_remove_stream(context.get(), htonl(ssrc)));
    return false;
}

bool Receiver::State::try_rollover(std::span<std::byte>& packet,
                                   std::uint32_t ssrc,
                                   std::uint32_t counter) {
    if (srtp_set_stream_roc(context.get(), ssrc, counter) != srtp_err_status_ok) {
        return false;
    }
    if (unprotect(packet) == srtp_err_status_ok) {
        return true;
    }
    // Zero: no counter is waiting to be tried.
    static_cast<void>(srtp_set_stream_roc(context.get(), ssrc, 0));
    return false;
}

Receiver::Receiver(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

Receiver::Receiver(Receiver&&) noexcept = default;
Receiver& Receiver::operator=(Receiver&&) noexcept = default;
Receiver::~Receiver() = default;

Result<Receiver> Receiver::create(const Protection& protection) {
    if (auto started = start(); !started) {
        return std::move(started).error();
    }
    if (auto checked = Policy::check(protection); !checked) {
        return std::move(checked).error();
    }
    const Policy policy(protection, ssrc_any_inbound);
    auto context = Context::create(policy.get());
    if (!context) {
        return std::move(context).error();
    }
    std::optional<Context> for_rtcp;
    if (policy.uses_mki()) {
        // libsrtp2 2.5 looks for the MKI of an SRTCP packet in front of a tag of SRTP's length, and
        // RFC 3711 5.2 has them differ: so a context whose two lengths are the same.
        srtp_policy_t equal = policy.get();
        equal.rtp = equal.rtcp;
        auto second = Context::create(equal);
        if (!second) {
            return std::move(second).error();
        }
        for_rtcp = *std::move(second);
    }
    return Receiver(std::make_unique<State>(protection, *std::move(context), std::move(for_rtcp)));
}

Verdict Receiver::unprotect_rtp(std::span<std::byte>& packet) noexcept {
    State& state = *state_;
    if (packet.size() < kRtpHeader) {
        return Verdict::Malformed;
    }
    if (state.packets >= state.lifetime) {
        return Verdict::Expired;
    }
    const std::uint32_t ssrc = read_word(packet, 8);
    const auto status = state.unprotect(packet);
    if (status == srtp_err_status_ok) {
        state.guesses = std::min(state.guesses + 1, State::kMaxGuesses);
    } else if (status != srtp_err_status_auth_fail || !state.guess_rollover(packet, ssrc)) {
        return to_verdict(status);
    }
    ++state.packets;
    state.note(ssrc);
    return Verdict::Ok;
}

Verdict Receiver::unprotect_rtcp(std::span<std::byte>& packet) noexcept {
    if (packet.size() < kRtcpHeader) {
        return Verdict::Malformed;
    }
    State& state = *state_;
    Context& context = state.rtcp_context ? *state.rtcp_context : state.context;
    if (state.is_aead) {
        state.original.assign(packet.begin(), packet.end());
    }
    const auto status = context.unprotect_rtcp(packet, state.policy.uses_mki());
    if (state.is_aead && status != srtp_err_status_ok) {
        std::ranges::copy(state.original, packet.begin());
    }
    return to_verdict(status);
}

std::optional<std::uint32_t> Receiver::rollover(std::uint32_t ssrc) const noexcept {
    return state_->rollover(ssrc);
}

void Receiver::inherit_rollovers(const Receiver& old) {
    state_->inherited = old.state_->inherited;
    for (const std::uint32_t ssrc : old.state_->heard) {
        if (const auto counter = old.rollover(ssrc)) {
            state_->inherited.insert_or_assign(ssrc, *counter);
        }
    }
}

void Receiver::forget(std::uint32_t ssrc) noexcept {
    std::erase(state_->heard, ssrc);
    static_cast<void>(srtp_remove_stream(state_->context.get(), htonl(ssrc)));
}

}  // namespace siprec::srtp
