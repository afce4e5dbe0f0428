#include "metadata/document_text.hpp"
#include "metadata/mapper.hpp"

#include <siprec/metadata.hpp>

#include <algorithm>
#include <cstdint>
#include <unordered_set>

namespace siprec::metadata {

namespace {

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\r':
                out += "&#13;";
                break;
            default:
                // XML 1.0 2.2: no other control character can be written at all.
                if (static_cast<std::uint8_t>(c) >= 0x20 || c == '\t' || c == '\n') {
                    out += c;
                }
        }
    }
}

/// Extension data comes from outside: a name that is none would break the document.
std::string as_name(std::string_view text) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               static_cast<std::uint8_t>(c) >= 0x80;
    };
    std::string name;
    for (const char c : text) {
        const bool is_inner = (c >= '0' && c <= '9') || c == '-' || c == '.';
        name += is_letter(c) || (is_inner && !name.empty()) ? c : '_';
    }
    return name.empty() || !is_utf8(name) ? "_" : name;
}

class Writer {
  public:
    std::string document(const Document& document);
    std::string snapshot_request(std::string_view reason);

  private:
    void line() { out_.append("\n").append(depth_ * 2, ' '); }

    void open(std::string_view name) {
        line();
        out_.append("<").append(name);
        ++depth_;
    }

    void attribute(std::string_view name, std::string_view value) {
        out_.append(" ").append(name).append("=\"");
        append_escaped(out_, value);
        out_ += '"';
    }

    void body() { out_ += '>'; }

    void text(std::string_view value) { append_escaped(out_, value); }

    void close(std::string_view name, bool on_own_line = true) {
        --depth_;
        if (on_own_line) {
            line();
        }
        out_.append("</").append(name).append(">");
    }

    void empty() {
        --depth_;
        out_ += "/>";
    }

    void leaf(std::string_view name, std::string_view value) {
        open(name);
        body();
        text(value);
        close(name, false);
    }

    void time(std::string_view name, const std::optional<WallTime>& value) {
        if (value) {
            leaf(name, to_rfc3339(*value));
        }
    }

    void interval(const Interval& value) {
        time("associate-time", value.from);
        time("disassociate-time", value.until);
    }

    void element(const Group& group);
    void element(const CommunicationSession& session);
    void element(const Participant& participant);
    void element(const MediaStream& stream);
    void element(const SessionRecordingAssoc& assoc);
    void element(const ParticipantSessionAssoc& assoc);
    void element(const ParticipantStreamAssoc& assoc);
    void extensions(const std::vector<XmlElement>& elements);
    void extension(const XmlElement& element, std::string_view name_space);

    /// A model made by a program may hold bytes that are no UTF-8, which no reader would accept.
    std::string finish() {
        out_ += '\n';
        if (!is_utf8(out_)) {
            std::replace_if(
                out_.begin(),
                out_.end(),
                [](char c) { return static_cast<std::uint8_t>(c) >= 0x80; },
                '?');
        }
        // XML 1.0 2.2 leaves out U+FFFE and U+FFFF, the last of the code points in three bytes.
        constexpr std::string_view kLast = "\xEF\xBF";
        for (std::size_t at = out_.find(kLast); at != std::string::npos;
             at = out_.find(kLast, at + 3)) {
            out_[at + 2] = std::min(out_[at + 2], '\xBD');
        }
        return std::move(out_);
    }

    std::string out_{kDeclaration};
    std::size_t depth_ = 0;
};

std::string Writer::document(const Document& document) {
    out_ += "<recording";
    attribute("xmlns", kNamespace);
    body();
    depth_ = 1;
    leaf("datamode", document.mode == DataMode::Complete ? "complete" : "partial");
    const auto all = [&](const auto& elements) {
        for (const auto& each : elements) {
            element(each);
        }
    };
    all(document.groups);
    all(document.sessions);
    all(document.participants);
    all(document.streams);
    all(document.session_recording_assocs);
    all(document.participant_session_assocs);
    for (const ParticipantStreamAssoc& assoc : document.participant_stream_assocs) {
        if (!assoc.is_guess) {
            element(assoc);
        }
    }
    extensions(document.extensions);
    close("recording");
    return finish();
}

void Writer::element(const Group& group) {
    open("group");
    attribute("group_id", group.id);
    body();
    interval(group.associated);
    extensions(group.extensions);
    close("group");
}

void Writer::element(const CommunicationSession& session) {
    open("session");
    attribute("session_id", session.id);
    body();
    for (const std::string& id : session.sip_session_ids) {
        leaf("sipSessionID", id);
    }
    for (const Reason& reason : session.reasons) {
        open("reason");
        if (reason.cause) {
            attribute("cause", std::to_string(*reason.cause));
        }
        attribute("protocol", reason.protocol);
        body();
        text(reason.text);
        close("reason", false);
    }
    if (session.group_ref) {
        leaf("group-ref", *session.group_ref);
    }
    time("start-time", session.start_time);
    time("stop-time", session.stop_time);
    extensions(session.extensions);
    close("session");
}

void Writer::element(const Participant& participant) {
    open("participant");
    attribute("participant_id", participant.id);
    body();
    if (participant.names.empty()) {
        // RFC 7865's schema wants a nameID even of the anonymous (D5 of the reference).
        open("nameID");
        attribute("aor", "");
        empty();
    }
    for (const NameId& name : participant.names) {
        open("nameID");
        attribute("aor", name.aor);
        if (name.name.empty() && name.language.empty()) {
            empty();
            continue;
        }
        body();
        open("name");
        if (!name.language.empty()) {
            attribute("xml:lang", name.language);
        }
        body();
        text(name.name);
        close("name", false);
        close("nameID");
    }
    extensions(participant.extensions);
    close("participant");
}

void Writer::element(const MediaStream& stream) {
    open("stream");
    attribute("stream_id", stream.id);
    if (stream.session_id) {
        attribute("session_id", *stream.session_id);
    }
    body();
    if (stream.label) {
        leaf("label", *stream.label);
    }
    extensions(stream.extensions);
    close("stream");
}

void Writer::element(const SessionRecordingAssoc& assoc) {
    open("sessionrecordingassoc");
    attribute("session_id", assoc.session_id);
    body();
    interval(assoc.associated);
    extensions(assoc.extensions);
    close("sessionrecordingassoc");
}

void Writer::element(const ParticipantSessionAssoc& assoc) {
    open("participantsessionassoc");
    attribute("participant_id", assoc.participant_id);
    attribute("session_id", assoc.session_id);
    body();
    interval(assoc.associated);
    for (const auto& [name, value] : assoc.params) {
        open("param");
        attribute("pname", name);
        attribute("pval", value);
        empty();
    }
    extensions(assoc.extensions);
    close("participantsessionassoc");
}

void Writer::element(const ParticipantStreamAssoc& assoc) {
    open("participantstreamassoc");
    attribute("participant_id", assoc.participant_id);
    body();
    for (const std::string& id : assoc.send) {
        leaf("send", id);
    }
    for (const std::string& id : assoc.recv) {
        leaf("recv", id);
    }
    interval(assoc.associated);
    extensions(assoc.extensions);
    close("participantstreamassoc");
}

void Writer::extensions(const std::vector<XmlElement>& elements) {
    for (const XmlElement& element : elements) {
        if (!is_model_namespace(element.name_space)) {
            extension(element, kNamespace);
            continue;
        }
        // RFC 7865's schema refuses elements of no or of its own namespace (D8 of the reference),
        // and a reader could take them for what they are named.
        open("unqualified");
        attribute("xmlns", kForeignNamespace);
        body();
        extension(element, kForeignNamespace);
        close("unqualified");
    }
}

/// @param name_space  the default namespace around the element
void Writer::extension(const XmlElement& element, std::string_view name_space) {
    const std::string name = as_name(element.name);
    open(name);
    if (element.name_space != name_space) {
        attribute("xmlns", element.name_space);
    }
    std::unordered_set<std::string> written;
    for (const auto& [key, value] : element.attributes) {
        // Attributes of several namespaces may have had one local name; "xmlns" is no attribute.
        std::string attribute_name = as_name(key);
        if (attribute_name != "xmlns" && written.insert(attribute_name).second) {
            attribute(attribute_name, value);
        }
    }
    if (element.text.empty() && element.children.empty()) {
        empty();
        return;
    }
    body();
    text(element.text);
    for (const XmlElement& child : element.children) {
        extension(child, element.name_space);
    }
    close(name, !element.children.empty());
}

std::string Writer::snapshot_request(std::string_view reason) {
    out_ += "<requestsnapshot";
    attribute("xmlns", kNamespace);
    body();
    depth_ = 1;
    if (!reason.empty()) {
        open("requestreason");
        attribute("xml:lang", "en");
        body();
        text(reason);
        close("requestreason", false);
    }
    close("requestsnapshot");
    return finish();
}

}  // namespace

std::string write(const Document& document) {
    return Writer().document(document);
}

std::string write_snapshot_request(std::string_view reason) {
    return Writer().snapshot_request(reason);
}

}  // namespace siprec::metadata
