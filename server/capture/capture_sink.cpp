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

/// What every part of a capture needs.
struct CaptureContext {
    CaptureSpool& spool;
    const Clock& clock;
    std::string_view application;
    RotationLimits rotation;
};

/// Writes blocks of one session into its log, and into the log of the next part when that is due.
/// Owner media thread only.
class CaptureFile {
  public:
    CaptureFile(const CaptureContext& context, const SessionInfo& session)
        : context_(context),
          session_(session),
          log_(context.spool.open(session.id)),
          tracker_(session.started) {
        begin_part(session.started);
    }

    /// A stream keeps its place until it is closed; its interface is another one in each part.
    std::size_t add_stream(const StreamInfo& stream) {
        auto place = std::find_if(
            streams_.begin(), streams_.end(), [](const Stream& known) { return !known.is_open; });
        if (place == streams_.end()) {
            place = streams_.emplace(place);
        }
        *place = {stream, 0, true};
        put_stream(*place, stream.since);
        return static_cast<std::size_t>(place - streams_.begin());
    }

    void change_stream(std::size_t place, const StreamInfo& stream) {
        streams_[place].info = stream;
        add_event(stream.since, StreamChanged{stream});
    }

    void close_stream(std::size_t place, const StreamStats& stats, WallTime when) {
        streams_[place].is_open = false;
        add_event(when, StreamClosed{streams_[place].info.id, stats});
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

    void add_document(const MetadataEvent& event) {
        MetadataReceived body{.document = std::string(event.document),
                              .content_type = std::string(event.content_type),
                              .method = std::string(event.method),
                              .usable = event.parsed.has_value()};
        add_event(event.received, body);
        if (!event.parsed) {
            tracker_.skip_document();
            return;
        }
        const bool in_bye = event.method == "BYE";
        tracker_.apply(*event.parsed, event.state, event.received, in_bye, part_);
        may_rotate_ = tracker_.has_named() && !in_bye;
        if (may_rotate_) {
            // Needed once something is over or nothing goes on; an ordinary call pays for no copy.
            const bool is_clean = is_clean_cut(tracker_);
            const bool is_simple = tracker_.stays().size() == 1 &&
                                   tracker_.stays().front().state == SessionStay::State::Open;
            state_ = is_simple ? std::string() : metadata::write(event.state.current());
            may_rotate_ = !is_simple;
            if (is_clean) {
                rotate(event.received);
                body.repeated = true;
                add_event(event.received, std::move(body));
            }
        }
    }

    void add_event(WallTime time, EventBody body) {
        scratch_.clear();
        append_event(scratch_, {time, std::move(body)});
        put_essential();
    }

    void add_rtp(std::size_t place, const RtpPacket& packet) {
        if (put_packet(streams_[place].interface_id,
                       packet.arrival,
                       packet.source,
                       packet.local,
                       packet.bytes)) {
            log_->count_packet();
        }
        if (may_rotate_ && is_overgrown(tracker_,
                                        {.began = began_, .now = packet.arrival, .bytes = bytes_},
                                        context_.rotation)) {
            rotate(packet.arrival);
        }
    }

    void add_rtcp(std::size_t place, const RtcpPacket& packet) {
        (void)put_packet(streams_[place].interface_id,
                         packet.arrival,
                         packet.source,
                         packet.local,
                         packet.bytes);
    }

    void finish() {
        put_gap();
        log_->finish();
    }

    [[nodiscard]] WallTime now() const noexcept { return context_.clock.now(); }

  private:
    struct Stream {
        StreamInfo info;
        std::uint32_t interface_id = 0;
        bool is_open = false;
    };

    static std::string describe(const StreamInfo& stream) {
        std::string codecs;
        for (const PayloadFormat& format : stream.formats) {
            codecs += format.encoding + " ";
        }
        return stream.media_type + " " + codecs + stream.id.to_string();
    }

    void begin_part(WallTime time) {
        scratch_.clear();
        pcapng::Writer::section_header(scratch_, context_.application, kCaptureFormat);
        pcapng::Writer::interface(scratch_, "SIP", "SIP messages of the recording session");
        append_event(scratch_, {session_.started, SessionStarted{session_}});
        if (part_ > 1) {
            append_event(scratch_, {time, CaptureContinued{part_, tracker_.to_json(), state_}});
        }
        began_ = time;
        bytes_ = 0;
        next_interface_ = kSipInterface + 1;
        put_essential();
    }

    void rotate(WallTime time) {
        put_gap();
        add_event(time, CaptureRotated{part_ + 1});
        tracker_.rotate(++part_);
        const std::vector<SessionStay> stays = tracker_.stays();
        for (const SessionStay& stay : stays) {
            if (stay.is_over()) {
                tracker_.forget(stay.session_id, stay.number);
            }
        }
        const auto finished = std::exchange(log_, context_.spool.open(session_.id, part_));
        begin_part(time);
        for (Stream& stream : streams_) {
            if (stream.is_open) {
                put_stream(stream, time);
            }
        }
        // Last: the writer closes the old file when the new one has its beginning.
        finished->finish(log_);
    }

    void put_stream(Stream& stream, WallTime time) {
        stream.interface_id = next_interface_++;
        const std::string name = stream.info.label.empty()
                                     ? "media-" + std::to_string(stream.info.media_index)
                                     : stream.info.label;
        scratch_.clear();
        pcapng::Writer::interface(scratch_, name, describe(stream.info));
        append_event(scratch_, {time, StreamOpened{stream.interface_id, stream.info}});
        put_essential();
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
            context_.spool.counters().packets_dropped.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        bytes_ += scratch_.size();
        put_gap();
        return true;
    }

    void put_gap() {
        if (gap_) {
            const Gap gap = *std::exchange(gap_, std::nullopt);
            add_event(gap.until, gap);
        }
    }

    void put_essential() {
        bytes_ += scratch_.size();
        // Essential blocks are always taken.
        (void)log_->append(scratch_, CaptureLog::Importance::Essential);
    }

    const CaptureContext context_;
    const SessionInfo session_;
    std::uint32_t part_ = 1;
    std::shared_ptr<CaptureLog> log_;
    SessionTracker tracker_;
    bool may_rotate_ = false;
    std::string state_;  // the metadata, while a rotation may come
    WallTime began_;     // this part
    std::uint64_t bytes_ = 0;
    std::vector<std::byte> scratch_;
    std::vector<Stream> streams_;
    std::uint32_t next_interface_ = kSipInterface + 1;
    std::optional<Gap> gap_;
};

class CaptureMediaSink final : public MediaSink {
  public:
    CaptureMediaSink(CaptureFile& file, const StreamInfo& stream)
        : file_(file), place_(file.add_stream(stream)) {}

    void on_rtp(const RtpPacket& packet) override { file_.add_rtp(place_, packet); }

    void on_rtcp(const RtcpPacket& packet) override { file_.add_rtcp(place_, packet); }

    void on_changed(const StreamInfo& stream) override { file_.change_stream(place_, stream); }

    void on_closed(const StreamStats& stats, WallTime when) override {
        file_.close_stream(place_, stats, when);
    }

  private:
    CaptureFile& file_;
    const std::size_t place_;
};

class CaptureSink final : public SessionSink {
  public:
    CaptureSink(const CaptureContext& context, const SessionInfo& session)
        : file_(context, session) {}

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

    void on_metadata(const MetadataEvent& event) override { file_.add_document(event); }

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
    return std::make_unique<CaptureSink>(CaptureContext{spool_, clock_, application_, rotation_},
                                         session);
}

}  // namespace siprec::server
