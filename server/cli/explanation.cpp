#include "cli/explanation.hpp"

#include <siprec/body.hpp>
#include <siprec/metadata.hpp>
#include <siprec/sdp.hpp>
#include <siprec/sip_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace siprec::server {

namespace {

using Json = nlohmann::ordered_json;

std::string lower(std::string_view text) {
    std::string folded(text);
    std::ranges::transform(
        folded, folded.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return folded;
}

/// Where the rule stands that a finding of the metadata parser is about.
std::string_view rule_of(std::string_view code) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kRules{{
        {"namespace", "RFC 7865 5.1.2, quirk: drafts' namespaces"},
        {"unsupported-version", "RFC 7865 6.11"},
        {"root-name", "RFC 7865 5.1.1, quirk: early draft"},
        {"wrapped-root", "RFC 7865 5.1.1"},
        {"data-mode", "RFC 7865 5.1.2, quirk: spelling of datamode"},
        {"element-name", "RFC 7865 9"},
        {"element-order", "RFC 7865 9"},
        {"nested-element", "RFC 7865 9"},
        {"draft-element", "RFC 7865 9, quirk: late draft"},
        {"draft-attribute", "RFC 7865 9, quirk: late draft"},
        {"stray-attribute", "RFC 7865 9"},
        {"missing-id", "RFC 7865 6.10"},
        {"id-reused", "RFC 7865 6.10"},
        {"dangling-reference", "RFC 7865 6.10"},
        {"guessed-association", "RFC 7865 6.8"},
        {"time-without-zone", "RFC 7865 6.9 (RFC 3339)"},
        {"time-format", "RFC 7865 6.9 (RFC 3339)"},
        {"bad-time", "RFC 7865 6.9 (RFC 3339)"},
        {"partial-without-complete", "RFC 7866 9.1"},
        {"not-well-formed", "XML 1.0 2.1"},
    }};
    const auto* const found =
        std::ranges::find(kRules, code, &std::pair<std::string_view, std::string_view>::first);
    return found == kRules.end() ? std::string_view("RFC 7865 9") : found->second;
}

class Explainer {
  public:
    Json run(std::string_view bytes) {
        explanation_["understood"] = true;
        if (const auto message = read_sip_text(bytes)) {
            take_message(*message);
        } else if (!take_body("", "", bytes)) {
            explanation_["understood"] = false;
        }
        explain_senders();
        explanation_["kept"] = std::move(kept_);
        explanation_["breaches"] = std::move(breaches_);
        return std::move(explanation_);
    }

  private:
    void breach(std::string_view rule, std::string what) {
        Json entry = {{"rule", rule}, {"what", std::move(what)}};
        if (std::ranges::find(breaches_, entry) == breaches_.end()) {
            breaches_.push_back(std::move(entry));
        }
    }

    void take_message(const SipText& message);
    void take_evidence(const SipText& message, bool has_metadata);
    void check_length(const SipText& message);
    bool take_body(std::string_view type, std::string_view disposition, std::string_view body);
    void check_part(const BodyPart& part);
    bool take_sdp(const BodyPart& part);
    Json media_line(const sdp::Media& media);
    bool take_metadata(const BodyPart& part);
    void keep(const std::vector<metadata::XmlElement>& elements, const std::string& path);
    void explain_senders();

    Json explanation_ = Json::object();
    Json kept_ = Json::array();
    Json breaches_ = Json::array();
    bool has_metadata_ = false;
    std::vector<sdp::Media> media_;
    metadata::State state_;
};

void Explainer::take_message(const SipText& message) {
    Json& shown = explanation_["message"];
    if (message.status == 0) {
        shown["method"] = message.method;
        shown["uri"] = message.request_uri;
    } else {
        shown["status"] = message.status;
        shown["phrase"] = message.phrase;
    }
    shown["call_id"] = message.header("Call-ID", "i");
    shown["cseq"] = message.header("CSeq");
    shown["from"] = message.header("From", "f");
    shown["user_agent"] = message.header("User-Agent");
    for (const auto& [name, compact] : std::array<std::pair<const char*, const char*>, 5>{
             {{"Via", "v"}, {"From", "f"}, {"To", "t"}, {"Call-ID", "i"}, {"CSeq", ""}}}) {
        if (message.all_headers(name, compact).empty()) {
            breach("RFC 3261 8.1.1", fmt::format("no {} header", name));
        }
    }
    check_length(message);
    if (!message.body.empty()) {
        take_body(message.header("Content-Type", "c"),
                  message.header("Content-Disposition"),
                  message.body);
    }
    take_evidence(message, has_metadata_);
}

void Explainer::check_length(const SipText& message) {
    const std::string_view text = message.header("Content-Length", "l");
    std::size_t length = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
        breach("RFC 3261 20.14", "Content-Length is missing or no number");
    } else if (length != message.body.size()) {
        breach("RFC 3261 18.3",
               fmt::format(
                   "Content-Length is {}, the body has {} bytes", length, message.body.size()));
    }
}

void Explainer::take_evidence(const SipText& message, bool has_metadata) {
    if (message.method != "INVITE") {
        return;
    }
    const auto lists_siprec = [&](std::string_view name, std::string_view compact) {
        return std::ranges::any_of(message.all_headers(name, compact), [](std::string_view value) {
            return lower(value).find("siprec") != std::string::npos;
        });
    };
    const std::string contact = lower(message.header("Contact", "m"));
    const bool has_tag = contact.find("+sip.src") != std::string::npos;
    const bool has_old_tag = !has_tag && contact.find(";src") != std::string::npos;
    Json evidence = Json::array();
    const auto note = [&](bool is_there, const char* what) {
        if (is_there) {
            evidence.push_back(what);
        }
    };
    const bool requires_siprec = lists_siprec("Require", "");
    note(requires_siprec, "Require: siprec");
    note(has_tag, "+sip.src on the Contact");
    note(has_old_tag, "src on the Contact");
    note(has_metadata, "a metadata part");
    explanation_["recording_session"] = !evidence.empty();
    note(lists_siprec("Supported", "k"), "Supported: siprec (a hint only)");
    explanation_["evidence"] = std::move(evidence);
    if (!requires_siprec) {
        breach("RFC 7866 6.1.1, quirk: no Require", "INVITE without Require: siprec");
    }
    if (!has_tag) {
        breach(has_old_tag ? "RFC 7866 6.1.1, quirk: Contact tag ;src" : "RFC 7866 6.1.1",
               "the Contact has no +sip.src");
    }
    if (!has_metadata) {
        breach("RFC 7866 9.1", "no metadata in the INVITE that starts the session");
    }
}

bool Explainer::take_body(std::string_view type,
                          std::string_view disposition,
                          std::string_view body) {
    const auto parts = parse_body(type, disposition, body);
    if (!parts) {
        breach("RFC 2046 5.1", parts.error().message());
        return false;
    }
    if (lower(type).starts_with("multipart/") && body.find("\n--") != std::string_view::npos) {
        const std::size_t last = body.find_last_not_of(" \t\r\n");
        if (body.substr(0, last + 1).substr(last < 1 ? 0 : last - 1) != "--") {
            breach("RFC 2046 5.1.1, quirk: no closing delimiter", "the multipart is never closed");
        }
    }
    bool understood = false;
    for (const BodyPart& part : *parts) {
        const char* use = "kept, not understood";
        if (part.is_sdp()) {
            use = "offer or answer";
            understood = take_sdp(part) || understood;
        } else if (part.is_metadata()) {
            use = "metadata";
            understood = take_metadata(part) || understood;
        }
        check_part(part);
        explanation_["parts"].push_back({{"type", part.content_type},
                                         {"disposition", part.content_disposition},
                                         {"bytes", part.content.size()},
                                         {"use", use}});
    }
    return understood;
}

void Explainer::check_part(const BodyPart& part) {
    if (!part.is_metadata() || part.content_type_full.empty()) {
        return;
    }
    if (part.content_type != "application/rs-metadata+xml") {
        breach("RFC 7866 9.1, quirk: type without +xml",
               fmt::format("metadata of type {}", part.content_type));
    }
    if (part.content_disposition != "recording-session") {
        breach("RFC 7866 9.1, quirk: no Content-Disposition",
               "the metadata's disposition is not recording-session");
    }
}

bool Explainer::take_sdp(const BodyPart& part) {
    const auto description = sdp::parse(part.content);
    if (!description) {
        breach("RFC 8866 5", description.error().to_string());
        return false;
    }
    Json lines = Json::array();
    std::set<std::string> labels;
    for (const sdp::Media& media : description->media) {
        lines.push_back(media_line(media));
        if (media.label && !labels.insert(*media.label).second) {
            breach("RFC 7866 7.1.1.1", fmt::format("label {} is there twice", *media.label));
        }
    }
    explanation_["media"] = std::move(lines);
    media_ = description->media;
    return true;
}

Json Explainer::media_line(const sdp::Media& media) {
    Json codecs = Json::array();
    for (const PayloadFormat& format : media.formats) {
        codecs.push_back(format.encoding.empty()
                             ? fmt::format("{} (not mapped)", format.payload_type)
                             : fmt::format("{} {}", format.payload_type, format.encoding));
    }
    const bool is_taken = sdp::is_acceptable(media);
    if (media.port != 0) {
        if (!media.label) {
            breach("RFC 7866 7.1.1.1", fmt::format("an m-line ({}) has no label", media.type));
        }
        if (media.direction == sdp::Direction::SendRecv ||
            media.direction == sdp::Direction::RecvOnly) {
            breach("RFC 7866 7.1.1",
                   fmt::format("an m-line is {}, an SRC's are sendonly or inactive",
                               to_string(media.direction)));
        }
    }
    return {{"type", media.type},
            {"protocol", media.protocol},
            {"port", media.port},
            {"label", media.label ? Json(*media.label) : Json(nullptr)},
            {"direction", to_string(media.direction)},
            {"codecs", std::move(codecs)},
            {"answer", is_taken ? to_string(sdp::answer_direction(media)) : "refused, port 0"}};
}

bool Explainer::take_metadata(const BodyPart& part) {
    has_metadata_ = true;
    const auto parsed = metadata::parse(part.content, part.charset);
    if (!parsed) {
        breach("RFC 7865 5.1", parsed.error().to_string());
        return false;
    }
    const metadata::Document& document = parsed->document;
    auto findings = parsed->findings;
    std::ranges::move(state_.apply(document, WallTime{}), std::back_inserter(findings));
    for (const metadata::Finding& finding : findings) {
        breach(rule_of(finding.code),
               finding.path.empty() ? finding.message
                                    : fmt::format("{} ({})", finding.message, finding.path));
    }
    Json& shown = explanation_["metadata"];
    shown["dialect"] = to_string(parsed->dialect);
    shown["mode"] = document.mode == metadata::DataMode::Complete ? "complete" : "partial";
    shown["groups"] = Json::array();
    for (const auto& group : document.groups) {
        shown["groups"].push_back(group.id);
        keep(group.extensions, "group");
    }
    shown["sessions"] = Json::array();
    for (const auto& session : document.sessions) {
        shown["sessions"].push_back(session.id);
        keep(session.extensions, "session");
    }
    shown["participants"] = Json::array();
    for (const auto& participant : document.participants) {
        Json names = Json::array();
        for (const auto& name : participant.names) {
            names.push_back({{"aor", name.aor}, {"name", name.name}});
        }
        shown["participants"].push_back({{"id", participant.id}, {"names", std::move(names)}});
        keep(participant.extensions, "participant");
    }
    shown["streams"] = Json::array();
    for (const auto& stream : document.streams) {
        shown["streams"].push_back(
            {{"id", stream.id}, {"label", stream.label ? Json(*stream.label) : Json(nullptr)}});
        keep(stream.extensions, "stream");
    }
    keep(document.extensions, "recording");
    return true;
}

// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth (ParseLimits::max_depth).
void Explainer::keep(const std::vector<metadata::XmlElement>& elements, const std::string& path) {
    for (const metadata::XmlElement& element : elements) {
        const std::string where = path + "/" + element.name;
        for (const auto& [name, value] : element.attributes) {
            kept_.push_back({{"where", where + "/@" + name}, {"value", value}});
        }
        if (!element.text.empty() || (element.children.empty() && element.attributes.empty())) {
            kept_.push_back({{"where", where}, {"value", element.text}});
        }
        keep(element.children, where);
    }
}

/// Who sends what, by label; and the labels that only one side knows.
void Explainer::explain_senders() {
    if (!has_metadata_) {
        return;
    }
    const metadata::Document& document = state_.current();
    std::map<std::string, std::string> label_of;
    for (const auto& stream : document.streams) {
        label_of.emplace(stream.id, stream.label.value_or(""));
    }
    std::map<std::string, std::string> name_of;
    for (const auto& participant : document.participants) {
        const bool is_named = !participant.names.empty();
        const metadata::NameId first = is_named ? participant.names.front() : metadata::NameId{};
        name_of.emplace(participant.id,
                        !first.name.empty()  ? first.name
                        : !first.aor.empty() ? first.aor
                                             : participant.id);
    }
    Json senders = Json::array();
    for (const auto& assoc : document.participant_stream_assocs) {
        for (const std::string& stream : assoc.send) {
            const auto label = label_of.find(stream);
            const auto name = name_of.find(assoc.participant_id);
            senders.push_back(
                {{"participant", name == name_of.end() ? assoc.participant_id : name->second},
                 {"label", label == label_of.end() ? Json(nullptr) : Json(label->second)},
                 {"stream", stream},
                 {"guess", assoc.is_guess}});
        }
    }
    explanation_["senders"] = std::move(senders);
    if (media_.empty()) {
        return;
    }
    std::set<std::string> offered;
    for (const sdp::Media& media : media_) {
        offered.insert(media.label.value_or(""));
    }
    std::set<std::string> described;
    for (const auto& stream : document.streams) {
        described.insert(stream.label.value_or(""));
        if (!offered.contains(stream.label.value_or(""))) {
            breach("RFC 7865 6.7, quirk: labels disagree",
                   fmt::format("stream {} has label '{}', no m-line has it",
                               stream.id,
                               stream.label.value_or("")));
        }
    }
    for (const sdp::Media& media : media_) {
        if (media.port != 0 && !described.contains(media.label.value_or(""))) {
            breach("RFC 7865 6.7, quirk: labels disagree",
                   fmt::format("label '{}' has no stream in the metadata: an unknown party",
                               media.label.value_or("")));
        }
    }
}

/// One line, whatever the value holds.
std::string shown(const Json& value) {
    std::string text = value.is_string() ? value.get<std::string>()
                       : value.is_null()
                           ? "-"
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return text;
}

std::string joined(const Json& values) {
    std::vector<std::string> texts;
    for (const Json& value : values) {
        texts.push_back(shown(value));
    }
    return texts.empty() ? "-" : fmt::format("{}", fmt::join(texts, ", "));
}

std::string metadata_text(const Json& document) {
    std::string text = fmt::format("metadata    {} document, dialect {}\n",
                                   shown(document["mode"]),
                                   shown(document["dialect"]));
    text += fmt::format("  groups    {}\n", joined(document["groups"]));
    text += fmt::format("  sessions  {}\n", joined(document["sessions"]));
    for (const Json& participant : document["participants"]) {
        std::vector<std::string> names;
        for (const Json& name : participant["names"]) {
            names.push_back(fmt::format("{} <{}>", shown(name["name"]), shown(name["aor"])));
        }
        text +=
            fmt::format("  party     {}  {}\n", shown(participant["id"]), fmt::join(names, ", "));
    }
    for (const Json& stream : document["streams"]) {
        text +=
            fmt::format("  stream    {}  label {}\n", shown(stream["id"]), shown(stream["label"]));
    }
    return text;
}

}  // namespace

Json explain(std::string_view bytes) {
    return Explainer().run(bytes);
}

std::string explanation_text(const Json& explanation) {
    const auto part = [&](const char* name) {
        return explanation.contains(name) ? explanation[name] : Json::array();
    };
    std::string text;
    if (explanation.contains("message")) {
        const Json& message = explanation["message"];
        for (const auto& [name, value] : message.items()) {
            text += fmt::format("{:<12}{}\n", name, shown(value));
        }
    }
    if (explanation.contains("recording_session")) {
        text += fmt::format("{:<12}{}: {}\n",
                            "siprec",
                            explanation["recording_session"].get<bool>() ? "yes" : "no",
                            joined(explanation["evidence"]));
    }
    for (const Json& each : part("parts")) {
        text += fmt::format("{:<12}{} ({}), {} bytes: {}\n",
                            "part",
                            shown(each["type"]),
                            shown(each["disposition"]),
                            shown(each["bytes"]),
                            shown(each["use"]));
    }
    for (const Json& line : part("media")) {
        text += fmt::format("{:<12}label {}: {} {} {}, {}; answer {}; {}\n",
                            "m-line",
                            shown(line["label"]),
                            shown(line["type"]),
                            shown(line["port"]),
                            shown(line["protocol"]),
                            shown(line["direction"]),
                            shown(line["answer"]),
                            joined(line["codecs"]));
    }
    if (explanation.contains("metadata")) {
        text += metadata_text(explanation["metadata"]);
    }
    for (const Json& sender : part("senders")) {
        text += fmt::format("{:<12}{} sends label {}{}\n",
                            "sender",
                            shown(sender["participant"]),
                            shown(sender["label"]),
                            sender["guess"].get<bool>() ? " (a guess)" : "");
    }
    for (const Json& value : part("kept")) {
        text +=
            fmt::format("{:<12}{} = {}\n", "kept", shown(value["where"]), shown(value["value"]));
    }
    for (const Json& each : part("breaches")) {
        text += fmt::format("{:<12}{} [{}]\n", "breach", shown(each["what"]), shown(each["rule"]));
    }
    if (!explanation.value("understood", false)) {
        text += "not understood: no SIP message, body, metadata document or SDP\n";
    }
    return text;
}

}  // namespace siprec::server
