// Calls the program with the audio of every stream, in frames of one length.
#include "sinks/framer.hpp"

#include <siprec/callback_sink.hpp>
#include <siprec/sinks.hpp>

#include <exception>
#include <string>
#include <utility>

namespace siprec {

namespace {

/// What all streams of a session share. *Immutable.*
struct Shared {
    AudioCallbackConfig config;
    AudioCallbacks callbacks;
    const DecoderRegistry& decoders;
    Logger& logger;
};

/// Owned by the stream's worker thread.
class Caller final : public AudioConsumer {
  public:
    Caller(std::shared_ptr<const Shared> shared, SessionInfo session, StreamInfo stream)
        : shared_(std::move(shared)),
          session_(std::move(session)),
          stream_(std::move(stream)),
          framer_(shared_->config.sample_rate,
                  static_cast<std::size_t>(shared_->config.frame.count()) *
                      shared_->config.sample_rate / 1000,
                  [this](const AudioBlock& frame) {
                      guarded([&] { shared_->callbacks.on_audio(session_, stream_, frame); });
                  }) {}

    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    ~Caller() override { framer_.flush(); }

    void on_audio(const AudioBlock& block) override { framer_.on_audio(block); }

    void on_overflow(std::uint64_t packets) override {
        if (shared_->callbacks.on_dropped) {
            guarded([&] { shared_->callbacks.on_dropped(session_, stream_, packets); });
        }
    }

  private:
    template <typename Call>
    void guarded(Call call) noexcept {
        if (has_failed_) {
            return;
        }
        std::string failure;
        try {
            call();
            return;
        } catch (const std::exception& error) {
            failure = error.what();
        } catch (...) {
            failure = "unknown exception";
        }
        has_failed_ = true;
        shared_->logger.log(LogLevel::Error,
                            "callback",
                            "an audio callback threw and gets no more of the stream",
                            {{"rs", session_.id.to_string()},
                             {"call_id", session_.call_id},
                             {"stream", stream_.id.to_string()},
                             {"error", failure}});
    }

    const std::shared_ptr<const Shared> shared_;
    const SessionInfo session_;
    const StreamInfo stream_;
    bool has_failed_ = false;
    sinks::Framer framer_;
};

class CallbackSession final : public SessionSink {
  public:
    CallbackSession(std::shared_ptr<const Shared> shared, SessionInfo session)
        : shared_(std::move(shared)), session_(std::move(session)) {}

    std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        if (stream.media_type != "audio") {
            return nullptr;
        }
        PcmSinkConfig config;
        config.sample_rate = shared_->config.sample_rate;
        config.queue_packets = shared_->config.queue_packets;
        config.origin = session_.started;
        return make_pcm_sink(
            stream, config, shared_->decoders, std::make_unique<Caller>(shared_, session_, stream));
    }

  private:
    const std::shared_ptr<const Shared> shared_;
    const SessionInfo session_;
};

class CallbackSinks final : public SessionSinkFactory {
  public:
    explicit CallbackSinks(std::shared_ptr<const Shared> shared) : shared_(std::move(shared)) {}

    std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        return std::make_unique<CallbackSession>(shared_, session);
    }

  private:
    const std::shared_ptr<const Shared> shared_;
};

}  // namespace

Result<std::unique_ptr<SessionSinkFactory>> make_audio_callback(const AudioCallbackConfig& config,
                                                                AudioCallbacks callbacks,
                                                                const DecoderRegistry& decoders,
                                                                Logger& logger) {
    using namespace std::chrono_literals;
    if (config.sample_rate < 8000 || config.sample_rate > 48'000 || config.frame < 10ms ||
        config.frame > 1000ms || config.queue_packets == 0) {
        return Error(ErrorCode::InvalidArgument,
                     "a callback sink has 8000 to 48000 Hz, frames of 10 to 1000 ms and a queue");
    }
    if (!callbacks.on_audio) {
        return Error(ErrorCode::InvalidArgument, "a callback sink needs a function for the audio");
    }
    return std::unique_ptr<SessionSinkFactory>(std::make_unique<CallbackSinks>(
        std::make_shared<const Shared>(Shared{.config = config,
                                              .callbacks = std::move(callbacks),
                                              .decoders = decoders,
                                              .logger = logger})));
}

}  // namespace siprec
