#pragma once

#include "fork/fork.hpp"
#include "rtp/engine.hpp"
#include "rtp/latch.hpp"
#include "rtp/payload_table.hpp"
#include "rtp/picture_requests.hpp"
#include "rtp/rtcp_reporter.hpp"
#include "rtp/source_table.hpp"
#include "rtp/stream_security.hpp"
#include "rtp/udp_socket.hpp"

#include <siprec/clock.hpp>
#include <siprec/log.hpp>
#include <siprec/rtp.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace siprec::rtp {

/// One open stream: its sockets, what is known of its sources, and its way to the sinks.
/// *Owner media thread only.*
class MediaStream {
  public:
    /// @param logger, clock  outlive the stream
    MediaStream(StreamInfo info,
                MediaSockets sockets,
                fork::Fork fork,
                Logger& logger,
                const Clock& clock,
                const RandomBits& random);

    /// The socket of a channel; negative where both share the RTP socket.
    [[nodiscard]] int fd(Channel channel) const noexcept;

    /// Takes what waits in a socket, at most `max_rounds` batches; the rest stays for the next
    /// call.
    void receive(Channel channel, DatagramBatch& batch, int max_rounds);

    /// Reads on until nothing waits, within bounds.
    void drain(DatagramBatch& batch);

    /// Says which stream a datagram is for; null: for none.
    using Router = std::function<MediaStream*(std::span<const std::byte> datagram)>;

    /// This stream's port is that of a bundle.
    void route_by(Router router) { router_ = std::move(router); }

    /// The sockets for another stream of the bundle, to send from. @return none when the system
    /// has no file handle left
    [[nodiscard]] MediaSockets share_sockets() const;

    [[nodiscard]] const StreamInfo& info() const noexcept { return info_; }

    /// What has arrived by now is not for this sink.
    void add_sink(std::unique_ptr<MediaSink> sink, DatagramBatch& batch);

    void change(const StreamInfo& info, DatagramBatch& batch);

    /// New keys for a stream that has received.
    void secure(const srtp::Keying& keying, DatagramBatch& batch);

    /// The keys of a stream that has not: nothing that waits in its sockets was sent without them.
    void begin_secure(const srtp::Keying& keying);

    /// Does what is due: the sinks' tick, the RTCP report.
    void on_timer(SteadyTime steady);

    /// When `on_timer` has something to do next.
    [[nodiscard]] SteadyTime due() const noexcept;

    void close(WallTime when, DatagramBatch& batch);

    [[nodiscard]] StreamStats stats() const;

    /// Of RTP and RTCP that was no stranger's.
    /// By the steady clock: a step of the other must not end a session.
    [[nodiscard]] std::optional<SteadyTime> last_heard() const noexcept {
        return is_heard_ ? clock_->steady_now() : last_heard_;
    }

  private:
    void deliver(Channel channel, const Datagram& datagram);
    void take(Channel channel, const Datagram& datagram);
    void take_media(Channel channel, const Datagram& datagram, WallTime arrival);
    void take_handshake(Channel channel, const Datagram& datagram);
    void take_early();
    void take_rtp(Datagram datagram, WallTime arrival);
    void take_rtcp(Channel channel, Datagram datagram, WallTime arrival);
    [[nodiscard]] bool is_authentic(srtp::Verdict verdict, const Endpoint& source) noexcept;
    [[nodiscard]] bool knows_source(const Datagram& datagram,
                                    const RtpPacket& packet,
                                    bool is_answered,
                                    WallTime arrival) noexcept;
    void count(Arrival arrival) noexcept;
    void watch_pictures(std::uint32_t ssrc, WallTime arrival);
    void check_collision(std::uint32_t foreign_ssrc);
    [[nodiscard]] RtcpReporter::Send sender();
    void send(const Endpoint& to, std::span<const std::byte> packet);
    void send_raw(Channel channel, const Endpoint& to, std::span<const std::byte> packet);
    [[nodiscard]] StreamSecurity::Send raw_sender();
    void let_sources_go();
    void report_drops();
    void report_forgeries();
    void report_handshakes();
    void warn(std::string_view message, std::uint64_t count) noexcept;

    /// Another stream's socket, which that stream reads (RFC 9143).
    [[nodiscard]] bool borrows_port() const noexcept {
        return info_.bundled && info_.bundled->transport != info_.id;
    }

    [[nodiscard]] bool is_off_record(WallTime arrival) const noexcept {
        return info_.direction == sdp::Direction::Inactive || arrival < on_record_from_ ||
               (off_record_from_ && arrival >= *off_record_from_);
    }

    StreamInfo info_;
    MediaSockets sockets_;
    fork::Fork fork_;
    Logger* logger_;
    const Clock* clock_;
    Endpoint local_rtp_;
    Endpoint local_rtcp_;
    PayloadTable payloads_;
    Latch latch_;
    SourceTable sources_;
    std::vector<std::uint32_t> leaving_;  // SSRCs
    RtcpReporter reporter_;
    PictureRequests pictures_;
    std::unique_ptr<StreamSecurity> security_;  // null: plain RTP
    StreamStats stats_;                         // but for what the source table counts
    Router router_;
    bool may_be_plain_ = false;  // keys have come, what waits may have been sent before
    bool is_heard_ = false;      // since the last tick
    std::optional<SteadyTime> last_heard_;
    // A change takes a while to reach this thread; what counts is when its message came.
    WallTime on_record_from_{};                // after a pause
    std::optional<WallTime> off_record_from_;  // while a pause is begun
    SteadyTime next_tick_;
    Endpoint last_dropped_from_;
    std::uint64_t reported_malformed_ = 0;
    std::uint64_t reported_stranger_ = 0;
    std::uint64_t unrouted_ = 0;
    std::uint64_t reported_unrouted_ = 0;
    std::uint64_t reported_auth_ = 0;
    std::uint64_t reported_replay_ = 0;
};

}  // namespace siprec::rtp
