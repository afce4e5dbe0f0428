#include "cli/ladder.hpp"

#include <siprec/body.hpp>
#include <siprec/metadata.hpp>
#include <siprec/sdp.hpp>
#include <siprec/sip_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::server {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 100;
constexpr std::size_t kArrow = 40;

/// "sendonly 1,2; inactive 3": labels, and `-` for those without.
std::string media_summary(const sdp::SessionDescription& description) {
    std::vector<std::pair<std::string, std::string>> groups;
    for (const sdp::Media& media : description.media) {
        const std::string direction =
            media.port == 0 ? "off" : std::string(to_string(media.direction));
        if (groups.empty() || groups.back().first != direction) {
            groups.emplace_back(direction, "");
        }
        std::string& labels = groups.back().second;
        labels += (labels.empty() ? "" : ",") + media.label.value_or("-");
    }
    std::string text;
    for (const auto& [direction, labels] : groups) {
        text += fmt::format("{}{} {}", text.empty() ? "" : "; ", direction, labels);
    }
    return text;
}

/// What of a model a reader of a ladder wants to see come and go: a name for each key.
std::map<std::string, std::string> landmarks(const metadata::State& state) {
    std::map<std::string, std::string> marks;
    for (const auto& participant : state.current().participants) {
        const metadata::NameId first =
            participant.names.empty() ? metadata::NameId{} : participant.names.front();
        marks["p " + participant.id] = !first.name.empty()  ? first.name
                                       : !first.aor.empty() ? first.aor
                                                            : participant.id;
    }
    for (const auto& assoc : state.current().participant_session_assocs) {
        if (assoc.associated.until) {
            marks.erase("p " + assoc.participant_id);
        }
    }
    for (const auto& session : state.current().sessions) {
        if (!session.stop_time) {
            marks["s " + session.id] = "CS " + session.id.substr(0, 8);
        }
    }
    return marks;
}

class LadderReader {
  public:
    void take(const pcapng::Datagram& datagram) {
        const std::string_view bytes(
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes as text.
            reinterpret_cast<const char*>(datagram.payload.data()),
            datagram.payload.size());
        const auto message = read_sip_text(bytes);
        if (!message) {
            return;
        }
        if (!client_) {
            client_ = datagram.source;
            start_ = datagram.time;
        }
        const bool from_client = datagram.destination != *client_;
        Json entry = {{"time", to_rfc3339(datagram.time)},
                      {"offset_s", std::chrono::duration<double>(datagram.time - start_).count()},
                      {"from", datagram.source.to_string()},
                      {"to", datagram.destination.to_string()},
                      {"from_client", from_client},
                      {"method", message->method},
                      {"status", message->status},
                      {"phrase", message->phrase},
                      {"cseq", message->header("CSeq")}};
        take_body(*message, entry);
        entries_.push_back(std::move(entry));
    }

    [[nodiscard]] Json take_entries() && { return std::move(entries_); }

  private:
    void take_body(const SipText& message, Json& entry) {
        const auto parts = parse_body(message.header("Content-Type", "c"),
                                      message.header("Content-Disposition"),
                                      message.body);
        if (!parts) {
            entry["note"] = parts.error().message();
            return;
        }
        for (const BodyPart& part : *parts) {
            if (part.is_sdp()) {
                const auto description = sdp::parse(part.content);
                entry["sdp"] = description ? media_summary(*description) : "not readable";
            } else if (part.is_metadata()) {
                entry["metadata"] = take_metadata(part);
            }
        }
    }

    Json take_metadata(const BodyPart& part) {
        const auto parsed = metadata::parse(part.content, part.charset);
        if (!parsed) {
            return {{"mode", "not readable"}, {"changes", Json::array()}};
        }
        const auto before = landmarks(state_);
        state_.apply(parsed->document, WallTime{});
        const auto after = landmarks(state_);
        Json changes = Json::array();
        for (const auto& [key, name] : after) {
            const auto old = before.find(key);
            if (old == before.end()) {
                changes.push_back("+" + name);
            } else if (old->second != name) {
                changes.push_back(old->second + " is " + name);
            }
        }
        for (const auto& [key, name] : before) {
            if (!after.contains(key)) {
                changes.push_back("-" + name);
            }
        }
        const bool is_partial = parsed->document.mode == metadata::DataMode::Partial;
        return {{"mode", is_partial ? "partial" : "complete"}, {"changes", std::move(changes)}};
    }

    std::optional<Endpoint> client_;
    WallTime start_;
    metadata::State state_;
    Json entries_ = Json::array();
};

/// Printable, and no wider than asked; what is cut off is shown as cut off. Counts characters.
std::string fitted(std::string_view text, std::size_t columns) {
    std::string kept;
    std::size_t width = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool starts_character = (byte & 0xC0U) != 0x80U;
        if (starts_character && ++width > columns) {
            return kept + "~";
        }
        kept += byte < 0x20 || byte == 0x7F ? ' ' : c;
    }
    return kept;
}

std::string arrow(const std::string& label, bool to_the_right) {
    const std::string name = fitted(label, kArrow - 8);
    const std::string line(kArrow - std::min(name.size() + 3, kArrow - 3), '-');
    return to_the_right ? fmt::format("{} {}>", name, line) : fmt::format("<{} {}", line, name);
}

std::string note_of(const Json& entry) {
    std::vector<std::string> notes;
    if (entry.contains("sdp")) {
        notes.push_back(entry["sdp"].get<std::string>());
    }
    if (entry.contains("metadata")) {
        const Json& document = entry["metadata"];
        std::string changes;
        for (const Json& change : document["changes"]) {
            changes += " " + change.get<std::string>();
        }
        notes.push_back(document["mode"].get<std::string>() +
                        (changes.empty() ? " (nothing new)" : changes));
    }
    if (entry.contains("note")) {
        notes.push_back(entry["note"].get<std::string>());
    }
    return fmt::format("{}", fmt::join(notes, " | "));
}

}  // namespace

Result<Json> read_ladder(pcapng::Reader::Source source) {
    pcapng::Reader reader(std::move(source));
    LadderReader ladder;
    for (;;) {
        auto block = reader.next();
        if (!block) {
            return std::move(block).error();
        }
        if (!*block) {
            return std::move(ladder).take_entries();
        }
        if (const auto* datagram = std::get_if<pcapng::Datagram>(&**block)) {
            ladder.take(*datagram);
        }
    }
}

std::string ladder_text(const Json& ladder) {
    if (ladder.empty()) {
        return "no SIP message in the capture\n";
    }
    std::string text = fmt::format("{:>10}  {:<{}}{}\n",
                                   "seconds",
                                   "client " + ladder.front()["from"].get<std::string>(),
                                   kArrow,
                                   "recorder " + ladder.front()["to"].get<std::string>());
    for (const Json& entry : ladder) {
        const int status = entry["status"].get<int>();
        const std::string cseq = entry["cseq"].get<std::string>();
        const std::string label =
            status == 0 ? entry["method"].get<std::string>()
                        : fmt::format("{} ({})", status, cseq.substr(cseq.rfind(' ') + 1));
        const std::string head = fmt::format("{:>10.3f}  {:<{}}",
                                             entry["offset_s"].get<double>(),
                                             arrow(label, entry["from_client"].get<bool>()),
                                             kArrow + 2);
        text += fitted(head + note_of(entry), kColumns - 1);
        while (text.ends_with(' ')) {
            text.pop_back();
        }
        text += '\n';
    }
    return text;
}

}  // namespace siprec::server
