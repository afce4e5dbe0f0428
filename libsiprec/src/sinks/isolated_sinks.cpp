// Session sinks and media sinks whose calls are queued for other threads.
#include "sinks/sink_runner.hpp"

#include <siprec/isolated_sinks.hpp>

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace siprec {

namespace {

using sinks::SinkRunner;
using sinks::Strand;

using Bytes = std::vector<std::byte>;

/// What the calls of one session share: made and used on its strand only.
struct Session {
    std::shared_ptr<SessionSinkFactory> factory;  // a sink may use its factory to its own end
    std::unique_ptr<SessionSink> sink;
};

/// One stream's sink, used on the session's strand only.
struct Media {
    std::shared_ptr<Session> session;  // a media sink may use its session's to its own end
    std::unique_ptr<MediaSink> sink;
};

class IsolatedMediaSink final : public MediaSink {
  public:
    IsolatedMediaSink(std::shared_ptr<SinkRunner> runner,
                      std::shared_ptr<Strand> strand,
                      std::shared_ptr<Media> media)
        : runner_(std::move(runner)), strand_(std::move(strand)), media_(std::move(media)) {}

    IsolatedMediaSink(const IsolatedMediaSink&) = delete;
    IsolatedMediaSink& operator=(const IsolatedMediaSink&) = delete;

    ~IsolatedMediaSink() override { runner_->dispose(std::move(media_)); }

    void on_rtp(const RtpPacket& packet) override {
        // The header is read again on the other side: its parts point into the bytes.
        post(packet.bytes.size(),
             [media = media_,
              bytes = Bytes(packet.bytes.begin(), packet.bytes.end()),
              arrival = packet.arrival,
              source = packet.source,
              local = packet.local] {
                 auto copy = parse_rtp(bytes);
                 if (media->sink && copy) {
                     copy->arrival = arrival;
                     copy->source = source;
                     copy->local = local;
                     media->sink->on_rtp(*copy);
                 }
             });
    }

    void on_rtcp(const RtcpPacket& packet) override {
        post(packet.bytes.size(),
             [media = media_,
              bytes = Bytes(packet.bytes.begin(), packet.bytes.end()),
              copy = packet]() mutable {
                 copy.bytes = bytes;
                 if (media->sink) {
                     media->sink->on_rtcp(copy);
                 }
             });
    }

    void on_changed(const StreamInfo& stream) override {
        runner_->post(strand_, [media = media_, stream] {
            if (media->sink) {
                media->sink->on_changed(stream);
            }
        });
    }

    void on_tick(WallTime now) override {
        tell_dropped();
        // One that finds no room is no loss: the next says more.
        static_cast<void>(runner_->try_post(strand_, kTickBytes, [media = media_, now] {
            if (media->sink) {
                media->sink->on_tick(now);
            }
        }));
    }

    void on_closed(const StreamStats& stats, WallTime when) override {
        tell_dropped();
        runner_->post(strand_, [media = media_, stats, when] {
            if (media->sink) {
                media->sink->on_closed(stats, when);
                media->sink.reset();
            }
        });
    }

  private:
    // So that ticks alone cannot fill a queue without end.
    static constexpr std::size_t kTickBytes = 64;

    void post(std::size_t bytes, sinks::Call call) {
        if (!runner_->try_post(strand_, bytes, std::move(call))) {
            ++dropped_;
        }
    }

    void tell_dropped() {
        if (dropped_ == told_) {
            return;
        }
        told_ = dropped_;
        runner_->post(strand_, [media = media_, dropped = dropped_] {
            if (media->sink) {
                media->sink->on_dropped(dropped);
            }
        });
    }

    std::shared_ptr<SinkRunner> runner_;
    std::shared_ptr<Strand> strand_;
    std::shared_ptr<Media> media_;
    std::uint64_t dropped_ = 0;
    std::uint64_t told_ = 0;
};

class IsolatedSessionSink final : public SessionSink {
  public:
    IsolatedSessionSink(std::shared_ptr<SinkRunner> runner,
                        std::shared_ptr<SessionSinkFactory> factory,
                        const SessionInfo& info)
        : runner_(std::move(runner)),
          strand_(runner_->make_strand(info.id.to_string())),
          session_(std::make_shared<Session>()) {
        session_->factory = std::move(factory);
        runner_->post(strand_, [session = session_, info] {
            session->sink = session->factory->open_session(info);
        });
    }

    IsolatedSessionSink(const IsolatedSessionSink&) = delete;
    IsolatedSessionSink& operator=(const IsolatedSessionSink&) = delete;

    ~IsolatedSessionSink() override { runner_->dispose(std::move(session_)); }

    void on_sip(const SipMessage& message) override {
        post([copy = message, bytes = std::string(message.bytes)](SessionSink& sink) mutable {
            copy.bytes = bytes;
            sink.on_sip(copy);
        });
    }

    void on_metadata(const MetadataEvent& event) override {
        post([document = std::string(event.document),
              content_type = std::string(event.content_type),
              method = std::string(event.method),
              received = event.received,
              parsed = event.parsed,
              state = event.state](SessionSink& sink) {
            sink.on_metadata({.document = document,
                              .content_type = content_type,
                              .method = method,
                              .received = received,
                              .parsed = parsed,
                              .state = state});
        });
    }

    std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        auto media = std::make_shared<Media>();
        media->session = session_;
        post([media, stream](SessionSink& sink) { media->sink = sink.open_stream(stream); });
        return std::make_unique<IsolatedMediaSink>(runner_, strand_, std::move(media));
    }

    void on_ended(const SessionEnd& end) override {
        post([end](SessionSink& sink) { sink.on_ended(end); });
        runner_->post(strand_, [session = session_] { session->sink.reset(); });
    }

  private:
    template <typename Use>
    void post(Use use) {
        runner_->post(strand_, [session = session_, use = std::move(use)]() mutable {
            if (session->sink) {
                use(*session->sink);
            }
        });
    }

    std::shared_ptr<SinkRunner> runner_;
    std::shared_ptr<Strand> strand_;
    std::shared_ptr<Session> session_;
};

class IsolatedSinks final : public SessionSinkFactory {
  public:
    IsolatedSinks(std::unique_ptr<SessionSinkFactory> sinks,
                  const IsolationConfig& config,
                  Logger& logger)
        : sinks_(std::move(sinks)), runner_(std::make_shared<SinkRunner>(config, logger)) {
        runner_->start();
    }

    IsolatedSinks(const IsolatedSinks&) = delete;
    IsolatedSinks& operator=(const IsolatedSinks&) = delete;

    ~IsolatedSinks() override { runner_->stop(); }

    std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        return std::make_unique<IsolatedSessionSink>(runner_, sinks_, session);
    }

  private:
    std::shared_ptr<SessionSinkFactory> sinks_;
    std::shared_ptr<SinkRunner> runner_;
};

}  // namespace

std::unique_ptr<SessionSinkFactory> isolate(std::unique_ptr<SessionSinkFactory> sinks,
                                            const IsolationConfig& config,
                                            Logger& logger) {
    return std::make_unique<IsolatedSinks>(std::move(sinks), config, logger);
}

}  // namespace siprec
