// One audio file a session: PCM sinks write a raw file for each stream, and when the session is
// over a thread of the factory interleaves them.
#include "base/bounded_queue.hpp"
#include "sinks/track_file.hpp"

#include <siprec/sinks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <future>
#include <limits>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace siprec {

namespace {

constexpr std::size_t kMaxChannels = 32;

/// The kind of file that comes out.
struct FileKind {
    std::string_view component;  // for the log
    std::string_view suffix;
    std::size_t most_channels;  // with more streams, each gets a file of its own
    std::function<Result<std::unique_ptr<AudioFileWriter>>(
        const std::string& path, std::uint32_t sample_rate, std::uint16_t channels)>
        create;
};

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
    std::string base_path;  // without suffix
    std::vector<Channel> channels;
};

class TrackConsumer final : public AudioConsumer {
  public:
    TrackConsumer(std::shared_ptr<TrackFile> track,
                  std::string_view component,
                  std::string session,
                  Logger& logger)
        : track_(std::move(track)),
          component_(component),
          session_(std::move(session)),
          logger_(&logger) {}

    TrackConsumer(const TrackConsumer&) = delete;
    TrackConsumer& operator=(const TrackConsumer&) = delete;

    ~TrackConsumer() override { written_.set_value(); }

    [[nodiscard]] std::shared_future<void> written() { return written_.get_future().share(); }

    void on_audio(const AudioBlock& block) override { track_->write(block.samples); }

    void on_overflow(std::uint64_t packets) override {
        logger_->log(LogLevel::Warning,
                     component_,
                     "decoder too slow: packets dropped",
                     {{"rs", session_}, {"packets", fmt::to_string(packets)}});
    }

  private:
    std::shared_ptr<TrackFile> track_;
    std::string_view component_;
    std::string session_;
    Logger* logger_;
    std::promise<void> written_;
};

/// Shorter tracks end in silence.
Result<void> interleave(std::span<const Channel> tracks,
                        AudioFileWriter& file,
                        std::uint32_t sample_rate) {
    const std::size_t channels = tracks.size();
    std::vector<std::int16_t> track(sample_rate);
    std::vector<std::int16_t> frames(track.size() * channels);
    while (true) {
        std::ranges::fill(frames, std::int16_t{0});
        std::size_t longest = 0;
        for (std::size_t channel = 0; channel < channels; ++channel) {
            const std::size_t read = tracks[channel].track->read(track);
            for (std::size_t i = 0; i < read; ++i) {
                frames[i * channels + channel] = track[i];
            }
            longest = std::max(longest, read);
        }
        if (longest == 0) {
            return {};
        }
        auto written = file.write(std::span(frames).first(longest * channels));
        if (!written) {
            return written;
        }
    }
}

Result<void> write_file(const std::string& path,
                        std::span<const Channel> channels,
                        const FileKind& kind,
                        std::uint32_t sample_rate) {
    for (const Channel& channel : channels) {
        channel.written.wait();
        auto ready = channel.track->rewind();
        if (!ready) {
            return ready;
        }
    }
    const std::string unfinished = path + ".part";
    auto file = kind.create(unfinished, sample_rate, static_cast<std::uint16_t>(channels.size()));
    if (!file) {
        return file.error();
    }
    auto written = interleave(channels, **file, sample_rate);
    auto closed = (*file)->close();
    if (!written) {
        return written;
    }
    if (!closed) {
        return closed;
    }
    if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
        return Error(
            ErrorCode::Io,
            fmt::format("rename {}: {}", unfinished, std::system_category().message(errno)));
    }
    for (const Channel& channel : channels) {
        auto removed = channel.track->remove();
        if (!removed) {
            return removed;
        }
    }
    return {};
}

class FileSession final : public SessionSink {
  public:
    FileSession(const SessionInfo& session,
                const FileKind& kind,
                const std::string& directory,
                std::uint32_t sample_rate,
                const DecoderRegistry& decoders,
                base::BoundedQueue<Recording>& ended,
                Logger& logger)
        : kind_(&kind),
          session_(session.id.to_string()),
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
                         kind_->component,
                         "stream refused: 32 channels are in use",
                         {{"rs", session_}, {"label", stream.label}});
            return nullptr;
        }
        auto track = TrackFile::create(fmt::format("{}.{}.pcm", base_path_, channels_.size()));
        if (!track) {
            logger_->log(
                LogLevel::Error, kind_->component, track.error().to_string(), {{"rs", session_}});
            return nullptr;
        }
        const std::shared_ptr<TrackFile> shared = std::move(*track);
        auto consumer =
            std::make_unique<TrackConsumer>(shared, kind_->component, session_, *logger_);
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
            {.session = session_, .base_path = base_path_, .channels = std::move(channels_)});
    }

  private:
    const FileKind* kind_;  // the recorder's
    std::string session_;
    std::string base_path_;
    WallTime origin_;
    std::uint32_t sample_rate_;
    const DecoderRegistry* decoders_;
    base::BoundedQueue<Recording>* ended_;
    Logger* logger_;
    std::vector<Channel> channels_;
};

class FileRecorder final : public SessionSinkFactory {
  public:
    FileRecorder(FileKind kind, std::string directory, std::uint32_t sample_rate, Logger& logger)
        : kind_(std::move(kind)),
          directory_(std::move(directory)),
          sample_rate_(sample_rate),
          logger_(&logger),
          writer_([this] { write_ended(); }) {}

    FileRecorder(const FileRecorder&) = delete;
    FileRecorder& operator=(const FileRecorder&) = delete;

    ~FileRecorder() override { ended_.close(); }

    [[nodiscard]] std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        std::error_code error;
        std::filesystem::create_directories(directory_, error);
        if (error) {
            logger_->log(LogLevel::Error,
                         kind_.component,
                         fmt::format("create {}: {}", directory_, error.message()),
                         {{"rs", session.id.to_string()}});
        }
        return std::make_unique<FileSession>(
            session, kind_, directory_, sample_rate_, decoders_, ended_, *logger_);
    }

  private:
    void write_ended() {
        while (true) {
            const auto ended = ended_.pop();
            if (!ended) {
                return;
            }
            const std::span<const Channel> channels(ended->channels);
            if (channels.size() <= kind_.most_channels) {
                write(
                    ended->session, fmt::format("{}{}", ended->base_path, kind_.suffix), channels);
                continue;
            }
            for (std::size_t i = 0; i < channels.size(); ++i) {
                write(ended->session,
                      fmt::format("{}.{}{}", ended->base_path, i, kind_.suffix),
                      channels.subspan(i, 1));
            }
        }
    }

    void write(const std::string& session,
               const std::string& path,
               std::span<const Channel> channels) {
        if (const auto written = write_file(path, channels, kind_, sample_rate_); !written) {
            logger_->log(LogLevel::Error,
                         kind_.component,
                         Result<void>(written).error().to_string(),
                         {{"rs", session}});
            return;
        }
        logger_->log(LogLevel::Info,
                     kind_.component,
                     "recording written",
                     {{"rs", session}, {"file", path}});
    }

    const FileKind kind_;
    const std::string directory_;
    const std::uint32_t sample_rate_;
    Logger* logger_;
    const DecoderRegistry decoders_ = DecoderRegistry::with_defaults();
    /// Bounded by the recorder's number of sessions.
    base::BoundedQueue<Recording> ended_{std::numeric_limits<std::size_t>::max()};
    std::jthread writer_;  // last: it uses all of the above
};

/// A kind of file whose writer is `Writer`.
template <typename Writer>
FileKind kind_of(std::string_view component, std::string_view suffix, std::size_t most_channels) {
    return {.component = component,
            .suffix = suffix,
            .most_channels = most_channels,
            .create = [](const std::string& path,
                         std::uint32_t sample_rate,
                         std::uint16_t channels) -> Result<std::unique_ptr<AudioFileWriter>> {
                auto writer = Writer::create(path, sample_rate, channels);
                if (!writer) {
                    return std::move(writer).error();
                }
                return std::unique_ptr<AudioFileWriter>(std::move(*writer));
            }};
}

}  // namespace

std::unique_ptr<SessionSinkFactory> make_wav_recorder(std::string directory,
                                                      std::uint32_t sample_rate,
                                                      Logger& logger) {
    return std::make_unique<FileRecorder>(kind_of<WavWriter>("wav", ".wav", kMaxChannels),
                                          std::move(directory),
                                          std::clamp(sample_rate, 8000U, 48'000U),
                                          logger);
}

std::unique_ptr<SessionSinkFactory> make_ogg_recorder(std::string directory,
                                                      std::uint32_t sample_rate,
                                                      Logger& logger) {
    constexpr std::array<std::uint32_t, 5> kRates{8000, 12'000, 16'000, 24'000, 48'000};
    const auto rate = std::ranges::lower_bound(kRates, sample_rate);
    return std::make_unique<FileRecorder>(kind_of<OggWriter>("ogg", ".ogg", 2),
                                          std::move(directory),
                                          rate == kRates.end() ? kRates.back() : *rate,
                                          logger);
}

}  // namespace siprec
