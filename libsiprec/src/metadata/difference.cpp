#include "metadata/keys.hpp"

#include <siprec/metadata.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>

namespace siprec::metadata {

namespace {

/// The elements of `to` that `from` has otherwise or not at all.
template <typename T>
std::vector<T> changed(const std::vector<T>& from, const std::vector<T>& to) {
    std::unordered_map<std::string, const T*> known;
    for (const T& element : from) {
        known.try_emplace(key_of(element), &element);
    }
    std::vector<T> news;
    std::ranges::copy_if(to, std::back_inserter(news), [&](const T& element) {
        const auto found = known.find(key_of(element));
        return found == known.end() || *found->second != element;
    });
    return news;
}

std::vector<XmlElement> changed_extensions(const std::vector<XmlElement>& from,
                                           const std::vector<XmlElement>& to) {
    return from == to ? std::vector<XmlElement>{} : to;
}

template <typename T>
void sort_by_key(std::vector<T>& elements) {
    std::ranges::stable_sort(elements, {}, [](const T& element) { return key_of(element); });
}

/// What a model says, whatever the order in which it was put together.
Document canonical(Document document) {
    std::erase_if(document.participant_stream_assocs,
                  [](const ParticipantStreamAssoc& assoc) { return assoc.is_guess; });
    document.mode = DataMode::Complete;
    sort_by_key(document.groups);
    sort_by_key(document.sessions);
    sort_by_key(document.participants);
    sort_by_key(document.streams);
    sort_by_key(document.session_recording_assocs);
    sort_by_key(document.participant_session_assocs);
    sort_by_key(document.participant_stream_assocs);
    return document;
}

}  // namespace

bool is_same_model(const Document& a, const Document& b) {
    return canonical(a) == canonical(b);
}

std::optional<Document> difference(const Document& from, const Document& to) {
    Document partial;
    partial.mode = DataMode::Partial;
    partial.groups = changed(from.groups, to.groups);
    partial.sessions = changed(from.sessions, to.sessions);
    partial.participants = changed(from.participants, to.participants);
    partial.streams = changed(from.streams, to.streams);
    partial.session_recording_assocs =
        changed(from.session_recording_assocs, to.session_recording_assocs);
    partial.participant_session_assocs =
        changed(from.participant_session_assocs, to.participant_session_assocs);
    partial.participant_stream_assocs =
        changed(from.participant_stream_assocs, to.participant_stream_assocs);
    partial.extensions = changed_extensions(from.extensions, to.extensions);
    std::erase_if(partial.participant_stream_assocs,
                  [](const ParticipantStreamAssoc& assoc) { return assoc.is_guess; });

    State receiver;
    Document complete = from;
    complete.mode = DataMode::Complete;
    receiver.apply(complete, WallTime{});
    receiver.apply(partial, WallTime{});
    if (!is_same_model(receiver.current(), to)) {
        return std::nullopt;
    }
    return partial;
}

}  // namespace siprec::metadata
