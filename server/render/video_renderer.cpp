#include "render/video_renderer.hpp"

#include "capture/playback.hpp"
#include "capture/static_formats.hpp"
#include "render/matroska_writer.hpp"
#include "render/media_clock.hpp"
#include "render/video_source.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

namespace siprec::server {
namespace {

using std::chrono::milliseconds;

/// Sorts the packets of a capture out to video streams; the rest is passed over.
class VideoVisitor : public CaptureVisitor {
  public:
    explicit VideoVisitor(const VideoPlan& plan) : filter_(plan.spans, plan.documents_before) {}

    void add(const Uuid& id, VideoSource::Consumer consumer) {
        sources_.try_emplace(id, std::move(consumer));
    }

    void on_event(const Event& event) override {
        filter_.on_event(event);
        if (const auto* opened = std::get_if<StreamOpened>(&event.body)) {
            set_formats(opened->stream);
        } else if (const auto* changed = std::get_if<StreamChanged>(&event.body)) {
            set_formats(changed->stream);
        }
    }

    void on_rtp(const StreamInfo& stream, const RtpPacket& packet) override {
        const auto found = sources_.find(stream.id);
        if (found != sources_.end() && filter_.is_inside()) {
            found->second.push(packet);
        }
    }

    [[nodiscard]] Result<void> play_all(const std::vector<std::string>& captures) {
        for (const std::string& capture : captures) {
            if (auto played = play_file(capture, *this); !played) {
                return std::move(played).error();
            }
        }
        for (auto& [id, source] : sources_) {
            source.finish();
        }
        return {};
    }

    [[nodiscard]] const VideoSource& source(const Uuid& id) const { return sources_.at(id); }

  protected:
    [[nodiscard]] bool is_inside() const noexcept { return filter_.is_inside(); }

  private:
    void set_formats(const StreamInfo& stream) {
        if (const auto found = sources_.find(stream.id); found != sources_.end()) {
            found->second.set_formats(stream.formats);
        }
    }

    SpanFilter filter_;
    std::map<Uuid, VideoSource> sources_;
};

/// The first pass: what the tracks are, and how the clocks lie.
class Survey final : public VideoVisitor {
  public:
    explicit Survey(const VideoPlan& plan) : VideoVisitor(plan) {
        for (const VideoStream& video : plan.video) {
            clocks_.try_emplace(video.id, plan.origin);
            for (const Uuid& audio : video.audio) {
                clocks_.try_emplace(audio, plan.origin);
            }
            add(video.id, [this, id = video.id](const VideoFrame& frame, std::uint32_t ssrc) {
                look_at(id, frame, ssrc);
            });
        }
    }

    void on_rtp(const StreamInfo& stream, const RtpPacket& packet) override {
        if (const auto clocks = clocks_.find(stream.id); clocks != clocks_.end() && is_inside()) {
            const auto formats = with_static_formats(stream.formats);
            const auto format =
                std::ranges::find(formats, packet.payload_type, &PayloadFormat::payload_type);
            // The time stamp of a key that is held down stands still (RFC 4733 2.2).
            if (format != formats.end() && format->encoding != "TELEPHONE-EVENT") {
                clocks->second.saw_packet(packet, format->clock_rate);
            }
        }
        VideoVisitor::on_rtp(stream, packet);
    }

    void on_rtcp(const StreamInfo& stream, const RtcpPacket& packet) override {
        const auto clocks = clocks_.find(stream.id);
        if (clocks == clocks_.end()) {
            return;
        }
        if (const auto report = find_sender_report(packet.bytes)) {
            clocks->second.saw_report(*report, packet.arrival);
        }
    }

    /// Null: there is nothing to see.
    [[nodiscard]] const VideoTrack* track(const Uuid& id) const {
        const auto found = firsts_.find(id);
        return found != firsts_.end() ? &found->second.track : nullptr;
    }

    /// @param id  of a stream that has a track
    [[nodiscard]] bool is_first(const Uuid& id, const VideoFrame& frame) const {
        const First& first = firsts_.at(id);
        return frame.arrival == first.arrival && frame.timestamp == first.timestamp;
    }

    /// @param video  has a track
    [[nodiscard]] WallTime first_time(const VideoStream& video) const {
        const First& first = firsts_.at(video.id);
        return when(video.id, partner_of(video), first.ssrc, first.timestamp, first.arrival);
    }

    /// The sound whose sender's clock is nearest: once for all frames. Null: there is none.
    /// @param video  has a track
    [[nodiscard]] const StreamClocks* partner_of(const VideoStream& video) const {
        const First& first = firsts_.at(video.id);
        const SourceClock* own = clocks_.at(video.id).find(first.ssrc);
        const StreamClocks* partner = nullptr;
        std::chrono::nanoseconds smallest{0};
        for (const Uuid& id : video.audio) {
            const StreamClocks& audio = clocks_.at(id);
            const auto placed =
                place_by_reports(own, audio.at(first.arrival), first.timestamp, first.arrival);
            if (!placed) {
                continue;
            }
            const auto shift =
                std::chrono::abs(*placed - own->our_time(first.timestamp, first.arrival));
            if (partner == nullptr || shift < smallest) {
                partner = &audio;
                smallest = shift;
            }
        }
        return partner;
    }

    /// When a frame belongs on the time line of the sound.
    [[nodiscard]] WallTime when(const Uuid& id,
                                const StreamClocks* partner,
                                std::uint32_t ssrc,
                                std::uint32_t timestamp,
                                WallTime arrival) const {
        const SourceClock* own = clocks_.at(id).find(ssrc);
        const SourceClock* audio = partner != nullptr ? partner->at(arrival) : nullptr;
        const WallTime by_arrival = own != nullptr ? own->our_time(timestamp, arrival) : arrival;
        return place_by_reports(own, audio, timestamp, arrival).value_or(by_arrival);
    }

  private:
    /// The key frame with which a track begins.
    struct First {
        VideoTrack track;
        std::uint32_t ssrc = 0;
        std::uint32_t timestamp = 0;
        WallTime arrival;
    };

    void look_at(const Uuid& id, const VideoFrame& frame, std::uint32_t ssrc) {
        if (!frame.is_key || firsts_.contains(id)) {
            return;
        }
        if (auto track = describe(*source(id).codec(), frame.data)) {
            firsts_.emplace(id, First{*std::move(track), ssrc, frame.timestamp, frame.arrival});
        }
    }

    std::map<Uuid, StreamClocks> clocks_;
    std::map<Uuid, First> firsts_;
};

/// The second pass.
class Writing {
  public:
    Writing(const VideoPlan& plan, const Survey& survey, WallTime origin, MatroskaWriter& writer)
        : survey_(survey), origin_(origin), writer_(writer), visitor_(plan) {}

    void add(const VideoStream& video) {
        const Track track{video.id, tracks_, survey_.partner_of(video)};
        ++tracks_;
        visitor_.add(
            video.id,
            [this, track, begun = false](const VideoFrame& frame, std::uint32_t ssrc) mutable {
                begun = begun || survey_.is_first(track.id, frame);
                if (begun && !failure_) {
                    write(track, frame, ssrc);
                }
            });
    }

    [[nodiscard]] Result<void> run(const std::vector<std::string>& captures) {
        if (auto played = visitor_.play_all(captures); !played) {
            return played;
        }
        return failure_ ? Result<void>(*std::move(failure_)) : writer_.close();
    }

    [[nodiscard]] milliseconds duration() const noexcept { return duration_; }

    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

  private:
    struct Track {
        Uuid id;
        std::size_t number;
        const StreamClocks* partner;
    };

    void write(const Track& track, const VideoFrame& frame, std::uint32_t ssrc) {
        const WallTime when =
            survey_.when(track.id, track.partner, ssrc, frame.timestamp, frame.arrival);
        const auto time =
            std::max(milliseconds{0}, std::chrono::round<milliseconds>(when - origin_));
        if (auto written = writer_.write(track.number, frame, time); !written) {
            failure_ = std::move(written).error();
            return;
        }
        duration_ = std::max(duration_, time);
        ++frames_;
    }

    const Survey& survey_;
    WallTime origin_;
    MatroskaWriter& writer_;
    VideoVisitor visitor_;
    std::size_t tracks_ = 0;
    milliseconds duration_{0};
    std::uint64_t frames_ = 0;
    std::optional<Error> failure_;
};

VideoRendering result_of(const VideoPlan& plan, const Survey& survey) {
    VideoRendering rendering;
    for (const VideoStream& video : plan.video) {
        const VideoSource& source = survey.source(video.id);
        const bool is_shown = survey.track(video.id) != nullptr;
        rendering.streams.push_back({.codec = is_shown ? source.codec() : std::nullopt,
                                     .frames = is_shown ? source.frames() : 0,
                                     .damaged = source.damaged()});
    }
    return rendering;
}

}  // namespace

Result<VideoRendering> render_video(const std::vector<std::string>& captures,
                                    const VideoPlan& plan,
                                    const std::string& path) {
    Survey survey(plan);
    if (auto played = survey.play_all(captures); !played) {
        return std::move(played).error();
    }
    VideoRendering rendering = result_of(plan, survey);
    std::vector<const VideoStream*> shown;
    std::vector<VideoTrack> tracks;
    WallTime origin = WallTime::max();
    for (const VideoStream& video : plan.video) {
        if (const VideoTrack* track = survey.track(video.id)) {
            shown.push_back(&video);
            tracks.push_back(*track);
            origin = std::min(origin, survey.first_time(video));
        }
    }
    if (shown.empty()) {
        return rendering;
    }
    // Without sound the file begins with the picture; with it, pictures in front of it count too.
    origin = plan.wav_path.empty() ? origin : std::min(origin, plan.origin);
    const auto sound_starts = std::chrono::round<milliseconds>(plan.origin - origin);
    auto writer = MatroskaWriter::create(path, tracks, plan.wav_path, sound_starts);
    if (!writer) {
        return std::move(writer).error();
    }
    Writing writing(plan, survey, origin, **writer);
    for (const VideoStream* video : shown) {
        writing.add(*video);
    }
    if (auto written = writing.run(captures); !written) {
        return std::move(written).error();
    }
    rendering.frames = writing.frames();
    rendering.duration = writing.duration();
    return rendering;
}

}  // namespace siprec::server
