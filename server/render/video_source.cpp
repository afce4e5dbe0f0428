#include "render/video_source.hpp"

#include "render/h264_units.hpp"

#include <algorithm>
#include <chrono>

namespace siprec::server {
namespace {

constexpr std::size_t kMaxSources = 8;
/// A source that is silent for so long has been left for another.
constexpr std::chrono::milliseconds kQuiet{500};

}  // namespace

std::optional<VideoCodec> video_codec(const std::string& encoding) {
    // Interop(RFC 8068 3.2.1): its examples write the name with a dot.
    if (encoding == "H264" || encoding == "H.264") {
        return VideoCodec::H264;
    }
    return encoding == "VP8" ? std::optional(VideoCodec::Vp8) : std::nullopt;
}

void VideoSource::push(const RtpPacket& packet) {
    const auto format =
        std::ranges::find(formats_, packet.payload_type, &PayloadFormat::payload_type);
    const auto codec = format != formats_.end() ? video_codec(format->encoding) : std::nullopt;
    // One track holds one codec.
    if (!codec || (codec_ && codec_ != codec)) {
        return;
    }
    codec_ = codec;
    if (VideoDepacketiser* depacketiser = find(packet, *format)) {
        depacketiser->push(packet);
    }
}

VideoDepacketiser* VideoSource::find(const RtpPacket& packet, const PayloadFormat& format) {
    if (const auto known = depacketisers_.find(packet.ssrc); known != depacketisers_.end()) {
        return known->second.get();
    }
    if (depacketisers_.size() >= kMaxSources) {
        return nullptr;
    }
    auto made = std::make_unique<VideoDepacketiser>(
        *codec_, [this, ssrc = packet.ssrc](const VideoFrame& frame) { show(frame, ssrc); });
    made->set_parameter_sets(parameter_sets_of(format.parameters));
    return depacketisers_.emplace(packet.ssrc, std::move(made)).first->second.get();
}

void VideoSource::show(const VideoFrame& frame, std::uint32_t ssrc) {
    if (shown_ != ssrc) {
        const bool is_new = !was_shown_[ssrc];
        if (!frame.is_key || (shown_ && !is_new && frame.arrival - last_shown_ < kQuiet)) {
            return;
        }
        was_shown_[ssrc] = true;
        shown_ = ssrc;
    }
    last_shown_ = frame.arrival;
    ++frames_;
    consumer_(frame, ssrc);
}

void VideoSource::finish() {
    for (const auto& [ssrc, depacketiser] : depacketisers_) {
        depacketiser->finish();
    }
}

std::uint64_t VideoSource::damaged() const noexcept {
    std::uint64_t damaged = 0;
    for (const auto& [ssrc, depacketiser] : depacketisers_) {
        damaged += depacketiser->damaged();
    }
    return damaged;
}

}  // namespace siprec::server
