#include "rtp/media_stream.hpp"

#include "rtp/demux.hpp"
#include "rtp/rtcp.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace siprec::rtp {

namespace {

constexpr std::chrono::seconds kTick{1};

/// The bound address; where all addresses are bound, the one that the answer names.
Endpoint local_of(const Endpoint& bound, const Endpoint& answered) {
    return {.address = bound.address.is_unspecified() ? answered.address : bound.address,
            .port = bound.port};
}

std::string describe(int error) {
    return std::generic_category().message(error);
}

}  // namespace

MediaStream::MediaStream(StreamInfo info,
                         MediaSockets sockets,
                         fork::Fork fork,
                         Logger& logger,
                         const Clock& clock,
                         const RandomBits& random)
    : info_(std::move(info)),
      sockets_(std::move(sockets)),
      fork_(std::move(fork)),
      logger_(&logger),
      clock_(&clock),
      local_rtp_(local_of(sockets_.rtp_endpoint, info_.local_rtp)),
      local_rtcp_(local_of(sockets_.rtcp_endpoint, info_.local_rtcp)),
      payloads_(info_.formats),
      latch_(info_.remote_rtp),
      reporter_(clock.steady_now(), random, info_.rtcp_cname),
      next_tick_(clock.steady_now() + kTick) {}

int MediaStream::fd(Channel channel) const noexcept {
    if (borrows_port()) {
        return -1;
    }
    return channel == Channel::Rtp ? sockets_.rtp.get() : sockets_.rtcp.get();
}

void MediaStream::receive(Channel channel, DatagramBatch& batch, int max_rounds) {
    const int socket = fd(channel);
    if (socket < 0) {
        return;
    }
    for (int round = 0; round < max_rounds; ++round) {
        const std::size_t count = batch.receive(socket);
        for (std::size_t i = 0; i < count; ++i) {
            deliver(channel, batch[i]);
        }
        if (count == 0 && batch.error() != EAGAIN) {
            logger_->log(LogLevel::Warning,
                         "rtp",
                         "cannot read a media socket",
                         {{"stream", info_.id.to_string()}, {"error", describe(batch.error())}});
        }
        if (count < DatagramBatch::kSize) {
            return;
        }
    }
}

void MediaStream::deliver(Channel channel, const Datagram& datagram) {
    if (!router_) {
        take(channel, datagram);
    } else if (MediaStream* stream = router_(datagram.bytes)) {
        stream->take(channel, datagram);
    } else {
        ++unrouted_;
        last_dropped_from_ = datagram.source;
    }
}

void MediaStream::take(Channel channel, const Datagram& datagram) {
    const WallTime arrival = datagram.arrival ? *datagram.arrival : clock_->now();
    const DatagramKind kind = classify(datagram.bytes);
    if (security_ && (kind == DatagramKind::Dtls || kind == DatagramKind::Stun)) {
        take_handshake(channel, datagram);
    } else if (security_ && !may_be_plain_ && security_->keeps_early(channel, datagram, arrival)) {
        // RFC 5764 5.1: nothing is decrypted before the handshake ends; then this is.
    } else {
        take_media(channel, datagram, arrival);
    }
}

void MediaStream::take_media(Channel channel, const Datagram& datagram, WallTime arrival) {
    const DatagramKind kind = classify(datagram.bytes);
    if (kind == DatagramKind::Rtcp) {
        take_rtcp(channel, datagram, arrival);
    } else if (kind == DatagramKind::Rtp && channel == Channel::Rtp && !datagram.is_cut) {
        take_rtp(datagram, arrival);
    } else {
        ++stats_.dropped_malformed;
        last_dropped_from_ = datagram.source;
    }
}

void MediaStream::take_handshake(Channel channel, const Datagram& datagram) {
    if (!security_->takes_handshake(channel, datagram, raw_sender())) {
        ++stats_.dropped_malformed;
        last_dropped_from_ = datagram.source;
        return;
    }
    report_handshakes();
    take_early();
}

/// What came before the keys.
void MediaStream::take_early() {
    for (StreamSecurity::Early& early : security_->release_early()) {
        take_media(early.channel,
                   Datagram{.bytes = early.bytes,
                            .source = early.source,
                            .arrival = early.arrival,
                            .is_cut = false},
                   early.arrival);
    }
}

/// Counts a protected packet that is not to be used.
bool MediaStream::is_authentic(srtp::Verdict verdict, const Endpoint& source) noexcept {
    switch (verdict) {
        case srtp::Verdict::Ok:
            return true;
        case srtp::Verdict::Replayed:
            ++stats_.dropped_replay;
            break;
        case srtp::Verdict::Forged:
        case srtp::Verdict::Expired:
            ++stats_.dropped_auth;
            break;
        case srtp::Verdict::Malformed:
            ++stats_.dropped_malformed;
            break;
    }
    last_dropped_from_ = source;
    return false;
}

/// Whether the packet is taken from where it came from. One that is authentic under keys says more
/// than any address.
bool MediaStream::knows_source(const Datagram& datagram,
                               const RtpPacket& packet,
                               bool is_answered,
                               WallTime arrival) noexcept {
    if (security_ && security_->authenticates_rtp() && !may_be_plain_) {
        latch_.trust(datagram.source.address, arrival);
        return true;
    }
    return latch_.takes_rtp(
        datagram.source, packet.ssrc, SeqNum(packet.sequence), is_answered, arrival);
}

void MediaStream::take_rtp(Datagram datagram, WallTime arrival) {
    // Before all else: who is not authentic must not move the latch or any counter of a source.
    if (security_) {
        const srtp::Verdict verdict = security_->unprotect_rtp(datagram.bytes);
        const bool is_plain = may_be_plain_ && verdict != srtp::Verdict::Ok;
        if (!is_plain && !is_authentic(verdict, datagram.source)) {
            return;
        }
    }
    auto packet = parse_rtp(datagram.bytes);
    if (!packet) {
        ++stats_.dropped_malformed;
        last_dropped_from_ = datagram.source;
        return;
    }
    const SeqNum sequence(packet->sequence);
    const bool is_answered = payloads_.is_answered(packet->payload_type);
    if (!knows_source(datagram, *packet, is_answered, arrival)) {
        ++stats_.dropped_stranger;
        last_dropped_from_ = datagram.source;
        return;
    }
    is_heard_ = true;
    check_collision(packet->ssrc);
    // What arrives in a pause was received too: only so is it not taken for lost when media goes
    // on.
    const Arrival order = sources_.on_rtp(packet->ssrc,
                                          sequence,
                                          packet->timestamp,
                                          payloads_.clock_rate(packet->payload_type),
                                          arrival);
    if (is_off_record(arrival)) {
        // RFC 7866 7.1.1.1: a pause keeps things off the record, whatever is sent meanwhile.
        ++stats_.dropped_inactive;
        return;
    }
    count(order);
    ++stats_.packets;
    stats_.bytes += datagram.bytes.size();
    stats_.unknown_payload += is_answered ? 0U : 1U;
    watch_pictures(packet->ssrc, arrival);
    packet->arrival = arrival;
    packet->source = datagram.source;
    packet->local = local_rtp_;
    fork_.rtp(*packet);
}

void MediaStream::watch_pictures(std::uint32_t ssrc, WallTime arrival) {
    if (info_.takes_fir || info_.takes_pli) {
        const auto wanted = pictures_.on_packet(
            ssrc, sources_.lost(), arrival, {.fir = info_.takes_fir, .pli = info_.takes_pli});
        reporter_.ask_for_picture(wanted, ssrc, info_, sender());
    }
}

void MediaStream::count(Arrival arrival) noexcept {
    if (arrival == Arrival::Duplicate) {
        ++stats_.duplicates;
    } else if (arrival == Arrival::Reordered) {
        ++stats_.reordered;
    }
}

void MediaStream::take_rtcp(Channel channel, Datagram datagram, WallTime arrival) {
    if (security_ && !datagram.is_cut &&
        !is_authentic(security_->unprotect_rtcp(channel, datagram.bytes), datagram.source)) {
        return;
    }
    if (datagram.is_cut || !is_valid_compound(datagram.bytes)) {
        ++stats_.dropped_malformed;
        last_dropped_from_ = datagram.source;
        return;
    }
    if (!security_ && !latch_.takes_rtcp(datagram.source.address, info_.remote_rtcp, arrival)) {
        ++stats_.dropped_stranger;
        last_dropped_from_ = datagram.source;
        return;
    }
    is_heard_ = true;
    ++stats_.rtcp_packets;
    std::span<const std::byte> rest = datagram.bytes;
    while (const auto part = take_part(rest)) {
        if (const auto sender = sender_of(*part)) {
            check_collision(*sender);
        }
    }
    reporter_.on_rtcp(datagram.bytes, datagram.source, arrival, sources_);
    fork_.rtcp(RtcpPacket{.bytes = datagram.bytes,
                          .arrival = arrival,
                          .source = datagram.source,
                          .local = channel == Channel::Rtp ? local_rtp_ : local_rtcp_});
}

void MediaStream::check_collision(std::uint32_t foreign_ssrc) {
    if (foreign_ssrc == reporter_.ssrc()) {
        reporter_.change_ssrc(info_, sender());
    }
}

void MediaStream::drain(DatagramBatch& batch) {
    // Bounded, so that a flood cannot hold up the end of a session.
    constexpr int kMaxRounds = 1024;
    receive(Channel::Rtp, batch, kMaxRounds);
    receive(Channel::Rtcp, batch, kMaxRounds);
}

void MediaStream::add_sink(std::unique_ptr<MediaSink> sink, DatagramBatch& batch) {
    drain(batch);
    fork_.add(std::move(sink));
}

void MediaStream::change(const StreamInfo& info, DatagramBatch& batch) {
    const bool was_inactive = info_.direction == sdp::Direction::Inactive;
    const bool is_inactive = info.direction == sdp::Direction::Inactive;
    if (was_inactive && !is_inactive) {
        on_record_from_ = info.since;
    } else {
        // What has arrived by now was sent under the old terms, but for what a pause keeps off.
        off_record_from_ = is_inactive ? std::optional(info.since) : std::nullopt;
        drain(batch);
        off_record_from_.reset();
    }
    if (info.remote_rtp != info_.remote_rtp || info.remote_rtcp != info_.remote_rtcp) {
        reporter_.forget_source();
    }
    if (info.direction != info_.direction) {
        pictures_.restart();
    }
    latch_.on_offer(info.remote_rtp);
    info_ = info;
    payloads_ = PayloadTable(info_.formats);
    local_rtp_ = local_of(sockets_.rtp_endpoint, info_.local_rtp);
    local_rtcp_ = local_of(sockets_.rtcp_endpoint, info_.local_rtcp);
    fork_.changed(info_);
}

void MediaStream::secure(const srtp::Keying& keying, DatagramBatch& batch) {
    if (std::holds_alternative<std::monostate>(keying)) {
        drain(batch);
        security_.reset();
        return;
    }
    const bool was_plain = !security_;
    begin_secure(keying);
    // The old keys hold for a while beside the new ones; where there were none, what waits may have
    // been sent before or after the answer.
    if (was_plain) {
        may_be_plain_ = true;
        drain(batch);
        may_be_plain_ = false;
    }
}

void MediaStream::begin_secure(const srtp::Keying& keying) {
    if (std::holds_alternative<std::monostate>(keying)) {
        return;
    }
    if (!security_) {
        security_ = std::make_unique<StreamSecurity>(static_cast<bool>(sockets_.rtcp));
    }
    const StreamSecurity::Peers peers{.rtp = info_.remote_rtp, .rtcp = info_.remote_rtcp};
    const auto done = security_->rekey(keying, peers, clock_->steady_now(), raw_sender());
    if (!done) {
        logger_->log(
            LogLevel::Error,
            "rtp",
            "the stream cannot be decrypted",
            {{"stream", info_.id.to_string()}, {"error", Error(done.error()).to_string()}});
    }
}

void MediaStream::on_timer(SteadyTime steady) {
    const WallTime now = clock_->now();
    if (security_) {
        security_->on_timer(steady, raw_sender());
        report_handshakes();
        take_early();
    }
    if (steady >= reporter_.due()) {
        reporter_.on_due(steady, now, info_, sources_, sender());
        let_sources_go();
    }
    if (steady >= next_tick_) {
        next_tick_ += kTick;
        if (next_tick_ <= steady) {
            // Seconds in which the thread was held up are not made up for.
            next_tick_ = steady + kTick;
        }
        if (std::exchange(is_heard_, false)) {
            last_heard_ = steady;
        }
        report_drops();
        fork_.tick(now);
    }
}

/// Keys' states leave as RTP members do (RFC 4568 6.5), a report interval later: what BYE overtook
/// is still on its way.
void MediaStream::let_sources_go() {
    for (const std::uint32_t ssrc : std::exchange(leaving_, sources_.take_gone())) {
        if (security_ && !sources_.has(ssrc)) {
            security_->forget(ssrc);
        }
    }
}

SteadyTime MediaStream::due() const noexcept {
    const SteadyTime due = std::min(next_tick_, reporter_.due());
    return security_ ? std::min(due, security_->due(clock_->steady_now())) : due;
}

void MediaStream::close(WallTime when, DatagramBatch& batch) {
    drain(batch);
    if (security_) {
        stats_.dropped_auth += security_->give_up_early();
    }
    reporter_.bye(info_, sender());
    if (security_) {
        security_->close(raw_sender());
    }
    report_drops();
    // The ports go back to the pool only when the sockets are closed.
    sockets_.rtp.reset(-1);
    sockets_.rtcp.reset(-1);
    sockets_ = MediaSockets{};
    fork_.closed(stats(), when);
}

StreamStats MediaStream::stats() const {
    StreamStats stats = stats_;
    stats.lost = sources_.lost();
    stats.dropped_stranger += unrouted_;
    stats.ssrc_changes = sources_.changes();
    stats.jitter = sources_.jitter();
    return stats;
}

RtcpReporter::Send MediaStream::sender() {
    return [this](const Endpoint& to, std::span<const std::byte> packet) { send(to, packet); };
}

StreamSecurity::Send MediaStream::raw_sender() {
    return [this](Channel channel, const Endpoint& to, std::span<const std::byte> packet) {
        send_raw(channel, to, packet);
    };
}

void MediaStream::send(const Endpoint& to, std::span<const std::byte> packet) {
    // Symmetric RTCP (RFC 4961): from the port at which we receive it.
    const Channel channel = sockets_.rtcp ? Channel::Rtcp : Channel::Rtp;
    if (!security_) {
        send_raw(channel, to, packet);
        return;
    }
    std::vector<std::byte> sealed(packet.begin(), packet.end());
    if (security_->protect_rtcp(channel, sealed)) {
        send_raw(channel, to, sealed);
    }
}

void MediaStream::send_raw(Channel channel, const Endpoint& to, std::span<const std::byte> packet) {
    // Not `fd`: a bundled stream sends from a port that it does not read.
    const auto& socket = channel == Channel::Rtcp ? sockets_.rtcp : sockets_.rtp;
    const int error = send_datagram(socket.get(), to, packet);
    if (error != 0) {
        logger_->log(
            LogLevel::Debug,
            "rtp",
            "cannot send RTCP or a handshake",
            {{"stream", info_.id.to_string()}, {"to", to.to_string()}, {"error", describe(error)}});
    }
}

void MediaStream::report_drops() {
    if (const auto malformed = stats_.dropped_malformed - reported_malformed_; malformed > 0) {
        reported_malformed_ = stats_.dropped_malformed;
        warn("dropped what was neither RTP nor RTCP", malformed);
    }
    if (const auto unrouted = unrouted_ - reported_unrouted_; unrouted > 0) {
        reported_unrouted_ = unrouted_;
        warn("dropped packets that fit no m-line of the bundle", unrouted);
    }
    report_forgeries();
    if (const auto stranger = stats_.dropped_stranger - reported_stranger_; stranger > 0) {
        reported_stranger_ = stats_.dropped_stranger;
        warn("dropped packets from an address that the stream is not latched to", stranger);
    }
}

MediaSockets MediaStream::share_sockets() const {
    MediaSockets shared;
    shared.rtp.reset(::fcntl(sockets_.rtp.get(), F_DUPFD_CLOEXEC, 0));
    shared.rtp_endpoint = sockets_.rtp_endpoint;
    shared.rtcp_endpoint = sockets_.rtp_endpoint;
    return shared;
}

void MediaStream::report_handshakes() {
    for (const StreamSecurity::News& news : security_->take_news()) {
        logger_->log(news.is_failure ? LogLevel::Warning : LogLevel::Info,
                     "rtp",
                     news.text,
                     {{"stream", info_.id.to_string()},
                      {"label", info_.label},
                      {"peer", news.peer.to_string()}});
    }
}

/// Once a second at most: what a flood of forgeries would otherwise make of the log.
void MediaStream::report_forgeries() {
    if (const auto forged = stats_.dropped_auth - reported_auth_; forged > 0) {
        reported_auth_ = stats_.dropped_auth;
        warn("dropped SRTP that is not authentic under the agreed keys", forged);
    }
    if (const auto replayed = stats_.dropped_replay - reported_replay_; replayed > 0) {
        reported_replay_ = stats_.dropped_replay;
        warn("dropped SRTP that was replayed or came too late", replayed);
    }
}

void MediaStream::warn(std::string_view message, std::uint64_t count) noexcept {
    logger_->log(LogLevel::Warning,
                 "rtp",
                 message,
                 {{"stream", info_.id.to_string()},
                  {"label", info_.label},
                  {"last_from", last_dropped_from_.to_string()},
                  {"packets", fmt::format_int(count).str()}});
}

}  // namespace siprec::rtp
