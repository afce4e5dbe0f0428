#pragma once

// RTP packets to the frames of an encoded video: RFC 6184 (H.264) and RFC 7741 (VP8).

#include <siprec/clock.hpp>
#include <siprec/rtp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace siprec::server {

enum class VideoCodec : std::uint8_t { H264, Vp8 };

/// One picture, H.264 with start codes (Annex B).
struct VideoFrame {
    std::uint32_t timestamp = 0;  ///< RTP's
    WallTime arrival;             ///< of its first packet
    std::vector<std::byte> data;
    bool is_key = false;
};

/// Puts the packets of one SSRC in order and together. A frame of which a packet is missing is left
/// out; memory is bounded whatever comes. One thread.
class VideoDepacketiser {
  public:
    using Consumer = std::function<void(const VideoFrame&)>;

    VideoDepacketiser(VideoCodec codec, Consumer consumer)
        : codec_(codec), consumer_(std::move(consumer)) {}

    /// H.264: what SDP says of the parameter sets, which the packets need not repeat.
    /// @param annex_b  with start codes
    void set_parameter_sets(std::vector<std::byte> annex_b) {
        parameter_sets_ = std::move(annex_b);
    }

    void push(const RtpPacket& packet);

    /// Hands out what still waits for packets that did not come.
    void finish();

    /// Frames left out.
    [[nodiscard]] std::uint64_t damaged() const noexcept { return damaged_; }

  private:
    struct Held {
        std::uint32_t timestamp = 0;
        WallTime arrival;
        bool marker = false;
        std::vector<std::byte> payload;
    };

    void push_stray(std::uint16_t sequence, Held held);
    void release(bool all);
    void note_loss(const Held& next);
    void play(const Held& packet);
    [[nodiscard]] bool add_h264(VideoFrame& frame, std::span<const std::byte> payload);
    [[nodiscard]] bool add_aggregate(VideoFrame& frame, std::span<const std::byte> units);
    [[nodiscard]] bool add_fragment(VideoFrame& frame, std::span<const std::byte> payload);
    [[nodiscard]] bool add_vp8(VideoFrame& frame, std::span<const std::byte> payload);
    void end_frame();
    void hand_out_h264(VideoFrame& frame);

    VideoCodec codec_;
    Consumer consumer_;
    std::map<std::int64_t, Held> held_;
    bool has_begun_ = false;
    std::int64_t next_ = 0;  // sequence number
    std::int64_t highest_ = 0;
    std::optional<std::pair<std::uint16_t, Held>> stray_;  // far off from the others
    std::optional<VideoFrame> frame_;
    bool is_whole_ = true;
    bool is_fragment_open_ = false;
    std::vector<std::byte> parameter_sets_;
    std::uint64_t damaged_ = 0;
};

}  // namespace siprec::server
