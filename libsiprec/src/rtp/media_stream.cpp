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
    if (kind == DatagramKind::Rtcp) {
        take_rtcp(channel, datagram, arrival);
    } else if (kind == DatagramKind::Rtp && channel == Channel::Rtp && !datagram.is_cut) {
        take_rtp(datagram, arrival);
    } else {
        ++stats_.dropped_malformed;
        last_dropped_from_ = datagram.source;
    }
}

void MediaStream::take_rtp(const Datagram& datagram, WallTime arrival) {
    auto packet = parse_rtp(datagram.bytes);
    if (!packet) {
        ++stats_.dropped_malformed;
        last_dropped_from_ = datagram.source;
        return;
    }
    const SeqNum sequence(packet->sequence);
    const bool is_answered = payloads_.is_answered(packet->payload_type);
    if (!latch_.takes_rtp(datagram.source, packet->ssrc, sequence, is_answered, arrival)) {
        ++stats_.dropped_stranger;
        last_dropped_from_ = datagram.source;
        return;
    }
    last_received_ = arrival;
    check_collision(packet->ssrc);
    // What arrives in a pause was received too: only so is it not taken for lost when media goes
    // on.
    const Arrival order = sources_.on_rtp(packet->ssrc,
                                          sequence,
                                          packet->timestamp,
                                          payloads_.clock_rate(packet->payload_type),
                                          arrival);
    if (is_inactive()) {
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

void MediaStream::take_rtcp(Channel channel, const Datagram& datagram, WallTime arrival) {
    if (datagram.is_cut || !is_valid_compound(datagram.bytes)) {
        ++stats_.dropped_malformed;
        last_dropped_from_ = datagram.source;
        return;
    }
    if (!latch_.takes_rtcp(datagram.source.address, info_.remote_rtcp, arrival)) {
        ++stats_.dropped_stranger;
        last_dropped_from_ = datagram.source;
        return;
    }
    last_received_ = arrival;
    ++stats_.rtcp_packets;
    auto rest = datagram.bytes;
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

void MediaStream::change(const StreamInfo& info, DatagramBatch& batch) {
    // What has arrived by now was sent under the old terms.
    drain(batch);
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

void MediaStream::on_timer(SteadyTime steady) {
    const WallTime now = clock_->now();
    if (steady >= reporter_.due()) {
        reporter_.on_due(steady, now, info_, sources_, sender());
    }
    if (steady >= next_tick_) {
        next_tick_ += kTick;
        if (next_tick_ <= steady) {
            // Seconds in which the thread was held up are not made up for.
            next_tick_ = steady + kTick;
        }
        report_drops();
        fork_.tick(now);
    }
}

SteadyTime MediaStream::due() const noexcept {
    return std::min(next_tick_, reporter_.due());
}

void MediaStream::close(WallTime when, DatagramBatch& batch) {
    drain(batch);
    reporter_.bye(info_, sender());
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

void MediaStream::send(const Endpoint& to, std::span<const std::byte> packet) {
    // Symmetric RTCP (RFC 4961): from the port at which we receive it.
    const int socket = sockets_.rtcp ? sockets_.rtcp.get() : sockets_.rtp.get();
    const int error = send_datagram(socket, to, packet);
    if (error != 0) {
        logger_->log(
            LogLevel::Debug,
            "rtp",
            "cannot send RTCP",
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
