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

std::uint16_t sequence_of(std::span<const std::byte> packet) noexcept {
    return static_cast<std::uint16_t>(read_word(packet, 0) & 0xFFFFU);
}

/// Sequence numbers go round (RFC 3550 A.1).
bool is_behind(std::uint16_t sequence, std::uint16_t other) noexcept {
    return static_cast<std::uint16_t>(other - sequence - 1U) < 0x7FFFU;
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

    [[nodiscard]] bool is_latest(std::uint32_t ssrc) const noexcept {
        return !heard.empty() && heard.back().ssrc == ssrc;
    }

    /// Bounded by forgetting the eldest, with all that libsrtp2 keeps of it: who has the key could
    /// otherwise make us remember 2^32 SSRCs.
    void note(std::uint32_t ssrc, std::uint16_t sequence) {
        if (!is_latest(ssrc)) {
            if (const auto known = std::ranges::find(heard, ssrc, &Heard::ssrc);
                known != heard.end()) {
                std::iter_swap(known, std::prev(heard.end()));
            } else {
                if (heard.size() == kMaxSources) {
                    forget(heard.front().ssrc);
                }
                heard.push_back({.ssrc = ssrc, .highest = sequence});
            }
        }
        Heard& latest = heard.back();
        if (is_behind(latest.highest, sequence)) {
            latest.highest = sequence;
        }
        // Beyond the list of libsrtp2, and far from where the number comes round.
        constexpr std::uint16_t kFar = 0x4000;
        if (latest.returned_from &&
            static_cast<std::uint16_t>(latest.highest - *latest.returned_from) > kFar) {
            latest.returned_from.reset();
        }
    }

    /// A packet from before the time that its sender was away.
    [[nodiscard]] bool is_from_before(std::uint32_t ssrc, std::uint16_t sequence) const noexcept {
        if (returned == 0) {
            return false;
        }
        const auto known = std::ranges::find(heard, ssrc, &Heard::ssrc);
        return known != heard.end() && known->returned_from &&
               !is_behind(*known->returned_from, sequence);
    }

    /// Keeps where the SSRC was, so that what it sent cannot be played again when it is back.
    void forget(std::uint32_t ssrc) {
        const auto known = std::ranges::find(heard, ssrc, &Heard::ssrc);
        if (known == heard.end()) {
            return;
        }
        if (left.size() == kMaxLeft) {
            left.erase(left.begin());
        }
        left.push_back(
            {.ssrc = ssrc, .rollover = rollover(ssrc).value_or(0), .sequence = known->highest});
        heard.erase(known);
        static_cast<void>(srtp_remove_stream(context.get(), htonl(ssrc)));
    }

    srtp_err_status_t unprotect(std::span<std::byte>& packet);
    srtp_err_status_t unprotect_returned(std::span<std::byte>& packet, std::uint32_t ssrc);
    bool guess_rollover(std::span<std::byte>& packet, std::uint32_t ssrc);
    bool try_rollover(std::span<std::byte>& packet, std::uint32_t ssrc, std::uint32_t counter);

    // More than the one packet in ten thousand that needs a guess, little for who sends forgeries.
    static constexpr std::uint32_t kMaxGuesses = 32;
    static constexpr std::size_t kMaxSources = 64;
    static constexpr std::size_t kMaxLeft = 256;

    struct Heard {
        std::uint32_t ssrc;
        std::uint16_t highest;  // sequence number
        // Where it was when it left: libsrtp2 has no list of what came before.
        std::optional<std::uint16_t> returned_from{};
    };

    /// An SSRC whose state was dropped: the index (RFC 3711 3.3.1) it had come to.
    struct Left {
        std::uint32_t ssrc;
        std::uint32_t rollover;
        std::uint16_t sequence;
    };

    Policy policy;
    Context context;
    std::optional<Context> rtcp_context;
    bool is_aead;
    bool authenticates;
    std::uint64_t lifetime = 0;
    std::uint64_t packets = 0;
    std::uint32_t guesses = kMaxGuesses;
    std::vector<Heard> heard;  // who sent authentic packets, the latest behind the others
    std::vector<Left> left;
    std::size_t returned = 0;  // how many ever came back
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

/// The first packet of an SSRC that had left (RFC 4568 6.5). It goes on where it was: what is older
/// than that is a replay.
srtp_err_status_t Receiver::State::unprotect_returned(std::span<std::byte>& packet,
                                                      std::uint32_t ssrc) {
    const auto known = std::ranges::find(left, ssrc, &Left::ssrc);
    if (known == left.end()) {
        return unprotect(packet);
    }
    const std::uint16_t sequence = sequence_of(packet);
    const bool looks_old = !is_behind(known->sequence, sequence);
    srtp_policy_t alone = policy.for_ssrc(ssrc);
    if ((looks_old && !authenticates) ||
        srtp_add_stream(context.get(), &alone) != srtp_err_status_ok) {
        return srtp_err_status_replay_old;
    }
    // Only such as make the packet a newer one; two, as much can have been sent unheard.
    const std::uint32_t first = known->rollover + (sequence <= known->sequence ? 1 : 0);
    if (try_rollover(packet, ssrc, first) ||
        (authenticates && try_rollover(packet, ssrc, first + 1))) {
        ++returned;
        note(ssrc, sequence);
        if (!looks_old) {
            heard.back().returned_from = known->sequence;
        }
        left.erase(known);
        return srtp_err_status_ok;
    }
    static_cast<void>(srtp_remove_stream(context.get(), htonl(ssrc)));
    return looks_old ? srtp_err_status_replay_old : srtp_err_status_auth_fail;
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
    const std::uint16_t sequence = sequence_of(packet);
    if (state.is_from_before(ssrc, sequence)) {
        return Verdict::Replayed;
    }
    const bool may_have_left = !state.left.empty() && !state.is_latest(ssrc);
    const auto status =
        may_have_left ? state.unprotect_returned(packet, ssrc) : state.unprotect(packet);
    if (status == srtp_err_status_ok) {
        state.guesses = std::min(state.guesses + 1, State::kMaxGuesses);
    } else if (status != srtp_err_status_auth_fail || may_have_left ||
               !state.guess_rollover(packet, ssrc)) {
        return to_verdict(status);
    }
    ++state.packets;
    state.note(ssrc, sequence);
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
    for (const State::Left& left : old.state_->left) {
        state_->inherited.insert_or_assign(left.ssrc, left.rollover);
    }
    for (const State::Heard& heard : old.state_->heard) {
        if (const auto counter = old.rollover(heard.ssrc)) {
            state_->inherited.insert_or_assign(heard.ssrc, *counter);
        }
    }
}

void Receiver::forget(std::uint32_t ssrc) noexcept {
    state_->forget(ssrc);
}

}  // namespace siprec::srtp
