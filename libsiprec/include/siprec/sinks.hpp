#pragma once

#include <siprec/audio.hpp>
#include <siprec/clock.hpp>
#include <siprec/codec.hpp>
#include <siprec/export.hpp>
#include <siprec/log.hpp>
#include <siprec/media_sink.hpp>
#include <siprec/result.hpp>
#include <siprec/session_sink.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

/// Ready-made sinks.
namespace siprec {

/// Settings of a PCM sink.
struct PcmSinkConfig {
    std::uint32_t sample_rate = 8000;  ///< Hz of the audio that comes out
    std::chrono::milliseconds reorder_window{200};
    /// Packets waiting for the worker; when it is full the newest are dropped, come out as Lost,
    /// and are counted (`AudioConsumer::on_overflow`). The media thread never waits.
    std::size_t queue_packets = 4096;
    /// Position 0 of the track; none: the arrival of its first packet.
    std::optional<WallTime> origin;
};

/// A `MediaSink` that decodes on a worker thread of its own and hands PCM to `consumer`, in order
/// and on one time line. Calls of the consumer come from that worker, and so does its destruction:
/// after it has had everything, silence up to the end included. `on_closed` does not wait for that;
/// `Recorder::stop` does.
/// @param decoders  outlives the consumer
/// @return null never; a configuration that makes no sense is corrected to the nearest one that
/// does
[[nodiscard]] SIPREC_EXPORT std::unique_ptr<MediaSink> make_pcm_sink(
    const StreamInfo& stream,
    const PcmSinkConfig& config,
    const DecoderRegistry& decoders,
    std::unique_ptr<AudioConsumer> consumer);

/// Writes one audio file from front to back. Owned by one thread.
class SIPREC_EXPORT AudioFileWriter {
  public:
    AudioFileWriter(const AudioFileWriter&) = delete;
    AudioFileWriter& operator=(const AudioFileWriter&) = delete;
    virtual ~AudioFileWriter();

    /// @param interleaved  16-bit PCM, whole frames: a multiple of the channel count
    /// @return Io when the disk refused anything; LimitExceeded where a WAV file ends, at 4 GiB;
    ///         InvalidArgument for a part of a frame; Conflict behind `close`
    [[nodiscard]] virtual Result<void> write(std::span<const std::int16_t> interleaved) = 0;

    /// Completes the file and closes it. @return Io when the disk refused anything
    [[nodiscard]] virtual Result<void> close() = 0;

  protected:
    AudioFileWriter() = default;
};

/// Writes a WAV file of 16-bit PCM, channels interleaved. The header is right after each `write`,
/// so a file cut off by a crash still opens.
class SIPREC_EXPORT WavWriter : public AudioFileWriter {
  public:
    /// @return Io when the file cannot be made; InvalidArgument without rate or channels
    [[nodiscard]] static Result<std::unique_ptr<WavWriter>> create(const std::string& path,
                                                                   std::uint32_t sample_rate,
                                                                   std::uint16_t channels);
    ~WavWriter() override;

  protected:
    WavWriter() = default;
};

/// Writes an Ogg file of Opus (RFC 7845), a sixth of the size of telephone audio in WAV. Lossy: for
/// ears, not for measurements. One or two channels: Opus takes more for the loudspeakers of a room,
/// and would mix the parties.
class SIPREC_EXPORT OggWriter : public AudioFileWriter {
  public:
    /// @param sample_rate          8000, 12000, 16000, 24000 or 48000 Hz
    /// @param channels             1 or 2
    /// @param bits_a_second        of one channel, on average: 6000 to 256,000
    /// @return Io when the file cannot be made; InvalidArgument for numbers other than these
    [[nodiscard]] static Result<std::unique_ptr<OggWriter>> create(
        const std::string& path,
        std::uint32_t sample_rate,
        std::uint16_t channels,
        std::uint32_t bits_a_second = 24'000);
    ~OggWriter() override;

  protected:
    OggWriter() = default;
};

/// A `SessionSinkFactory` that writes every session's audio streams to `directory/<session
/// id>.wav`: mono PCM 16 a stream, one channel each in order of the m-lines (at most 32; later ones
/// are refused with a log line), all on the time line that begins when the INVITE arrived.
///
/// How many channels there are is known only when the session ends, so each stream is first written
/// to `directory/<session id>.<n>.pcm` (raw, host order), which stays there after a crash. A thread
/// of the factory then makes the WAV file, which appears under its name when it is whole. The
/// factory's destructor waits until all sessions that have ended are written.
/// @param directory  made when it does not exist
/// @param logger     is told what could not be written; outlives the factory
[[nodiscard]] SIPREC_EXPORT std::unique_ptr<SessionSinkFactory> make_wav_recorder(
    std::string directory, std::uint32_t sample_rate = 8000, Logger& logger = null_logger());

/// The same, written as Opus: one or two streams to `directory/<session id>.ogg`, of more each to a
/// file of its own, `directory/<session id>.<n>.ogg`, n counting from 0 in order of the m-lines.
/// @param sample_rate  one that Opus does not have becomes the next higher one that it has
[[nodiscard]] SIPREC_EXPORT std::unique_ptr<SessionSinkFactory> make_ogg_recorder(
    std::string directory, std::uint32_t sample_rate = 8000, Logger& logger = null_logger());

/// Where the packets of a stream go: RTP to this port, RTCP to the next. None: nowhere. Called on
/// media threads, when a stream opens.
using ForwardTarget =
    std::function<std::optional<Endpoint>(const SessionInfo& session, const StreamInfo& stream)>;

/// A `SessionSinkFactory` that sends RTP and RTCP on as they came (decrypted), from ports of its
/// own. Never waits: what the kernel does not take at once is lost and logged once a second.
/// @param logger  outlives the factory
[[nodiscard]] SIPREC_EXPORT std::unique_ptr<SessionSinkFactory> make_rtp_forwarder(
    ForwardTarget target, Logger& logger = null_logger());

}  // namespace siprec
