#pragma once

#include <siprec/export.hpp>
#include <siprec/rtp.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>

#include <cstdint>

namespace siprec {

/// Receives the packets of one media stream. Made by `SessionSink::open_stream`; what the stream is
/// was said there once, calls carry only packets.
///
/// All calls come from the media thread that owns the session, never two at a time; nothing else is
/// received on that thread meanwhile, so a sink that has long work to do hands it to a thread of
/// its own (`make_pcm_sink` does). Must not throw: a sink that does is closed and reported to the
/// log.
class SIPREC_EXPORT MediaSink {
  public:
    MediaSink() = default;
    MediaSink(const MediaSink&) = delete;
    MediaSink& operator=(const MediaSink&) = delete;
    virtual ~MediaSink();

    /// One RTP packet, in order of arrival: not reordered, duplicates included.
    virtual void on_rtp(const RtpPacket& packet) = 0;

    /// One RTCP compound packet of the SRC.
    virtual void on_rtcp(const RtcpPacket& packet);

    /// A new offer/answer changed the stream: formats, direction, addresses. Same id and m-line.
    virtual void on_changed(const StreamInfo& stream);

    /// Once in each second in which the stream is open, media or not: for timers of the sink.
    virtual void on_tick(WallTime now);

    /// An isolated sink (`isolate`) was too slow, and its queue was full.
    /// @param packets  RTP and RTCP packets dropped since the stream opened; called when it has
    ///                 grown, at most once a second
    virtual void on_dropped(std::uint64_t packets);

    /// The stream has ended; the last call. What the sink holds is to be flushed.
    virtual void on_closed(const StreamStats& stats, WallTime when);
};

}  // namespace siprec
