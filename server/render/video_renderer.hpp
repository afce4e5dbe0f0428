#pragma once

// Video from captures to Matroska, as it was encoded, beside the audio of the same recording.

#include "render/span_filter.hpp"
#include "render/video_depacketiser.hpp"

#include <siprec/clock.hpp>
#include <siprec/result.hpp>
#include <siprec/uuid.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

/// A stream that may become a track.
struct VideoStream {
    Uuid id;
    /// Sound of the same participant, or that may be: of several the one whose sender's clock is
    /// nearest sets the time.
    std::vector<Uuid> audio;
};

struct VideoPlan {
    WallTime origin;                    ///< when the sound begins
    std::vector<DocumentSpan> spans{};  ///< what is rendered; empty: everything
    std::size_t documents_before = 0;   ///< that came before the first capture
    std::vector<VideoStream> video{};
    std::string wav_path{};  ///< goes in as the sound; empty: none
};

/// What became of one stream.
struct RenderedVideo {
    std::optional<VideoCodec> codec;  ///< none: not rendered
    std::uint64_t frames = 0;
    std::uint64_t damaged = 0;  ///< left out: a packet was missing
};

struct VideoRendering {
    std::vector<RenderedVideo> streams;     ///< as in the plan
    std::uint64_t frames = 0;               ///< of all; 0: no file was written
    std::chrono::milliseconds duration{0};  ///< from the beginning of the file to its last frame
};

/// H.264 and VP8 are rendered, each stream from its first key frame on; other formats are passed
/// over. Frames are in step with the sound by the sender reports of both (RFC 3550 6.4.1) where
/// these agree with what arrived, else by arrival. Time 0 of the file is the first of all.
/// @param captures  parts of one session in their order, that were checked before
/// @param path      the file to write
/// @return Io, ResourceExhausted from the disk; Unsupported when the container refuses the streams
[[nodiscard]] Result<VideoRendering> render_video(const std::vector<std::string>& captures,
                                                  const VideoPlan& plan,
                                                  const std::string& path);

}  // namespace siprec::server
