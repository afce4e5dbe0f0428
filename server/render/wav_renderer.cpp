#include "render/wav_renderer.hpp"

#include "capture/playback.hpp"
#include "capture/static_formats.hpp"
#include "render/spill.hpp"

#include <siprec/sinks.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <variant>

namespace siprec::server {
namespace {

constexpr std::size_t kFramesAtOnce = 8192;
// RIFF sizes have 32 bits; the rest is room for the header.
constexpr std::uint64_t kMaxDataBytes = 0xffff'ffffU - 4096U;

/// One track on its way to its channel.
class TrackAudio final : public AudioConsumer {
  public:
    explicit TrackAudio(SampleSpill spill) : spill_(std::move(spill)) {}

    void on_audio(const AudioBlock& block) override {
        if (block.position > spill_.size()) {
            spill_.append_silence(block.position - spill_.size());
        }
        const auto known =
            std::min<std::uint64_t>(spill_.size() - block.position, block.samples.size());
        spill_.append(block.samples.subspan(known));
    }

    void on_telephone_event(const TelephoneEvent& event) override { events_.push_back(event); }

    [[nodiscard]] SampleSpill& spill() noexcept { return spill_; }

    [[nodiscard]] std::vector<TelephoneEvent> take_events() { return std::move(events_); }

  private:
    SampleSpill spill_;
    std::vector<TelephoneEvent> events_;
};

/// Plays a capture through one assembler a track.
class TrackDecoder final : public CaptureVisitor {
  public:
    static Result<std::unique_ptr<TrackDecoder>> create(const RenderPlan& plan,
                                                        const DecoderRegistry& decoders,
                                                        const std::string& directory) {
        auto decoder = std::unique_ptr<TrackDecoder>(new TrackDecoder(plan));
        for (const Uuid& id : plan.tracks) {
            auto spill = SampleSpill::create(directory);
            if (!spill) {
                return std::move(spill).error();
            }
            Track track;
            track.audio = std::make_unique<TrackAudio>(std::move(*spill));
            auto assembler = Assembler::create(
                {.origin = plan.origin, .formats = {}, .sample_rate = plan.sample_rate},
                decoders,
                *track.audio);
            if (!assembler) {
                return std::move(assembler).error();
            }
            track.assembler = std::move(*assembler);
            decoder->tracks_.emplace(id, std::move(track));
        }
        return decoder;
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
        if (!filter_.is_inside()) {
            return;
        }
        if (const auto track = tracks_.find(stream.id); track != tracks_.end()) {
            track->second.assembler->push(packet);
        }
    }

    void on_rtcp(const StreamInfo& stream, const RtcpPacket& packet) override {
        if (const auto track = tracks_.find(stream.id); track != tracks_.end()) {
            track->second.assembler->push_rtcp(packet);
        }
    }

    void finish() {
        for (auto& [id, track] : tracks_) {
            track.assembler->finish(std::nullopt);
        }
    }

    [[nodiscard]] TrackAudio& audio(const Uuid& id) { return *tracks_.at(id).audio; }

    [[nodiscard]] AssemblerStats stats(const Uuid& id) const {
        return tracks_.at(id).assembler->stats();
    }

  private:
    struct Track {
        std::unique_ptr<TrackAudio> audio;  // before the assembler, which refers to it
        std::unique_ptr<Assembler> assembler;
    };

    explicit TrackDecoder(const RenderPlan& plan) : filter_(plan.spans, plan.documents_before) {}

    void set_formats(const StreamInfo& stream) {
        if (const auto track = tracks_.find(stream.id); track != tracks_.end()) {
            track->second.assembler->set_formats(with_static_formats(stream.formats));
        }
    }

    SpanFilter filter_;
    std::map<Uuid, Track> tracks_;
};

Result<void> interleave(const std::vector<TrackAudio*>& channels,
                        std::uint64_t frames,
                        WavWriter& wav) {
    std::vector<std::int16_t> channel(kFramesAtOnce);
    std::vector<std::int16_t> interleaved;
    for (std::uint64_t done = 0; done < frames;) {
        const std::size_t count = std::min<std::uint64_t>(kFramesAtOnce, frames - done);
        interleaved.resize(count * channels.size());
        for (std::size_t index = 0; index < channels.size(); ++index) {
            const auto samples = std::span(channel).first(count);
            if (auto read = channels[index]->spill().read(samples); !read) {
                return read;
            }
            for (std::size_t frame = 0; frame < count; ++frame) {
                interleaved[frame * channels.size() + index] = samples[frame];
            }
        }
        if (auto written = wav.write(interleaved); !written) {
            return written;
        }
        done += count;
    }
    return wav.close();
}

}  // namespace

Result<Rendering> render_wav(const std::vector<std::string>& captures,
                             const RenderPlan& plan,
                             const DecoderRegistry& decoders,
                             const std::string& wav_path) {
    if (plan.tracks.empty() || plan.tracks.size() > kMaxChannels) {
        return Error(ErrorCode::InvalidArgument,
                     "render " + wav_path + ": " + std::to_string(plan.tracks.size()) +
                         " channels, not 1 to " + std::to_string(kMaxChannels));
    }
    auto decoder = TrackDecoder::create(plan, decoders, parent_directory(wav_path));
    if (!decoder) {
        return std::move(decoder).error();
    }
    for (const std::string& capture : captures) {
        if (auto played = play_file(capture, **decoder); !played) {
            return std::move(played).error();
        }
    }
    (*decoder)->finish();

    Rendering rendering;
    std::vector<TrackAudio*> channels;
    for (const Uuid& id : plan.tracks) {
        TrackAudio& audio = (*decoder)->audio(id);
        if (auto rewound = audio.spill().rewind(); !rewound) {
            return std::move(rewound).error();
        }
        rendering.frames = std::max(rendering.frames, audio.spill().size());
        rendering.tracks.push_back({(*decoder)->stats(id), audio.take_events()});
        channels.push_back(&audio);
    }
    const std::uint64_t max_frames = kMaxDataBytes / (2 * channels.size());
    rendering.cut = rendering.frames > max_frames;
    rendering.frames = std::min(rendering.frames, max_frames);

    auto wav =
        WavWriter::create(wav_path, plan.sample_rate, static_cast<std::uint16_t>(channels.size()));
    if (!wav) {
        return std::move(wav).error();
    }
    if (auto written = interleave(channels, rendering.frames, **wav); !written) {
        return std::move(written).error();
    }
    return rendering;
}

}  // namespace siprec::server
