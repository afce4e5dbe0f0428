#pragma once

// A Matroska file of encoded video and the sound of a WAV file, by libavformat. Nothing is
// transcoded.

#include "render/video_depacketiser.hpp"

#include <siprec/result.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siprec::server {

/// What the header says of one video track.
struct VideoTrack {
    VideoCodec codec = VideoCodec::H264;
    std::vector<std::byte> parameter_sets;  ///< H.264: SPS and PPS with start codes
    int width = 0;
    int height = 0;
};

/// What a key frame says of its track. @return nothing when it does not say all that is needed
[[nodiscard]] std::optional<VideoTrack> describe(VideoCodec codec,
                                                 std::span<const std::byte> key_frame);

/// One thread.
class MatroskaWriter {
  public:
    /// @param wav_path      empty: no sound
    /// @param sound_starts  from time 0
    /// @return Io when the file cannot be written, Unsupported when the container refuses
    [[nodiscard]] static Result<std::unique_ptr<MatroskaWriter>> create(
        const std::string& path,
        const std::vector<VideoTrack>& tracks,
        const std::string& wav_path,
        std::chrono::milliseconds sound_starts);

    MatroskaWriter(const MatroskaWriter&) = delete;
    MatroskaWriter& operator=(const MatroskaWriter&) = delete;
    ~MatroskaWriter();

    /// @param when  from time 0; one that is not after the track's frame before is moved behind it
    [[nodiscard]] Result<void> write(std::size_t track,
                                     const VideoFrame& frame,
                                     std::chrono::milliseconds when);

    /// The rest of the sound, and the index. Call once, last.
    [[nodiscard]] Result<void> close();

  private:
    struct Impl;
    explicit MatroskaWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace siprec::server
