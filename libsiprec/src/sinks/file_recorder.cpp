// One WAV file a session: PCM sinks write a raw file for each stream, and when the session is over
// a thread of the factory interleaves them.
#include "base/bounded_queue.hpp"
#include "sinks/track_file.hpp"

#include <siprec/sinks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <future>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace siprec {

namespace {

constexpr std::size_t kMaxChannels = 32;
constexpr std::string_view kComponent = "wav";

struct Channel {
    std::uint32_t media_index = 0;
    // Shared with the PCM sink's consumer: that writes until the stream is closed, the factory's
    // thread reads afterwards.
    std::shared_ptr<TrackFile> track;
    std::shared_future<void> written;  // ready when the consumer has gone
};

/// A session that has ended.
struct Recording {
    std::string session;
    std::string path;
    std::vector<Channel> channels;
};

class TrackConsumer final : public AudioConsumer {
  public:
    TrackConsumer(std::shared_ptr<TrackFile> track, std::string session, Logger& logger)
        : track_(std::move(track)), session_(std::move(session)), logger_(&logger) {}

    TrackConsumer(const TrackConsumer&) = delete;
    TrackConsumer& operator=(const TrackConsumer&) = delete;

    ~TrackConsumer() override { written_.set_value(); }

    [[nodiscard]] std::shared_future<void> written() { return written_.get_future().share(); }

    void on_audio(const AudioBlock& block) override { track_->write(block.samples); }

    void on_overflow(std::uint64_t packets) override {
        logger_->log(LogLevel::Warning,
                     kComponent,
                     "decoder too slow: packets dropped",
                     {{"rs", session_}, {"packets", fmt::to_string(packets)}});
    }

  private:
    std::shared_ptr<TrackFile> track_;
    std::string session_;
    Logger* logger_;
    std::promise<void> written_;
};

/// Shorter tracks end in silence.
Result<void> interleave(const Recording& recording, WavWriter& wav, std::uint32_t sample_rate) {
    const std::size_t channels = recording.channels.size();
    std::vector<std::int16_t> track(sample_rate);
    std::vector<std::int16_t> frames(track.size() * channels);
    while (true) {
        std::ranges::fill(frames, std::int16_t{0});
        std::size_t longest = 0;
        for (std::size_t channel = 0; channel < channels; ++channel) {
            const std::size_t read = recording.channels[channel].track->read(track);
            for (std::size_t i = 0; i < read; ++i) {
                frames[i * channels + channel] = track[i];
            }
            longest = std::max(longest, read);
        }
        if (longest == 0) {
            return {};
        }
        auto written = wav.write(std::span(frames).first(longest * channels));
        if (!written) {
            return written;
        }
    }
}

Result<void> write_wav(const Recording& recording, std::uint32_t sample_rate) {
    for (const Channel& channel : recording.channels) {
        channel.written.wait();
        auto ready = channel.track->rewind();
        if (!ready) {
            return ready;
        }
    }
    const std::string unfinished = recording.path + ".part";
    auto wav = WavWriter::create(
        unfinished, sample_rate, static_cast<std::uint16_t>(recording.channels.size()));
    if (!wav) {
        return wav.error();
    }
    auto written = interleave(recording, **wav, sample_rate);
    auto closed = (*wav)->close();
    if (!written) {
        return written;
    }
    if (!closed) {
        return closed;
    }
    if (std::rename(unfinished.c_str(), recording.path.c_str()) != 0) {
        return Error(
            ErrorCode::Io,
            fmt::format("rename {}: {}", unfinished, std::system_category().message(errno)));
    }
    for (const Channel& channel : recording.channels) {
        auto removed = channel.track->remove();
        if (!removed) {
            return removed;
        }
    }
    return {};
}

class WavSession final : public SessionSink {
  public:
    WavSession(const SessionInfo& session,
               const std::string& directory,
               std::uint32_t sample_rate,
               const DecoderRegistry& decoders,
               base::BoundedQueue<Recording>& ended,
               Logger& logger)
        : session_(session.id.to_string()),
          base_path_((std::filesystem::path(directory) / session_).string()),
          origin_(session.started),
          sample_rate_(sample_rate),
          decoders_(&decoders),
          ended_(&ended),
          logger_(&logger) {}

    [[nodiscard]] std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        if (stream.media_type != "audio") {
            return nullptr;
        }
        if (channels_.size() == kMaxChannels) {
            logger_->log(LogLevel::Warning,
                         kComponent,
                         "stream refused: 32 channels are in use",
                         {{"rs", session_}, {"label", stream.label}});
            return nullptr;
        }
        auto track = TrackFile::create(fmt::format("{}.{}.pcm", base_path_, channels_.size()));
        if (!track) {
            logger_->log(
                LogLevel::Error, kComponent, track.error().to_string(), {{"rs", session_}});
            return nullptr;
        }
        const std::shared_ptr<TrackFile> shared = std::move(*track);
        auto consumer = std::make_unique<TrackConsumer>(shared, session_, *logger_);
        channels_.push_back(
            {.media_index = stream.media_index, .track = shared, .written = consumer->written()});
        PcmSinkConfig config;
        config.sample_rate = sample_rate_;
        config.origin = origin_;
        return make_pcm_sink(stream, config, *decoders_, std::move(consumer));
    }

    void on_ended(const SessionEnd& /*end*/) override {
        if (channels_.empty()) {
            return;
        }
        std::ranges::stable_sort(channels_, {}, &Channel::media_index);
        (void)ended_->push_always(
            {.session = session_, .path = base_path_ + ".wav", .channels = std::move(channels_)});
    }

  private:
    std::string session_;
    std::string base_path_;
    WallTime origin_;
    std::uint32_t sample_rate_;
    const DecoderRegistry* decoders_;
    base::BoundedQueue<Recording>* ended_;
    Logger* logger_;
    std::vector<Channel> channels_;
};

class WavRecorder final : public SessionSinkFactory {
  public:
    WavRecorder(std::string directory, std::uint32_t sample_rate, Logger& logger)
        : directory_(std::move(directory)),
          sample_rate_(std::clamp(sample_rate, 8000U, 48'000U)),
          logger_(&logger),
          writer_([this] { write_ended(); }) {}

    WavRecorder(const WavRecorder&) = delete;
    WavRecorder& operator=(const WavRecorder&) = delete;

    ~WavRecorder() override { ended_.close(); }

    [[nodiscard]] std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        std::error_code error;
        std::filesystem::create_directories(directory_, error);
        if (error) {
            logger_->log(LogLevel::Error,
                         kComponent,
                         fmt::format("create {}: {}", directory_, error.message()),
                         {{"rs", session.id.to_string()}});
        }
        return std::make_unique<WavSession>(
            session, directory_, sample_rate_, decoders_, ended_, *logger_);
    }

  private:
    void write_ended() {
        while (true) {
            const auto ended = ended_.pop();
            if (!ended) {
                return;
            }
            const Recording& recording = *ended;
            const auto written = write_wav(recording, sample_rate_);
            if (written) {
                logger_->log(LogLevel::Info,
                             kComponent,
                             "recording written",
                             {{"rs", recording.session}, {"file", recording.path}});
            } else {
                logger_->log(LogLevel::Error,
                             kComponent,
                             written.error().to_string(),
                             {{"rs", recording.session}});
            }
        }
    }

    const std::string directory_;
    const std::uint32_t sample_rate_;
    Logger* logger_;
    const DecoderRegistry decoders_ = DecoderRegistry::with_defaults();
    /// Bounded by the recorder's number of sessions.
    base::BoundedQueue<Recording> ended_{std::numeric_limits<std::size_t>::max()};
    std::jthread writer_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<SessionSinkFactory> make_wav_recorder(std::string directory,
                                                      std::uint32_t sample_rate,
                                                      Logger& logger) {
    return std::make_unique<WavRecorder>(std::move(directory), sample_rate, logger);
}

}  // namespace siprec
