#pragma once

// What goes over the WebSocket, as docs/websocket.md has it.

#include "websocket/outbox.hpp"

#include <siprec/audio.hpp>
#include <siprec/metadata.hpp>
#include <siprec/session.hpp>
#include <siprec/stream.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace siprec::websocket {

/// The streams of a session by the number that their messages carry: the position of the m-line.
using Streams = std::map<std::uint32_t, StreamInfo>;

/// @param resumed  the session had a connection before
[[nodiscard]] std::string start_message(const SessionInfo& session,
                                        std::uint32_t sample_rate,
                                        std::chrono::milliseconds frame,
                                        bool resumed);

/// @param is_open  false: nothing more comes of it
[[nodiscard]] std::string stream_message(const StreamInfo& stream, bool is_open);

/// Everybody by id: who it is, and which streams are hers or his.
[[nodiscard]] std::map<std::string, std::string> participant_messages(
    const metadata::Document& document, const Streams& streams);

/// A participant who was there and is not any more.
[[nodiscard]] std::string participant_left_message(const std::string& id);

/// The metadata as one complete RFC 7865 document, and its communication sessions.
[[nodiscard]] std::string metadata_message(const metadata::Document& document);

[[nodiscard]] std::string loss_message(std::uint32_t stream, const Loss& loss);

[[nodiscard]] std::string stop_message(const SessionEnd& end);

/// A header of 12 bytes (version 1, kind, stream number, position in samples; network order), then
/// 16-bit samples, little-endian.
[[nodiscard]] std::string audio_message(std::uint32_t stream, const AudioBlock& block);

}  // namespace siprec::websocket
