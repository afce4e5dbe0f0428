#include "archive/capture_digest.hpp"

#include "capture/static_formats.hpp"

#include <algorithm>
#include <variant>

namespace siprec::server {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

std::string encoding_of(const StreamInfo& stream, std::uint8_t payload_type) {
    for (const PayloadFormat& format : with_static_formats(stream.formats)) {
        if (format.payload_type == payload_type && !format.encoding.empty()) {
            return format.encoding;
        }
    }
    return "PT-" + std::to_string(payload_type);
}

}  // namespace

bool TrackDigest::was_active() const {
    return std::any_of(directions.begin(), directions.end(), [](const auto& change) {
        return change.second != sdp::Direction::Inactive;
    });
}

std::string TrackDigest::name() const {
    return stream.label.empty() ? "media-" + std::to_string(stream.media_index) : stream.label;
}

void CaptureDigest::on_event(const Event& event) {
    last_ = std::max(last_, event.time);
    std::visit(Overloaded{
                   [&](const SessionStarted& body) {
                       session_ = body.session;
                       ++version_;
                   },
                   [&](const StreamOpened& body) { open_track(event.time, body.stream); },
                   [&](const StreamChanged& body) { change_track(event.time, body.stream); },
                   [&](const StreamClosed& body) { close_track(event.time, body); },
                   [&](const MetadataReceived& body) {
                       documents_.push_back({body, event.time});
                       ++version_;
                   },
                   [&](const SessionEnded& body) {
                       ended_ = body;
                       ended_at_ = event.time;
                   },
                   [&](const Gap& body) { gap_packets_ += body.packets; },
                   [](const LongSipMessage&) {},
               },
               event.body);
}

void CaptureDigest::on_rtp(const StreamInfo& stream, const RtpPacket& packet) {
    last_ = std::max(last_, packet.arrival);
    const auto found = track_index_.find(stream.id);
    if (found == track_index_.end()) {
        return;
    }
    TrackDigest& track = tracks_[found->second];
    ++track.packets;
    track.bytes += packet.bytes.size();
    track.first_packet = std::min(track.first_packet.value_or(packet.arrival), packet.arrival);
    track.last_packet = std::max(track.last_packet.value_or(packet.arrival), packet.arrival);
    track.sequence.add(packet.ssrc, packet.sequence);
    if (track.known_types.test(packet.payload_type & 0x7fU)) {
        return;
    }
    track.known_types.set(packet.payload_type & 0x7fU);
    std::string encoding = encoding_of(stream, packet.payload_type);
    if (std::find(track.encodings.begin(), track.encodings.end(), encoding) ==
        track.encodings.end()) {
        track.encodings.push_back(std::move(encoding));
    }
}

void CaptureDigest::on_rtcp(const StreamInfo& stream, const RtcpPacket& packet) {
    constexpr std::size_t kMostNames = 64;
    const auto found = track_index_.find(stream.id);
    if (found == track_index_.end()) {
        return;
    }
    auto& announced = tracks_[found->second].announced;
    for (SourceName& name : find_source_names(packet.bytes)) {
        if (announced.size() < kMostNames &&
            std::find(announced.begin(), announced.end(), name) == announced.end()) {
            announced.push_back(std::move(name));
        }
    }
}

std::vector<const TrackDigest*> CaptureDigest::tracks() const {
    std::vector<const TrackDigest*> ordered;
    ordered.reserve(tracks_.size());
    for (const TrackDigest& track : tracks_) {
        ordered.push_back(&track);
    }
    std::stable_sort(ordered.begin(), ordered.end(), [](const auto* left, const auto* right) {
        return left->stream.media_index < right->stream.media_index;
    });
    return ordered;
}

void CaptureDigest::open_track(WallTime time, const StreamInfo& stream) {
    ++version_;
    const auto [entry, is_new] = track_index_.try_emplace(stream.id, tracks_.size());
    if (!is_new) {
        change_track(time, stream);
        return;
    }
    TrackDigest& track = tracks_.emplace_back();
    track.stream = stream;
    track.directions.emplace_back(time, stream.direction);
}

void CaptureDigest::change_track(WallTime time, const StreamInfo& stream) {
    ++version_;
    const auto found = track_index_.find(stream.id);
    if (found == track_index_.end()) {
        return;
    }
    TrackDigest& track = tracks_[found->second];
    track.directions.emplace_back(time, stream.direction);
    track.stream = stream;
    track.known_types.reset();
}

void CaptureDigest::close_track(WallTime time, const StreamClosed& closed) {
    ++version_;
    if (const auto found = track_index_.find(closed.stream); found != track_index_.end()) {
        tracks_[found->second].closed = time;
        tracks_[found->second].stats = closed.stats;
    }
}

}  // namespace siprec::server
