#pragma once

#include <siprec/audio.hpp>
#include <siprec/codec.hpp>
#include <siprec/export.hpp>
#include <siprec/log.hpp>
#include <siprec/result.hpp>
#include <siprec/session.hpp>
#include <siprec/session_sink.hpp>
#include <siprec/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace siprec {

/// Settings of a callback sink.
struct AudioCallbackConfig {
    std::uint32_t sample_rate = 8000;     ///< Hz of the audio, 8000 to 48000
    std::chrono::milliseconds frame{20};  ///< of audio in one call, 10 to 1000
    std::size_t queue_packets = 4096;     ///< of a stream that wait; when full, the newest go
};

/// What a program wants to hear of its streams. The calls of one stream come one after the other,
/// from a worker thread of that stream; those of several streams come at once. A function that
/// throws gets nothing more of that stream, and is reported to the log.
struct AudioCallbacks {
    /// One frame, in order, on one time line for all streams of the session: position 0 is
    /// `session.started`. All frames have the configured length, but for the last before a hole and
    /// the last of all. Nothing of the silence before a stream's first sound is handed on, and of a
    /// later one the first second: positions show such holes. A frame's kind is Lost when any of it
    /// was lost, Silence when it is nothing else. Needed.
    std::function<void(
        const SessionInfo& session, const StreamInfo& stream, const AudioBlock& frame)>
        on_audio;

    /// The function above is too slow, and the queue was full. May be empty.
    /// @param packets  dropped since the stream opened; called when it has grown
    std::function<void(const SessionInfo& session, const StreamInfo& stream, std::uint64_t packets)>
        on_dropped;
};

/// A `SessionSinkFactory` that decodes every audio stream and calls the program with it. No media
/// thread waits for the functions; the end of a stream does (on a thread that does nothing else).
/// @param decoders, logger  outlive the factory and its sinks
/// @return InvalidArgument for numbers out of range, or without `on_audio`
[[nodiscard]] SIPREC_EXPORT Result<std::unique_ptr<SessionSinkFactory>> make_audio_callback(
    const AudioCallbackConfig& config,
    AudioCallbacks callbacks,
    const DecoderRegistry& decoders,
    Logger& logger = null_logger());

}  // namespace siprec
