#include "metadata/references.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <unordered_map>

namespace siprec::metadata {

namespace {

enum class Kind { Group, Session, Participant, Stream };

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::Group:
            return "group";
        case Kind::Session:
            return "session";
        case Kind::Participant:
            return "participant";
        case Kind::Stream:
            break;
    }
    return "stream";
}

/// Which kind of element each id names. Views ids of the documents it was made of.
class Names {
  public:
    void add(const Document& document) {
        add_all(document.groups, Kind::Group);
        add_all(document.sessions, Kind::Session);
        add_all(document.participants, Kind::Participant);
        add_all(document.streams, Kind::Stream);
    }

    [[nodiscard]] bool knows(std::string_view id, Kind kind) const {
        const auto found = kinds_.find(id);
        return found != kinds_.end() && found->second == kind;
    }

    /// False for an id that is not known at all.
    [[nodiscard]] bool is_other(std::string_view id, Kind kind) const {
        const auto found = kinds_.find(id);
        return found != kinds_.end() && found->second != kind;
    }

  private:
    template <typename T>
    void add_all(const std::vector<T>& elements, Kind kind) {
        for (const T& element : elements) {
            if (!element.id.empty()) {
                kinds_.try_emplace(element.id, kind);
            }
        }
    }

    std::unordered_map<std::string_view, Kind> kinds_;
};

class ReuseFilter {
  public:
    ReuseFilter(const Names& names, Findings& findings) : names_(names), findings_(findings) {}

    template <typename T>
    void elements(std::vector<T>& list, Kind kind) {
        std::erase_if(list, [&](const T& element) { return reused(element.id, kind, "element"); });
    }

    bool reused(std::string_view id, Kind kind, std::string_view what) {
        if (!names_.is_other(id, kind)) {
            return false;
        }
        findings_.add("id-reused",
                      fmt::format("{} '{}' as a {} ignored: the id names another kind of element "
                                  "(RFC 7865 6.10)",
                                  what,
                                  id,
                                  name_of(kind)));
        return true;
    }

  private:
    const Names& names_;
    Findings& findings_;
};

void note_dangling(
    const Names& names, std::string_view id, Kind kind, std::string_view path, Findings& findings) {
    if (!id.empty() && !names.knows(id, kind)) {
        findings.add("dangling-reference",
                     fmt::format("no {} '{}' is known", name_of(kind), id),
                     std::string(path));
    }
}

/// Labels that are numbers in the order of their values, all others behind them as they stand.
unsigned long label_rank(const MediaStream& stream) {
    unsigned long value = std::numeric_limits<unsigned long>::max();
    if (stream.label) {
        const char* const end = stream.label->data() + stream.label->size();
        unsigned long number = 0;
        const auto parsed = std::from_chars(stream.label->data(), end, number);
        if (parsed.ec == std::errc() && parsed.ptr == end) {
            value = number;
        }
    }
    return value;
}

}  // namespace

Document without_reused_ids(const Document& document, const Document& known, Findings& findings) {
    Names names;
    names.add(known);
    names.add(document);
    ReuseFilter filter(names, findings);
    Document kept = document;
    filter.elements(kept.groups, Kind::Group);
    filter.elements(kept.sessions, Kind::Session);
    filter.elements(kept.participants, Kind::Participant);
    filter.elements(kept.streams, Kind::Stream);
    std::erase_if(kept.session_recording_assocs, [&](const auto& assoc) {
        return filter.reused(assoc.session_id, Kind::Session, "association of");
    });
    std::erase_if(kept.participant_session_assocs, [&](const auto& assoc) {
        return filter.reused(assoc.participant_id, Kind::Participant, "association of") ||
               filter.reused(assoc.session_id, Kind::Session, "association with");
    });
    std::erase_if(kept.participant_stream_assocs, [&](const auto& assoc) {
        return filter.reused(assoc.participant_id, Kind::Participant, "association of");
    });
    for (ParticipantStreamAssoc& assoc : kept.participant_stream_assocs) {
        const auto reused = [&](const std::string& id) {
            return filter.reused(id, Kind::Stream, "reference to");
        };
        std::erase_if(assoc.send, reused);
        std::erase_if(assoc.recv, reused);
    }
    return kept;
}

void note_dangling_references(const Document& document, const Document& known, Findings& findings) {
    Names names;
    names.add(known);
    const auto note = [&](std::string_view id, Kind kind, std::string_view path) {
        note_dangling(names, id, kind, path, findings);
    };
    for (const auto& session : document.sessions) {
        note(session.group_ref.value_or(""), Kind::Group, "session/group-ref");
    }
    for (const auto& stream : document.streams) {
        note(stream.session_id.value_or(""), Kind::Session, "stream/@session_id");
    }
    for (const auto& assoc : document.session_recording_assocs) {
        note(assoc.session_id, Kind::Session, "sessionrecordingassoc/@session_id");
    }
    for (const auto& assoc : document.participant_session_assocs) {
        note(assoc.participant_id, Kind::Participant, "participantsessionassoc/@participant_id");
        note(assoc.session_id, Kind::Session, "participantsessionassoc/@session_id");
    }
    for (const auto& assoc : document.participant_stream_assocs) {
        note(assoc.participant_id, Kind::Participant, "participantstreamassoc/@participant_id");
        for (const std::string& id : assoc.send) {
            note(id, Kind::Stream, "participantstreamassoc/send");
        }
        for (const std::string& id : assoc.recv) {
            note(id, Kind::Stream, "participantstreamassoc/recv");
        }
    }
}

void guess_stream_associations(Document& document, Findings& findings) {
    std::erase_if(document.participant_stream_assocs,
                  [](const ParticipantStreamAssoc& assoc) { return assoc.is_guess; });
    if (!document.participant_stream_assocs.empty() || document.participants.empty() ||
        document.streams.empty()) {
        return;
    }
    std::vector<const MediaStream*> streams;
    for (const MediaStream& stream : document.streams) {
        streams.push_back(&stream);
    }
    std::stable_sort(streams.begin(), streams.end(), [](const auto* a, const auto* b) {
        return label_rank(*a) < label_rank(*b);
    });
    const bool is_mixed = streams.size() == 1;
    for (std::size_t i = 0; i < document.participants.size(); ++i) {
        if (is_mixed || i < streams.size()) {
            ParticipantStreamAssoc& guess = document.participant_stream_assocs.emplace_back();
            guess.participant_id = document.participants[i].id;
            guess.send.push_back(streams[is_mixed ? 0 : i]->id);
            guess.is_guess = true;
        }
    }
    findings.add("guessed-association",
                 "nothing says who sends which stream: paired by label and order");
}

}  // namespace siprec::metadata
