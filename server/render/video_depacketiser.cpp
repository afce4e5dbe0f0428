#include "render/video_depacketiser.hpp"

#include "render/h264_units.hpp"

#include <algorithm>
#include <utility>

namespace siprec::server {
namespace {

/// Packets that may wait for an earlier one: a large picture's worth.
constexpr std::size_t kMaxHeld = 128;
constexpr std::size_t kMaxFrameBytes = std::size_t{16} * 1024 * 1024;
constexpr std::size_t kMaxParameterSetBytes = std::size_t{64} * 1024;
// RFC 3550 A.1: further back, or further on, is no reordering and no loss.
constexpr int kMaxMisorder = 100;
constexpr int kMaxDropout = 3000;

// RFC 6184 table 1 and RFC 6184 5.8
constexpr unsigned kTypeMask = 0x1F;
constexpr unsigned kLastSingle = 23;
constexpr unsigned kStapA = 24;
constexpr unsigned kFuA = 28;
constexpr unsigned kFuStart = 0x80;
constexpr unsigned kFuEnd = 0x40;

unsigned octet(std::span<const std::byte> bytes, std::size_t at) {
    return std::to_integer<unsigned>(bytes[at]);
}

std::uint16_t low_bits(std::int64_t sequence) {
    return static_cast<std::uint16_t>(sequence & 0xFFFF);
}

/// RFC 7741 4.2: the size of the payload descriptor, and whether a frame begins behind it.
struct Vp8Descriptor {
    std::size_t size = 0;
    bool is_start = false;
};

std::optional<Vp8Descriptor> parse_vp8_descriptor(std::span<const std::byte> payload) {
    if (payload.empty()) {
        return std::nullopt;
    }
    const unsigned first = octet(payload, 0);
    Vp8Descriptor found{.size = 1, .is_start = (first & 0x10U) != 0 && (first & 0x07U) == 0};
    if ((first & 0x80U) != 0) {
        if (payload.size() < 3) {
            return std::nullopt;
        }
        const unsigned extensions = octet(payload, 1);
        ++found.size;
        if ((extensions & 0x80U) != 0) {  // PictureID of 7 or 15 bits
            found.size += (octet(payload, 2) & 0x80U) != 0 ? 2U : 1U;
        }
        found.size += (extensions & 0x40U) != 0 ? 1U : 0U;            // TL0PICIDX
        found.size += (extensions & (0x20U | 0x10U)) != 0 ? 1U : 0U;  // TID and KEYIDX
    }
    return found.size < payload.size() ? std::optional(found) : std::nullopt;
}

/// Nothing of the picture can have been in front of this packet but parameter sets.
bool begins_h264(std::span<const std::byte> payload) {
    // ITU-T H.264 7.3.3: a slice begins with its first macroblock; 0 is written as a single 1 bit.
    constexpr unsigned kFirstMacroblockIsZero = 0x80;
    constexpr std::size_t kStapUnit = 3;
    unsigned type = octet(payload, 0) & kTypeMask;
    if (type == kFuA) {
        return payload.size() > 2 && (octet(payload, 1) & kFuStart) != 0 &&
               (octet(payload, 2) & kFirstMacroblockIsZero) != 0;
    }
    if (type == kStapA) {
        if (payload.size() <= kStapUnit) {
            return false;
        }
        payload = payload.subspan(kStapUnit);
        type = octet(payload, 0) & kTypeMask;
    }
    const bool is_slice = type >= static_cast<unsigned>(H264Unit::FirstSlice) &&
                          type <= static_cast<unsigned>(H264Unit::IdrSlice);
    return !is_slice || (payload.size() > 1 && (octet(payload, 1) & kFirstMacroblockIsZero) != 0);
}

bool begins_frame(VideoCodec codec, std::span<const std::byte> payload) {
    if (payload.empty()) {
        return false;
    }
    if (codec == VideoCodec::H264) {
        return begins_h264(payload);
    }
    const auto descriptor = parse_vp8_descriptor(payload);
    return descriptor && descriptor->is_start;
}

}  // namespace

void VideoDepacketiser::push(const RtpPacket& packet) {
    Held held{.timestamp = packet.timestamp,
              .arrival = packet.arrival,
              .marker = packet.marker,
              .payload = {packet.payload.begin(), packet.payload.end()}};
    if (!has_begun_) {
        next_ = highest_ = packet.sequence;
        has_begun_ = true;
    }
    const int step = static_cast<std::int16_t>(packet.sequence - low_bits(highest_));
    if (step > kMaxDropout || step < -kMaxMisorder) {
        push_stray(packet.sequence, std::move(held));
        return;
    }
    stray_.reset();
    const std::int64_t sequence = highest_ + step;
    highest_ = std::max(highest_, sequence);
    if (sequence >= next_) {
        held_.emplace(sequence, std::move(held));
        release(false);
    }
}

/// RFC 3550 A.1: a source that began anew shows by two packets in a row.
void VideoDepacketiser::push_stray(std::uint16_t sequence, Held held) {
    if (!stray_ || static_cast<std::uint16_t>(stray_->first + 1) != sequence) {
        stray_.emplace(sequence, std::move(held));
        return;
    }
    release(true);
    is_whole_ = false;
    end_frame();
    next_ = highest_ + static_cast<std::uint16_t>(stray_->first - low_bits(highest_));
    highest_ = next_ + 1;
    is_whole_ = begins_frame(codec_, stray_->second.payload);
    held_.emplace(next_, std::move(stray_->second));
    held_.emplace(highest_, std::move(held));
    stray_.reset();
    release(false);
}

void VideoDepacketiser::finish() {
    release(true);
    end_frame();
}

void VideoDepacketiser::release(bool all) {
    while (!held_.empty()) {
        const auto front = held_.begin();
        if (front->first != next_) {
            if (!all && held_.size() < kMaxHeld) {
                return;
            }
            note_loss(front->second);
        }
        next_ = front->first + 1;
        const Held packet = std::move(front->second);
        held_.erase(front);
        play(packet);
    }
}

void VideoDepacketiser::note_loss(const Held& next) {
    if (frame_ && frame_->timestamp == next.timestamp) {
        is_whole_ = false;
        return;
    }
    if (frame_) {
        is_whole_ = false;
        end_frame();
    }
    is_whole_ = begins_frame(codec_, next.payload);
}

void VideoDepacketiser::play(const Held& packet) {
    // RFC 3550 5.1: a packet of nothing but padding keeps its number.
    if (packet.payload.empty()) {
        return;
    }
    if (frame_ && frame_->timestamp != packet.timestamp) {
        end_frame();
    }
    if (!frame_) {
        frame_ = VideoFrame{
            .timestamp = packet.timestamp, .arrival = packet.arrival, .data = {}, .is_key = false};
    }
    VideoFrame& frame = *frame_;
    const bool is_added = codec_ == VideoCodec::H264 ? add_h264(frame, packet.payload)
                                                     : add_vp8(frame, packet.payload);
    is_whole_ = is_whole_ && is_added && frame.data.size() <= kMaxFrameBytes;
    if (!is_whole_) {
        frame.data.clear();
    }
    if (packet.marker) {
        end_frame();
    }
}

bool VideoDepacketiser::add_h264(VideoFrame& frame, std::span<const std::byte> payload) {
    const unsigned type = octet(payload, 0) & kTypeMask;
    if (type == kFuA) {
        return add_fragment(frame, payload);
    }
    if (is_fragment_open_) {
        return false;
    }
    if (type == kStapA) {
        return add_aggregate(frame, payload.subspan(1));
    }
    if (type == 0 || type > kLastSingle) {
        return false;  // interleaved mode (RFC 6184 6.4), which SIP devices do not offer
    }
    append_unit(frame.data, payload);
    return true;
}

/// RFC 6184 5.7.1: units with 16 bits of size in front.
bool VideoDepacketiser::add_aggregate(VideoFrame& frame, std::span<const std::byte> units) {
    constexpr std::size_t kSizeBytes = 2;
    while (!units.empty()) {
        if (units.size() < kSizeBytes) {
            return false;
        }
        const std::size_t size = (octet(units, 0) << 8U) | octet(units, 1);
        if (size == 0 || size > units.size() - kSizeBytes) {
            return false;
        }
        append_unit(frame.data, units.subspan(kSizeBytes, size));
        units = units.subspan(kSizeBytes + size);
    }
    return true;
}

bool VideoDepacketiser::add_fragment(VideoFrame& frame, std::span<const std::byte> payload) {
    constexpr std::size_t kHeaderBytes = 2;
    if (payload.size() <= kHeaderBytes) {
        return false;
    }
    const unsigned flags = octet(payload, 1);
    const bool is_start = (flags & kFuStart) != 0;
    if (is_start == is_fragment_open_) {
        return false;
    }
    const auto rest = payload.subspan(kHeaderBytes);
    if (is_start) {
        const auto header =
            static_cast<std::byte>((octet(payload, 0) & ~kTypeMask) | (flags & kTypeMask));
        append_unit(frame.data, std::span(&header, 1));
    }
    frame.data.insert(frame.data.end(), rest.begin(), rest.end());
    is_fragment_open_ = (flags & kFuEnd) == 0;
    return true;
}

bool VideoDepacketiser::add_vp8(VideoFrame& frame, std::span<const std::byte> payload) {
    const auto descriptor = parse_vp8_descriptor(payload);
    // A frame begins once, in front.
    if (!descriptor || descriptor->is_start != frame.data.empty()) {
        return false;
    }
    const auto content = payload.subspan(descriptor->size);
    if (frame.data.empty()) {
        frame.is_key = (octet(content, 0) & 1U) == 0;  // RFC 6386 9.1
    }
    frame.data.insert(frame.data.end(), content.begin(), content.end());
    return true;
}

void VideoDepacketiser::end_frame() {
    if (frame_ && is_whole_ && !is_fragment_open_ && !frame_->data.empty()) {
        if (codec_ == VideoCodec::H264) {
            hand_out_h264(*frame_);
        } else {
            consumer_(*frame_);
        }
    } else if (frame_) {
        ++damaged_;
    }
    frame_.reset();
    is_whole_ = true;
    is_fragment_open_ = false;
}

/// Parameter sets come in front of the picture, as a frame of their own, or in SDP alone; a key
/// frame has to have them.
void VideoDepacketiser::hand_out_h264(VideoFrame& frame) {
    H264Contents contents = look_into(frame.data);
    if (contents.has_sequence_parameters) {
        parameter_sets_ = std::move(contents.parameter_sets);
    } else {
        parameter_sets_.insert(
            parameter_sets_.end(), contents.parameter_sets.begin(), contents.parameter_sets.end());
    }
    if (parameter_sets_.size() > kMaxParameterSetBytes) {
        parameter_sets_.clear();
    }
    if (!contents.has_slice) {
        return;
    }
    frame.is_key = contents.is_idr;
    if (contents.is_idr && !contents.has_sequence_parameters) {
        frame.data.insert(frame.data.begin(), parameter_sets_.begin(), parameter_sets_.end());
    }
    consumer_(frame);
}

}  // namespace siprec::server
