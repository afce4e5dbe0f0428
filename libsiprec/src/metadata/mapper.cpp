#include "metadata/mapper.hpp"

#include "metadata/element_reader.hpp"
#include "metadata/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <unordered_map>
#include <utility>

namespace siprec::metadata {

namespace {

/// The order of RFC 7865 9; what stands elsewhere is read all the same.
constexpr std::array<std::string_view, 8> kOrder = {"datamode",
                                                    "group",
                                                    "session",
                                                    "participant",
                                                    "stream",
                                                    "sessionrecordingassoc",
                                                    "participantsessionassoc",
                                                    "participantstreamassoc"};

bool is_draft_namespace(std::string_view name_space) {
    return name_space == "urn:ietf:params:xml:ns:recording" ||
           name_space == "urn:ietf:params:xml:ns:siprec";
}

/// Extension data met at the root that names the element it belongs to (early draft).
struct Addressed {
    std::string parent;
    Extensions content;
};

class Mapper {
  public:
    explicit Mapper(Findings& findings) : findings_(findings) {}

    Document map(XmlElement root);

  private:
    bool map_child(XmlElement& child, const Where& where);
    void map_group(XmlElement& element, const Where& where);
    void map_session(XmlElement& element, const Where& where);
    bool map_session_child(XmlElement& child,
                           const Where& where,
                           CommunicationSession& session,
                           Interval& attached);
    void map_participant(XmlElement& element, const Where& where);
    bool map_participant_child(XmlElement& child,
                               const Where& where,
                               Participant& participant,
                               ParticipantStreamAssoc& streams);
    void map_stream(XmlElement& element, const Where& where);
    void map_session_recording_assoc(XmlElement& element, const Where& where);
    void map_participant_session_assoc(XmlElement& element, const Where& where);
    void map_participant_stream_assoc(XmlElement& element, const Where& where);
    void map_extension_data(XmlElement& element, const Where& where);

    /// Calls `take` for each child; what it does not take becomes an extension.
    template <typename Take>
    void each_child(XmlElement& element, const Where& where, Extensions& extensions, Take take);

    std::string id(ElementReader& reader, std::initializer_list<std::string_view> names);
    void mode(const XmlElement& child, const Where& where);
    bool time(XmlElement& child,
              const Where& where,
              std::optional<WallTime>& slot,
              Extensions& extensions);
    bool interval(XmlElement& child, const Where& where, Interval& slot, Extensions& extensions);
    bool direction(XmlElement& child,
                   const Where& where,
                   ParticipantStreamAssoc& slot,
                   Extensions& extensions);
    void name_id(XmlElement& child, const Where& where, Participant& participant);
    void reason(XmlElement& child, const Where& where, CommunicationSession& session);
    void keep(XmlElement& child, const Where& where, Extensions& extensions);
    void draft_element(const XmlElement& child, const Where& where);
    void check_order(const XmlElement& child, const Where& where);
    void add_implied_associations();
    void attach_addressed();

    Findings& findings_;
    Document document_;
    std::vector<SessionRecordingAssoc> implied_sessions_;
    std::vector<ParticipantSessionAssoc> implied_members_;
    std::vector<ParticipantStreamAssoc> implied_streams_;
    std::vector<Addressed> addressed_;
    std::unordered_map<std::string, std::size_t> seen_;  // how many of each element at the root
    std::size_t order_ = 0;
    bool out_of_order_ = false;
};

Document Mapper::map(XmlElement root) {
    const Where where{nullptr, root.name, 0};
    ElementReader reader(root, where, document_.extensions, findings_);
    for (XmlElement& child : root.children) {
        const Where at{&where, child.name, ++seen_[child.name]};
        if (!is_model_namespace(child.name_space) && child.name_space != root.name_space) {
            keep(child, at, document_.extensions);
            continue;
        }
        check_order(child, at);
        if (!map_child(child, at)) {
            keep(child, at, document_.extensions);
        }
    }
    root.children.clear();
    reader.keep_rest();
    add_implied_associations();
    attach_addressed();
    return std::move(document_);
}

bool Mapper::map_child(XmlElement& child, const Where& where) {
    using Handler = void (Mapper::*)(XmlElement&, const Where&);
    static constexpr std::array<std::pair<std::string_view, Handler>, 9> kHandlers = {{
        {"group", &Mapper::map_group},
        {"session", &Mapper::map_session},
        {"participant", &Mapper::map_participant},
        {"stream", &Mapper::map_stream},
        {"sessionrecordingassoc", &Mapper::map_session_recording_assoc},
        {"participantsessionassoc", &Mapper::map_participant_session_assoc},
        {"participantsessassoc", &Mapper::map_participant_session_assoc},  // the prose of RFC 8068
        {"participantstreamassoc", &Mapper::map_participant_stream_assoc},
        {"extensiondata", &Mapper::map_extension_data},
    }};
    if (equals_ignoring_case(child.name, "datamode")) {
        mode(child, where);
        return true;
    }
    const auto* const found = std::find_if(
        kHandlers.begin(), kHandlers.end(), [&](const auto& h) { return h.first == child.name; });
    if (found == kHandlers.end()) {
        return false;
    }
    (this->*found->second)(child, where);
    return true;
}

void Mapper::check_order(const XmlElement& child, const Where& where) {
    const auto* const found = std::find(kOrder.begin(), kOrder.end(), child.name);
    if (found == kOrder.end() || out_of_order_) {
        return;
    }
    const auto rank = static_cast<std::size_t>(found - kOrder.begin());
    if (rank < order_) {
        out_of_order_ = true;
        findings_.add("element-order", "elements are not in the order of RFC 7865 9", where);
    }
    order_ = rank;
}

void Mapper::mode(const XmlElement& child, const Where& where) {
    if (child.name != "datamode") {
        findings_.add("data-mode", "the element is spelled " + child.name, where);
    }
    // RFC 7865 5.1.2: absent means complete; so does what cannot be read.
    document_.mode =
        equals_ignoring_case(child.text, "partial") ? DataMode::Partial : DataMode::Complete;
    if (child.text != "complete" && child.text != "partial") {
        findings_.add("data-mode", "the mode is spelled '" + child.text + "'", where);
    }
}

template <typename Take>
void Mapper::each_child(XmlElement& element,
                        const Where& where,
                        Extensions& extensions,
                        Take take) {
    for (XmlElement& child : element.children) {
        const Where at{&where, child.name, 0};
        const bool ours =
            is_model_namespace(child.name_space) || child.name_space == element.name_space;
        if (ours && child.name == "extensiondata" && !child.children.empty()) {
            draft_element(child, at);
            for (XmlElement& inner : child.children) {
                extensions.push_back(std::move(inner));
            }
            child.children.clear();
            ElementReader(child, at, extensions, findings_).keep_rest();
        } else if (!ours || !take(child, at)) {
            keep(child, at, extensions);
        }
    }
    element.children.clear();
}

void Mapper::map_group(XmlElement& element, const Where& where) {
    Group& group = document_.groups.emplace_back();
    ElementReader reader(element, where, group.extensions, findings_);
    group.id = id(reader, {"group_id", "id"});
    each_child(element, where, group.extensions, [&](XmlElement& child, const Where& at) {
        return interval(child, at, group.associated, group.extensions);
    });
    reader.keep_rest();
}

void Mapper::map_session(XmlElement& element, const Where& where) {
    CommunicationSession& session = document_.sessions.emplace_back();
    ElementReader reader(element, where, session.extensions, findings_);
    session.id = id(reader, {"session_id", "id"});
    if (auto group = reader.attribute({"group-ref", "group", "group_id"})) {
        session.group_ref = without_white_space(*group);
    }
    Interval attached;
    each_child(element, where, session.extensions, [&](XmlElement& child, const Where& at) {
        return map_session_child(child, at, session, attached);
    });
    if (attached != Interval{}) {
        implied_sessions_.push_back({session.id, attached, {}});
    }
    reader.keep_rest();
}

bool Mapper::map_session_child(XmlElement& child,
                               const Where& where,
                               CommunicationSession& session,
                               Interval& attached) {
    if (child.name == "sipSessionID") {
        session.sip_session_ids.push_back(without_white_space(child.text));
    } else if (child.name == "reason") {
        reason(child, where, session);
        return true;
    } else if (child.name == "group-ref") {
        session.group_ref = without_white_space(child.text);
    } else if (child.name == "start-time") {
        return time(child, where, session.start_time, session.extensions);
    } else if (child.name == "stop-time") {
        return time(child, where, session.stop_time, session.extensions);
    } else if (child.name == "end-time") {
        draft_element(child, where);
        return time(child, where, session.stop_time, session.extensions);
    } else if (interval(child, where, attached, session.extensions)) {
        draft_element(child, where);
        return true;
    } else {
        return false;
    }
    ElementReader(child, where, session.extensions, findings_).keep_rest();
    return true;
}

void Mapper::reason(XmlElement& child, const Where& where, CommunicationSession& session) {
    ElementReader reader(child, where, session.extensions, findings_);
    Reason& reason = session.reasons.emplace_back();
    reason.text = std::move(child.text);
    if (auto protocol = reader.attribute({"protocol"})) {
        reason.protocol = std::move(*protocol);
    }
    if (const auto cause = reader.attribute({"cause"})) {
        const std::string_view digits = trimmed(*cause);
        int value = 0;
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size()) {
            reason.cause = value;
        } else {
            findings_.add("bad-cause", "no number: '" + *cause + "'", where);
            child.attributes.emplace_back("cause", *cause);
        }
    }
    reader.keep_rest();
}

void Mapper::map_participant(XmlElement& element, const Where& where) {
    Participant& participant = document_.participants.emplace_back();
    ElementReader reader(element, where, participant.extensions, findings_);
    participant.id = id(reader, {"participant_id", "id"});
    std::optional<std::string> session = reader.attribute({"session_id"});
    if (session) {
        findings_.add("stray-attribute", "session_id has no place on a participant", where);
    } else {
        session = reader.attribute({"session_id", "session"});
    }
    ParticipantStreamAssoc streams;
    streams.participant_id = participant.id;
    each_child(element, where, participant.extensions, [&](XmlElement& child, const Where& at) {
        return map_participant_child(child, at, participant, streams);
    });
    if (auto aor = reader.attribute({"aor"}); aor && participant.names.empty()) {
        findings_.add("stray-attribute", "the AOR is an attribute of participant", where);
        participant.names.push_back(
            {std::string(trimmed(*aor)), reader.attribute({"name"}).value_or(""), {}});
    }
    if (session) {
        implied_members_.push_back(
            {participant.id, without_white_space(*session), streams.associated, {}, {}});
    }
    if (!streams.send.empty() || !streams.recv.empty()) {
        implied_streams_.push_back(std::move(streams));
    }
    reader.keep_rest();
}

bool Mapper::map_participant_child(XmlElement& child,
                                   const Where& where,
                                   Participant& participant,
                                   ParticipantStreamAssoc& streams) {
    if (child.name == "nameID") {
        name_id(child, where, participant);
        return true;
    }
    if (child.name == "aor" || child.name == "name") {
        draft_element(child, where);
        std::string NameId::*const slot = child.name == "aor" ? &NameId::aor : &NameId::name;
        if (participant.names.empty() || !(participant.names.back().*slot).empty()) {
            participant.names.emplace_back();
        }
        participant.names.back().*slot = std::move(child.text);
        ElementReader(child, where, participant.extensions, findings_).keep_rest();
        return true;
    }
    if (direction(child, where, streams, participant.extensions) ||
        interval(child, where, streams.associated, participant.extensions)) {
        draft_element(child, where);
        return true;
    }
    return false;
}

void Mapper::name_id(XmlElement& child, const Where& where, Participant& participant) {
    NameId name;
    ElementReader reader(child, where, participant.extensions, findings_);
    if (auto aor = reader.attribute({"aor"})) {
        name.aor = std::string(trimmed(*aor));
    } else if (!child.text.empty()) {
        findings_.add("draft-element", "the AOR is the text of nameID", where);
        name.aor = std::move(child.text);
    }
    Extensions unknown;
    for (XmlElement& inner : child.children) {
        const Where at{&where, inner.name, 0};
        if (inner.name == "aor" && name.aor.empty()) {
            draft_element(inner, at);
            name.aor = std::move(inner.text);
        } else if (inner.name == "name" && name.name.empty()) {
            name.name = std::move(inner.text);
            ElementReader inner_reader(inner, at, participant.extensions, findings_);
            name.language = inner_reader.attribute({"lang"}).value_or("");
            inner_reader.keep_rest();
        } else {
            findings_.add("unknown-element", "unknown element " + inner.name, at);
            unknown.push_back(std::move(inner));
        }
    }
    child.children = std::move(unknown);
    reader.keep_rest();
    // A name without content is how a document says "anonymous" (D5 of the reference).
    if (name != NameId{}) {
        participant.names.push_back(std::move(name));
    }
}

void Mapper::map_stream(XmlElement& element, const Where& where) {
    MediaStream& stream = document_.streams.emplace_back();
    ElementReader reader(element, where, stream.extensions, findings_);
    stream.id = id(reader, {"stream_id", "id"});
    if (auto session = reader.attribute({"session_id", "session"})) {
        stream.session_id = without_white_space(*session);
    }
    each_child(element, where, stream.extensions, [&](XmlElement& child, const Where& at) {
        if (child.name != "label") {
            return false;
        }
        if (!child.text.empty()) {
            stream.label = std::move(child.text);
        }
        ElementReader(child, at, stream.extensions, findings_).keep_rest();
        return true;
    });
    if (!stream.label) {
        if (auto label = reader.attribute({"label"})) {
            findings_.add("stray-attribute", "label is an element of stream", where);
            stream.label = std::string(trimmed(*label));
        }
    }
    reader.keep_rest();
}

void Mapper::map_session_recording_assoc(XmlElement& element, const Where& where) {
    SessionRecordingAssoc& assoc = document_.session_recording_assocs.emplace_back();
    ElementReader reader(element, where, assoc.extensions, findings_);
    assoc.session_id = id(reader, {"session_id", "session"});
    each_child(element, where, assoc.extensions, [&](XmlElement& child, const Where& at) {
        return interval(child, at, assoc.associated, assoc.extensions);
    });
    reader.keep_rest();
}

void Mapper::map_participant_session_assoc(XmlElement& element, const Where& where) {
    ParticipantSessionAssoc& assoc = document_.participant_session_assocs.emplace_back();
    ElementReader reader(element, where, assoc.extensions, findings_);
    assoc.participant_id = id(reader, {"participant_id", "participant"});
    assoc.session_id = id(reader, {"session_id", "session"});
    each_child(element, where, assoc.extensions, [&](XmlElement& child, const Where& at) {
        if (child.name == "param") {
            ElementReader param(child, at, assoc.extensions, findings_);
            std::string name = param.attribute({"pname"}).value_or("");
            assoc.params.emplace_back(std::move(name), param.attribute({"pval"}).value_or(""));
            param.keep_rest();
            return true;
        }
        return interval(child, at, assoc.associated, assoc.extensions);
    });
    reader.keep_rest();
}

void Mapper::map_participant_stream_assoc(XmlElement& element, const Where& where) {
    ParticipantStreamAssoc& assoc = document_.participant_stream_assocs.emplace_back();
    ElementReader reader(element, where, assoc.extensions, findings_);
    assoc.participant_id = id(reader, {"participant_id", "participant"});
    each_child(element, where, assoc.extensions, [&](XmlElement& child, const Where& at) {
        return direction(child, at, assoc, assoc.extensions) ||
               interval(child, at, assoc.associated, assoc.extensions);
    });
    reader.keep_rest();
}

void Mapper::map_extension_data(XmlElement& element, const Where& where) {
    draft_element(element, where);
    Addressed addressed;
    ElementReader reader(element, where, addressed.content, findings_);
    addressed.parent = without_white_space(reader.attribute({"parent"}).value_or(""));
    if (element.children.empty()) {
        keep(element, where, addressed.content);
    } else {
        std::erase_if(element.attributes, [](const auto& a) { return a.first == "id"; });
        addressed.content = std::move(element.children);
        element.children.clear();
        reader.keep_rest();
    }
    addressed_.push_back(std::move(addressed));
}

std::string Mapper::id(ElementReader& reader, std::initializer_list<std::string_view> names) {
    std::string value = without_white_space(reader.attribute(names).value_or(""));
    if (value.empty()) {
        findings_.add("missing-id", "no " + std::string(*names.begin()), reader.where());
    }
    return value;
}

bool Mapper::interval(XmlElement& child,
                      const Where& where,
                      Interval& slot,
                      Extensions& extensions) {
    if (child.name == "associate-time") {
        return time(child, where, slot.from, extensions);
    }
    if (child.name == "disassociate-time") {
        return time(child, where, slot.until, extensions);
    }
    return false;
}

bool Mapper::time(XmlElement& child,
                  const Where& where,
                  std::optional<WallTime>& slot,
                  Extensions& extensions) {
    const auto parsed = parse_time(child.text);
    if (!parsed) {
        findings_.add("bad-time", "no time: '" + child.text.substr(0, 64) + "'", where);
        child.name_space = kForeignNamespace;
        extensions.push_back(std::move(child));
        return true;
    }
    slot = parsed->time;
    if (!parsed->has_zone) {
        findings_.add("time-without-zone", "taken for UTC: '" + child.text + "'", where);
    } else if (!parsed->is_strict) {
        findings_.add("time-format", "not as in RFC 7865 6.9: '" + child.text + "'", where);
    }
    ElementReader(child, where, extensions, findings_).keep_rest();
    return true;
}

bool Mapper::direction(XmlElement& child,
                       const Where& where,
                       ParticipantStreamAssoc& slot,
                       Extensions& extensions) {
    if (child.name != "send" && child.name != "recv") {
        return false;
    }
    std::vector<std::string>& ids = child.name == "send" ? slot.send : slot.recv;
    if (std::string id = without_white_space(child.text); !id.empty()) {
        ids.push_back(std::move(id));
    }
    std::erase_if(child.children, [&](const XmlElement& inner) {
        if (inner.name != "id") {
            return false;
        }
        ids.push_back(without_white_space(inner.text));
        return true;
    });
    ElementReader(child, where, extensions, findings_).keep_rest();
    return true;
}

void Mapper::keep(XmlElement& child, const Where& where, Extensions& extensions) {
    if (child.name_space == kForeignNamespace && child.name == "unqualified") {
        // How the writer wraps what the published schema would refuse (D8 of the reference).
        std::move(child.children.begin(), child.children.end(), std::back_inserter(extensions));
        return;
    }
    if (is_model_namespace(child.name_space)) {
        findings_.add("unknown-element", "unknown element " + child.name, where);
    }
    extensions.push_back(std::move(child));
}

void Mapper::draft_element(const XmlElement& child, const Where& where) {
    findings_.add("draft-element", child.name + " stands where a draft had it", where);
}

void Mapper::add_implied_associations() {
    std::set<std::pair<std::string_view, std::string_view>> members;
    std::set<std::string_view> sessions;
    std::set<std::string_view> senders;
    for (const auto& assoc : document_.participant_session_assocs) {
        members.emplace(assoc.participant_id, assoc.session_id);
    }
    for (const auto& assoc : document_.session_recording_assocs) {
        sessions.insert(assoc.session_id);
    }
    for (const auto& assoc : document_.participant_stream_assocs) {
        senders.insert(assoc.participant_id);
    }
    // What an association element says outright is not said again by an attribute of a draft.
    std::erase_if(implied_members_, [&](const auto& assoc) {
        return members.contains({assoc.participant_id, assoc.session_id});
    });
    std::erase_if(implied_sessions_,
                  [&](const auto& assoc) { return sessions.contains(assoc.session_id); });
    std::erase_if(implied_streams_,
                  [&](const auto& assoc) { return senders.contains(assoc.participant_id); });
    const auto append = [](auto& to, auto& from) {
        std::move(from.begin(), from.end(), std::back_inserter(to));
    };
    append(document_.participant_session_assocs, implied_members_);
    append(document_.session_recording_assocs, implied_sessions_);
    append(document_.participant_stream_assocs, implied_streams_);
}

void Mapper::attach_addressed() {
    if (addressed_.empty()) {
        return;
    }
    std::unordered_map<std::string_view, Extensions*> places;
    const auto note = [&](auto& elements) {
        for (auto& element : elements) {
            places.try_emplace(element.id, &element.extensions);
        }
    };
    note(document_.sessions);
    note(document_.groups);
    note(document_.participants);
    note(document_.streams);
    for (Addressed& addressed : addressed_) {
        const auto found = places.find(addressed.parent);
        Extensions& place = addressed.parent.empty() || found == places.end() ? document_.extensions
                                                                              : *found->second;
        std::move(addressed.content.begin(), addressed.content.end(), std::back_inserter(place));
    }
}

}  // namespace

bool is_model_namespace(std::string_view name_space) {
    return name_space.empty() || name_space == kNamespace || is_draft_namespace(name_space);
}

Document map_document(XmlElement root, Findings& findings) {
    return Mapper(findings).map(std::move(root));
}

}  // namespace siprec::metadata
