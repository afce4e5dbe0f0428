#include "render/text_renderer.hpp"

#include "capture/playback.hpp"
#include "render/text_stream.hpp"
#include "store/files.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <utility>
#include <variant>

namespace siprec::server {
namespace {

/// How long the last words stand.
constexpr std::chrono::seconds kStay{2};

class TextCollector final : public CaptureVisitor {
  public:
    explicit TextCollector(const TextPlan& plan) : filter_(plan.spans, plan.documents_before) {
        for (const TextTrack& track : plan.tracks) {
            streams_.try_emplace(track.stream);
        }
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
        const auto found = streams_.find(stream.id);
        if (found != streams_.end() && filter_.is_inside()) {
            found->second.push(packet);
        }
    }

    [[nodiscard]] const TextStream& stream(const Uuid& id) const { return streams_.at(id); }

  private:
    void set_formats(const StreamInfo& stream) {
        if (const auto found = streams_.find(stream.id); found != streams_.end()) {
            found->second.set_formats(stream.formats);
        }
    }

    SpanFilter filter_;
    std::map<Uuid, TextStream> streams_;
};

std::string two_digits(std::int64_t value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
}

/// WebVTT 4.1: HH:MM:SS.mmm
std::string clock_time(std::chrono::nanoseconds time) {
    const auto total =
        std::max<std::int64_t>(0, std::chrono::floor<std::chrono::milliseconds>(time).count());
    const std::int64_t seconds = total / 1000;
    const std::string millis = std::to_string(1000 + total % 1000).substr(1);
    return two_digits(seconds / 3600) + ":" + two_digits(seconds / 60 % 60) + ":" +
           two_digits(seconds % 60) + "." + millis;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

struct Cue {
    TextLine line;
    std::string speaker;
};

std::string webvtt(const std::vector<Cue>& cues, WallTime origin) {
    std::string out = "WEBVTT\n";
    for (const Cue& cue : cues) {
        out += "\n" + clock_time(cue.line.start - origin) + " --> " +
               clock_time(cue.line.end + kStay - origin) + "\n";
        if (!cue.speaker.empty()) {
            out += "<v " + escaped(cue.speaker) + ">";
        }
        out += escaped(cue.line.text) + "\n";
    }
    return out;
}

}  // namespace

Result<TextRendering> render_text(const std::vector<std::string>& captures,
                                  const TextPlan& plan,
                                  const std::string& path) {
    TextCollector collector(plan);
    for (const std::string& capture : captures) {
        if (auto played = play_file(capture, collector); !played) {
            return std::move(played).error();
        }
    }
    TextRendering rendering;
    std::vector<Cue> cues;
    for (const TextTrack& track : plan.tracks) {
        const TextStream& stream = collector.stream(track.stream);
        rendering.cut = rendering.cut || stream.is_full();
        for (TextLine& line : stream.lines()) {
            cues.push_back({std::move(line), track.speaker});
        }
    }
    rendering.cues = cues.size();
    if (cues.empty()) {
        return rendering;
    }
    std::ranges::stable_sort(cues, {}, [](const Cue& cue) { return cue.line.start; });
    std::ofstream file(path, std::ios::binary);
    file << webvtt(cues, plan.origin);
    file.close();
    if (!file) {
        return file_error("write", path, errno);
    }
    return rendering;
}

}  // namespace siprec::server
