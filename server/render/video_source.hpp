#pragma once

// A video stream of a capture as frames: which codec, which of its sources, from which frame on.

#include "render/video_depacketiser.hpp"

#include <siprec/audio.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

/// One video stream, on one pass through the capture: begins with a key frame. The first codec that
/// can be rendered is the track's; of several sources (SSRC) the one that began last is shown, an
/// earlier one again when that is quiet. One thread.
class VideoSource {
  public:
    /// @param frame  in order
    using Consumer = std::function<void(const VideoFrame& frame, std::uint32_t ssrc)>;

    explicit VideoSource(Consumer consumer) : consumer_(std::move(consumer)) {}

    void set_formats(const std::vector<PayloadFormat>& formats) { formats_ = formats; }

    void push(const RtpPacket& packet);
    void finish();

    [[nodiscard]] std::optional<VideoCodec> codec() const noexcept { return codec_; }

    /// Frames handed on, and frames left out since a packet of theirs was missing or broken.
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

    [[nodiscard]] std::uint64_t damaged() const noexcept;

  private:
    VideoDepacketiser* find(const RtpPacket& packet, const PayloadFormat& format);
    void show(const VideoFrame& frame, std::uint32_t ssrc);

    Consumer consumer_;
    std::vector<PayloadFormat> formats_;
    std::optional<VideoCodec> codec_;
    std::map<std::uint32_t, std::unique_ptr<VideoDepacketiser>> depacketisers_;  // by SSRC
    std::map<std::uint32_t, bool> was_shown_;                                    // by SSRC
    std::optional<std::uint32_t> shown_;                                         // SSRC
    WallTime last_shown_;
    std::uint64_t frames_ = 0;
};

/// The encodings that are rendered: "H264" and "VP8".
[[nodiscard]] std::optional<VideoCodec> video_codec(const std::string& encoding);

}  // namespace siprec::server
