#include "capture/capture_sink.hpp"

#include "capture/events.hpp"

#include <siprec/pcapng.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace siprec::server {
namespace {

// What fits into an IPv4 datagram; longer SIP messages (they came over TCP) are kept whole beside
// it.
constexpr std::size_t kMaxDatagram = 65'507;

/// Writes blocks of one session into its log. Owner media thread only.
class CaptureFile {
  public:
    CaptureFile(CaptureSpool& spool, const Uuid& session, const Clock& clock)
        : log_(spool.open(session)), counters_(spool.counters()), clock_(clock) {}

    void begin(const SessionInfo& session, std::string_view application) {
        scratch_.clear();
        pcapng::Writer::section_header(scratch_, application, kCaptureFormat);
        pcapng::Writer::interface(scratch_, "SIP", "SIP messages of the recording session");
        append_event(scratch_, {session.started, SessionStarted{session}});
        put_essential();
    }

    std::uint32_t add_stream(const StreamInfo& stream) {
        const std::uint32_t interface_id = next_interface_++;
        const std::string name =
            stream.label.empty() ? "media-" + std::to_string(stream.media_index) : stream.label;
        scratch_.clear();
        pcapng::Writer::interface(scratch_, name, describe(stream));
        append_event(scratch_, {clock_.now(), StreamOpened{interface_id, stream}});
        put_essential();
        return interface_id;
    }

    void add_sip(const SipMessage& message) {
        const auto bytes = std::as_bytes(std::span(message.bytes));
        scratch_.clear();
        pcapng::Writer::datagram(scratch_,
                                 kSipInterface,
                                 message.time,
                                 message.sent ? message.local : message.remote,
                                 message.sent ? message.remote : message.local,
                                 bytes);
        if (bytes.size() > kMaxDatagram) {
            append_event(scratch_, {message.time, LongSipMessage{std::string(message.bytes)}});
        }
        put_essential();
    }

    void add_event(WallTime time, EventBody body) {
        scratch_.clear();
        append_event(scratch_, {time, std::move(body)});
        put_essential();
    }

    void add_rtp(std::uint32_t interface_id, const RtpPacket& packet) {
        if (put_packet(interface_id, packet.arrival, packet.source, packet.local, packet.bytes)) {
            log_->count_packet();
        }
    }

    void add_rtcp(std::uint32_t interface_id, const RtcpPacket& packet) {
        (void)put_packet(interface_id, packet.arrival, packet.source, packet.local, packet.bytes);
    }

    void finish() {
        if (gap_) {
            put_gap();
        }
        log_->finish();
    }

    [[nodiscard]] WallTime now() const noexcept { return clock_.now(); }

  private:
    static std::string describe(const StreamInfo& stream) {
        std::string codecs;
        for (const PayloadFormat& format : stream.formats) {
            codecs += format.encoding + " ";
        }
        return stream.media_type + " " + codecs + stream.id.to_string();
    }

    bool put_packet(std::uint32_t interface_id,
                    WallTime arrival,
                    const Endpoint& source,
                    const Endpoint& local,
                    std::span<const std::byte> bytes) {
        scratch_.clear();
        pcapng::Writer::datagram(scratch_, interface_id, arrival, source, local, bytes);
        if (!log_->append(scratch_, CaptureLog::Importance::Droppable)) {
            if (!gap_) {
                gap_ = Gap{arrival, arrival, 0};
            }
            gap_->until = std::max(gap_->until, arrival);
            ++gap_->packets;
            counters_.packets_dropped.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        if (gap_) {
            put_gap();
        }
        return true;
    }

    void put_gap() {
        const Gap gap = *std::exchange(gap_, std::nullopt);
        add_event(gap.until, gap);
    }

    void put_essential() {
        // Essential blocks are always taken.
        (void)log_->append(scratch_, CaptureLog::Importance::Essential);
    }

    std::shared_ptr<CaptureLog> log_;
    SpoolCounters& counters_;
    const Clock& clock_;
    std::vector<std::byte> scratch_;
    std::uint32_t next_interface_ = kSipInterface + 1;
    std::optional<Gap> gap_;
};

class CaptureMediaSink final : public MediaSink {
  public:
    CaptureMediaSink(CaptureFile& file, const StreamInfo& stream)
        : file_(file), stream_(stream.id), interface_id_(file.add_stream(stream)) {}

    void on_rtp(const RtpPacket& packet) override { file_.add_rtp(interface_id_, packet); }

    void on_rtcp(const RtcpPacket& packet) override { file_.add_rtcp(interface_id_, packet); }

    void on_changed(const StreamInfo& stream) override {
        file_.add_event(file_.now(), StreamChanged{stream});
    }

    void on_closed(const StreamStats& stats, WallTime when) override {
        file_.add_event(when, StreamClosed{stream_, stats});
    }

  private:
    CaptureFile& file_;
    const Uuid stream_;
    const std::uint32_t interface_id_;
};

class CaptureSink final : public SessionSink {
  public:
    CaptureSink(CaptureSpool& spool,
                const SessionInfo& session,
                std::string_view application,
                const Clock& clock)
        : file_(spool, session.id, clock) {
        file_.begin(session, application);
    }

    CaptureSink(const CaptureSink&) = delete;
    CaptureSink& operator=(const CaptureSink&) = delete;

    // A sink that is dropped without on_ended (the library closes a sink that failed) still leaves
    // a complete capture.
    ~CaptureSink() override {
        if (!ended_) {
            end(file_.now(), std::string(to_string(EndCause::Failed)), "the sink was closed early");
        }
    }

    void on_sip(const SipMessage& message) override { file_.add_sip(message); }

    void on_metadata(const MetadataEvent& event) override {
        file_.add_event(event.received,
                        MetadataReceived{std::string(event.document),
                                         std::string(event.content_type),
                                         std::string(event.method),
                                         event.parsed.has_value()});
    }

    [[nodiscard]] std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        return std::make_unique<CaptureMediaSink>(file_, stream);
    }

    void on_ended(const SessionEnd& end_of_session) override {
        end(end_of_session.time,
            std::string(to_string(end_of_session.cause)),
            end_of_session.reason);
    }

  private:
    void end(WallTime time, std::string cause, std::string reason) {
        ended_ = true;
        file_.add_event(time, SessionEnded{std::move(cause), std::move(reason)});
        file_.finish();
    }

    CaptureFile file_;
    bool ended_ = false;
};

}  // namespace

std::unique_ptr<SessionSink> CaptureSinkFactory::open_session(const SessionInfo& session) {
    return std::make_unique<CaptureSink>(spool_, session, application_, clock_);
}

}  // namespace siprec::server
