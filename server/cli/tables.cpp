#include "cli/tables.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace siprec::server {

namespace {

using Json = nlohmann::ordered_json;

/// C0 and C1 control characters (the latter two bytes in UTF-8) become `?`.
std::string printable(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool is_c1 =
            byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (byte < 0x20 || byte == 0x7F || is_c1) {
            result += '?';
            i += is_c1 ? 1 : 0;
        } else {
            result += text[i];
        }
    }
    return result;
}

std::string text_of(const Json& object, const char* key) {
    if (!object.is_object() || !object.contains(key) || object[key].is_null()) {
        return {};
    }
    const Json& value = object[key];
    return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

const Json& part_of(const Json& object, const char* key) {
    static const Json nothing;
    return object.is_object() && object.contains(key) ? object[key] : nothing;
}

std::string length_of(const Json& recording) {
    const Json& value = part_of(recording, "duration_s");
    const auto seconds = static_cast<std::int64_t>(value.is_number() ? value.get<double>() : 0.0);
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string party_name(const Json& participant) {
    for (const char* key : {"name", "number", "aor", "id"}) {
        if (std::string text = text_of(participant, key); !text.empty()) {
            return text;
        }
    }
    return "?";
}

std::string parties_of(const Json& recording) {
    std::vector<std::string> names;
    for (const Json& participant : part_of(recording, "participants")) {
        names.push_back(party_name(participant));
    }
    return names.empty() ? "-" : fmt::format("{}", fmt::join(names, ", "));
}

/// "2026-11-21 20:25:17".
std::string short_time(const std::string& time) {
    std::string text = time.substr(0, 19);
    if (text.size() > 10) {
        text[10] = ' ';
    }
    return text;
}

std::string line(std::string_view name, std::string_view value) {
    return value.empty() ? std::string() : fmt::format("{:<16}{}\n", name, value);
}

std::string joined(const Json& values) {
    std::vector<std::string> texts;
    for (const Json& value : values) {
        texts.push_back(printable(value.is_string() ? value.get<std::string>() : value.dump()));
    }
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string numbers_text(std::string_view heading, const Json& numbers) {
    std::string text;
    if (numbers.is_object() && !numbers.empty()) {
        text = fmt::format("\n{}\n", heading);
        for (const auto& [name, value] : numbers.items()) {
            text += fmt::format("  {:<24}{}\n", printable(name), printable(value.dump()));
        }
    }
    return text;
}

std::string participants_text(const Json& recording) {
    std::string text;
    for (const Json& participant : part_of(recording, "participants")) {
        text += fmt::format("  {:<24} {:<18} {}\n",
                            party_name(participant),
                            text_of(participant, "number"),
                            text_of(participant, "aor"));
    }
    return text.empty() ? text : "\nparticipants\n" + text;
}

std::string fields_text(const Json& recording) {
    std::string text;
    for (const auto& [name, values] : part_of(recording, "fields").items()) {
        text += fmt::format("  {:<24} {}\n", printable(name), joined(values));
    }
    return text.empty() ? text : "\nfields\n" + text;
}

/// The name that the participants' table shows for an id.
std::string party_of(const Json& recording, const std::string& id) {
    for (const Json& participant : part_of(recording, "participants")) {
        if (text_of(participant, "id") == id) {
            return party_name(participant);
        }
    }
    return id;
}

std::string voices_text(const Json& recording, const Json& track) {
    std::string text;
    for (const Json& voice : part_of(track, "voices")) {
        const std::string role = text_of(voice, "role");
        text += fmt::format("    voice of {}{}, {}{}\n",
                            party_of(recording, text_of(voice, "participant")),
                            role.empty() ? "" : " (" + role + ")",
                            text_of(voice, "certainty"),
                            part_of(voice, "contradicted") == Json(true) ? ", CONTRADICTED" : "");
        for (const Json& evidence : part_of(voice, "evidence")) {
            text += fmt::format("      {:<12} {}: {}\n",
                                text_of(evidence, "kind"),
                                party_of(recording, text_of(evidence, "participant")),
                                text_of(evidence, "detail"));
        }
    }
    return text;
}

/// "    from Alice 2026-11-21 20:25:17 to 2026-11-21 20:25:40".
std::string owners_text(const Json& recording, const Json& track) {
    std::string text;
    for (const Json& owner : part_of(track, "owners")) {
        const std::string until = text_of(owner, "until");
        text += fmt::format("    sent by {:<14} {} to {}\n",
                            party_of(recording, text_of(owner, "participant")),
                            short_time(text_of(owner, "from")),
                            until.empty() ? "now" : short_time(until));
    }
    return text;
}

std::string tracks_text(const Json& recording) {
    std::string text;
    for (const Json& track : part_of(recording, "tracks")) {
        const std::string channel = text_of(track, "channel");
        text += fmt::format("  label {:<8} {:<12} channel {:<4} {:>9} packets {:>6} lost\n",
                            text_of(track, "label"),
                            text_of(track, "codec"),
                            channel.empty() ? "-" : channel,
                            text_of(track, "packets"),
                            text_of(track, "lost"));
        text += voices_text(recording, track);
        text += owners_text(recording, track);
    }
    return text.empty() ? text : "\ntracks\n" + text;
}

std::string files_text(const Json& recording) {
    std::string text;
    for (const Json& artefact : part_of(recording, "artefacts")) {
        text += fmt::format("  {:<10}{:>14} bytes  {}\n",
                            text_of(artefact, "kind"),
                            text_of(artefact, "bytes"),
                            text_of(artefact, "sha256"));
    }
    for (const Json& document : part_of(recording, "documents")) {
        text += fmt::format("  metadata {:<3}{:>12} bytes  {}  {}\n",
                            text_of(document, "n"),
                            text_of(document, "bytes"),
                            text_of(document, "method"),
                            text_of(document, "received"));
    }
    return text.empty() ? text : "\nfiles\n" + text;
}

}  // namespace

std::string status_text(const Json& status) {
    const Json& catalogue = part_of(status, "catalogue");
    const bool is_up = part_of(catalogue, "up") == Json(true);
    std::vector<std::string> listeners;
    for (const Json& listener : part_of(status, "listeners")) {
        listeners.push_back(text_of(listener, "transport") + ":" + text_of(listener, "address"));
    }
    std::string text = line("version", text_of(status, "version"));
    text += line("started", text_of(status, "started"));
    text += line("role", text_of(status, "role"));
    text += line("ready", text_of(status, "ready"));
    text += line("sessions", text_of(status, "sessions_active"));
    text += line("streams", text_of(status, "streams_active"));
    text += line("listeners", fmt::format("{}", fmt::join(listeners, " ")));
    text += line("catalogue", is_up ? "up" : "away: " + text_of(catalogue, "reason"));
    text += numbers_text("counters", part_of(status, "counters"));
    text += numbers_text("capture", part_of(status, "capture"));
    text += numbers_text("disk", part_of(status, "disk"));
    return text;
}

std::string list_heading() {
    return fmt::format("{:<36}  {:<19}  {:>9}  {:<9}  {:<10}  {}\n",
                       "ID",
                       "START (UTC)",
                       "LENGTH",
                       "VERDICT",
                       "STATE",
                       "PARTIES");
}

std::string list_line(const Json& recording) {
    return fmt::format("{:<36}  {:<19}  {:>9}  {:<9}  {:<10}  {}\n",
                       text_of(recording, "id"),
                       short_time(text_of(recording, "start")),
                       length_of(recording),
                       text_of(recording, "verdict"),
                       text_of(recording, "state"),
                       parties_of(recording));
}

std::string recording_text(const Json& recording) {
    const Json& src = part_of(recording, "src");
    std::string text = line("id", text_of(recording, "id"));
    text += line("state", text_of(recording, "state"));
    text += line("verdict", text_of(recording, "verdict"));
    text += line("reasons", joined(part_of(recording, "reasons")));
    text += line("start", text_of(recording, "start"));
    text += line("end", text_of(recording, "end"));
    text += line("length", length_of(recording));
    text += line("direction", text_of(recording, "direction"));
    text += line("client", text_of(src, "uri"));
    text += line("client address", text_of(src, "address"));
    text += line("client software", text_of(src, "user_agent"));
    text += line("to", text_of(recording, "to_uri"));
    text += line("Call-ID", text_of(recording, "call_id"));
    text += line("profile", text_of(recording, "profile"));
    text += line("session", text_of(recording, "communication_session"));
    text += line("conversation", text_of(recording, "conversation"));
    text += line("ended by", text_of(recording, "end_cause"));
    text += line("end reason", text_of(recording, "end_reason"));
    text += participants_text(recording);
    text += fields_text(recording);
    text += tracks_text(recording);
    text += files_text(recording);
    return text;
}

}  // namespace siprec::server
