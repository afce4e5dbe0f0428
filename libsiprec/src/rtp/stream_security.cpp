#include "rtp/stream_security.hpp"

#include "rtp/demux.hpp"
#include "rtp/stun.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace siprec::rtp {

using srtp::DtlsAssociation;
using srtp::DtlsRole;
using srtp::Verdict;

namespace {

// Two seconds of two streams; a handshake takes a few round trips.
constexpr std::size_t kMaxEarly = 200;
constexpr std::size_t kMaxEarlyBytes = 1500;
// Handshakes that a passive side begins anew, after failures, with whoever comes next.
constexpr std::uint32_t kMaxAttempts = 10;

constexpr std::array kChannels{Channel::Rtp, Channel::Rtcp};

}  // namespace

StreamSecurity::Part& StreamSecurity::part_of(Channel channel) noexcept {
    return parts_[terms_ && has_rtcp_port_ && channel == Channel::Rtcp ? 1 : 0];
}

Result<void> StreamSecurity::rekey(const srtp::Keying& keying,
                                   const Peers& peers,
                                   SteadyTime now,
                                   const Send& send) {
    now_ = now;
    if (const auto* sdes = std::get_if<srtp::SdesKeys>(&keying)) {
        terms_.reset();
        parts_[1] = Part{};
        parts_[0].dtls.reset();
        return parts_[0].keys.replace(sdes->receive, sdes->send, now);
    }
    if (const auto* terms = std::get_if<srtp::DtlsTerms>(&keying)) {
        terms_ = *terms;
        parts_[0].peer = peers.rtp;
        parts_[1].peer = peers.rtcp;
        for (const Channel channel : kChannels) {
            if (channel == Channel::Rtp || has_rtcp_port_) {
                part_of(channel).attempts = 0;
                start_dtls(channel, send);
            }
        }
    }
    return {};
}

void StreamSecurity::start_dtls(Channel channel, const Send& send) {
    Part& part = part_of(channel);
    auto made = DtlsAssociation::create(*terms_);
    ++part.attempts;
    if (!made) {
        part.dtls.reset();
        news_.push_back({.is_failure = true,
                         .text = made.error().message(),
                         .peer = part.peer.value_or(Endpoint{})});
        return;
    }
    part.dtls = *std::move(made);
    part.is_keyed = false;
    part.dtls->start();
    flush(channel, send);
}

void StreamSecurity::flush(Channel channel, const Send& send) {
    Part& part = part_of(channel);
    // Where nothing is known of the peer, its first datagram will tell.
    if (!part.dtls || !part.peer || part.peer->port == 0) {
        return;
    }
    for (const auto& datagram : part.dtls->take_output()) {
        send(channel, *part.peer, datagram);
    }
}

Verdict StreamSecurity::unprotect_rtp(std::span<std::byte>& packet) noexcept {
    return parts_[0].keys.unprotect_rtp(packet);
}

Verdict StreamSecurity::unprotect_rtcp(Channel channel, std::span<std::byte>& packet) noexcept {
    return part_of(channel).keys.unprotect_rtcp(packet);
}

bool StreamSecurity::protect_rtcp(Channel channel, std::vector<std::byte>& packet) noexcept {
    return part_of(channel).keys.protect_rtcp(packet);
}

/// A ClientHello for a passive side whose association has failed or was taken down.
bool StreamSecurity::restarts(const Part& part, std::span<const std::byte> record) const noexcept {
    constexpr std::size_t kRecordHeader = 13;  // RFC 6347 4.1
    constexpr std::byte kHandshake{22};
    constexpr std::byte kClientHello{1};
    const bool is_over = !part.dtls || part.dtls->state() == DtlsAssociation::State::Failed ||
                         part.dtls->state() == DtlsAssociation::State::Closed;
    return is_over && terms_->role == DtlsRole::Server && part.attempts < kMaxAttempts &&
           record.size() > kRecordHeader && record[0] == kHandshake &&
           record[kRecordHeader] == kClientHello;
}

bool StreamSecurity::takes_handshake(Channel channel, const Datagram& datagram, const Send& send) {
    if (!terms_ || datagram.is_cut) {
        return false;
    }
    if (classify(datagram.bytes) == DatagramKind::Stun) {
        const auto answer = answer_stun(datagram.bytes, datagram.source);
        if (answer) {
            send(channel, datagram.source, *answer);
        }
        return answer.has_value();
    }
    Part& part = part_of(channel);
    if (restarts(part, datagram.bytes)) {
        start_dtls(channel, send);
    }
    if (!part.dtls) {
        return false;
    }
    if (part.dtls->state() == DtlsAssociation::State::Connected && part.peer != datagram.source) {
        return false;
    }
    part.peer = datagram.source;
    part.dtls->receive(datagram.bytes);
    flush(channel, send);
    note_state(part);
    return true;
}

/// Takes the keys of a handshake that has ended, and says how it has.
void StreamSecurity::note_state(Part& part) {
    const Endpoint peer = part.peer.value_or(Endpoint{});
    if (part.dtls->state() == DtlsAssociation::State::Failed) {
        news_.push_back({.is_failure = true, .text = part.dtls->failure(), .peer = peer});
        part.dtls.reset();
        return;
    }
    if (part.is_keyed || part.dtls->state() != DtlsAssociation::State::Connected) {
        return;
    }
    part.is_keyed = true;
    const auto& agreed = *part.dtls->keys();
    const auto replaced = part.keys.replace(agreed.receive, agreed.send, now_);
    if (!replaced) {
        auto why = Error(replaced.error()).to_string();
        news_.push_back({.is_failure = true, .text = std::move(why), .peer = peer});
        return;
    }
    news_.push_back(
        {.is_failure = false,
         .text = fmt::format("DTLS has agreed on {}", srtp::traits(agreed.receive.suite).name),
         .peer = peer});
}

bool StreamSecurity::keeps_early(Channel channel, const Datagram& datagram, WallTime arrival) {
    const Part& part = part_of(channel);
    if (!terms_ || part.keys.has_keys() || datagram.is_cut || early_.size() >= kMaxEarly ||
        datagram.bytes.size() > kMaxEarlyBytes) {
        return false;
    }
    early_.push_back({.channel = channel,
                      .bytes = {datagram.bytes.begin(), datagram.bytes.end()},
                      .source = datagram.source,
                      .arrival = arrival});
    return true;
}

std::vector<StreamSecurity::Early> StreamSecurity::release_early() {
    const auto has_no_keys = [this](const Early& early) {
        return !part_of(early.channel).keys.has_keys();
    };
    if (early_.empty() || std::ranges::all_of(early_, has_no_keys)) {
        return {};
    }
    std::vector<Early> all = std::exchange(early_, {});
    const auto released = std::ranges::stable_partition(all, has_no_keys);
    early_.assign(std::move_iterator(all.begin()), std::move_iterator(released.begin()));
    all.erase(all.begin(), released.begin());
    return all;
}

std::size_t StreamSecurity::give_up_early() noexcept {
    return std::exchange(early_, {}).size();
}

SteadyTime StreamSecurity::due(SteadyTime now) const noexcept {
    SteadyTime next = now + std::chrono::hours(1);
    for (const Part& part : parts_) {
        if (const auto left = part.dtls ? part.dtls->timeout() : std::nullopt) {
            next = std::min(next, now + *left);
        }
    }
    return next;
}

void StreamSecurity::on_timer(SteadyTime now, const Send& send) {
    now_ = now;
    for (const Channel channel : kChannels) {
        Part& part = part_of(channel);
        part.keys.expire(now);
        if (!part.dtls) {
            continue;
        }
        if (const auto left = part.dtls->timeout(); left && left->count() <= 0) {
            part.dtls->on_timeout();
            flush(channel, send);
            note_state(part);
        }
    }
}

std::vector<StreamSecurity::News> StreamSecurity::take_news() {
    return std::exchange(news_, {});
}

void StreamSecurity::close(const Send& send) {
    for (const Channel channel : kChannels) {
        if (Part& part = part_of(channel); part.dtls) {
            part.dtls->close();
            flush(channel, send);
        }
    }
}

}  // namespace siprec::rtp
