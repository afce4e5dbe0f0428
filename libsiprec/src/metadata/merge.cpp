#include "metadata/merge.hpp"

#include "metadata/keys.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>

namespace siprec::metadata {

namespace {

std::string key_of_extension(const XmlElement& element) {
    return pair_key(element.name, element.name_space);
}

/// Where the elements of one qualified name stand in a list.
using Places = std::unordered_map<std::string, std::vector<std::size_t>>;

Places places_of(const std::vector<XmlElement>& elements) {
    Places places;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        places[key_of_extension(elements[i])].push_back(i);
    }
    return places;
}

/// Nothing is forgotten, up to a bound: a session may live for weeks. An element that was there
/// once before is the same one with other content; of all others each value is kept.
// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth (ParseLimits::max_depth).
void collect_extensions(std::vector<XmlElement>& base, const std::vector<XmlElement>& update) {
    constexpr std::size_t kMaxOfOneName = 16;
    std::vector<XmlElement> collected = update;
    Places places = places_of(collected);
    for (XmlElement& old : base) {
        std::vector<std::size_t>& same = places[key_of_extension(old)];
        XmlElement* const only = same.size() == 1 ? &collected[same.front()] : nullptr;
        if (only != nullptr && !old.children.empty() && !only->children.empty()) {
            collect_extensions(old.children, only->children);
            only->children = std::move(old.children);
        } else if (same.size() < kMaxOfOneName &&
                   std::ranges::none_of(same, [&](std::size_t i) { return collected[i] == old; })) {
            same.push_back(collected.size());
            collected.push_back(std::move(old));
        }
    }
    base = std::move(collected);
}

/// RFC 7865 is silent on extensions; they are replaced per qualified name (7865-ext-3).
void merge_extensions(std::vector<XmlElement>& base,
                      const std::vector<XmlElement>& update,
                      MergeMode mode) {
    if (update.empty()) {
        return;
    }
    if (mode == MergeMode::Collect) {
        collect_extensions(base, update);
        return;
    }
    const Places replaced = places_of(update);
    std::erase_if(base,
                  [&](const XmlElement& old) { return replaced.contains(key_of_extension(old)); });
    base.insert(base.end(), update.begin(), update.end());
}

template <typename T>
void merge_list(std::vector<T>& base, const std::vector<T>& update, MergeMode mode) {
    if (update.empty()) {
        return;  // 7865-pu-12: an absent list stays
    }
    // Lists are a handful long; those that are not are replaced, or comparing them would take for
    // ever.
    constexpr std::size_t kMaxCollected = 1000;
    std::vector<T> merged = update;
    if (mode == MergeMode::Collect && update.size() <= kMaxCollected &&
        base.size() <= kMaxCollected) {
        std::copy_if(base.begin(), base.end(), std::back_inserter(merged), [&](const T& old) {
            return std::find(update.begin(), update.end(), old) == update.end();
        });
    }
    base = std::move(merged);
}

template <typename T>
void merge_value(std::optional<T>& base, const std::optional<T>& update) {
    if (update) {
        base = update;  // 7865-pu-11: an absent value stays
    }
}

void merge_element(Group& base, const Group& update, MergeMode mode) {
    merge_interval(base.associated, update.associated);
    merge_extensions(base.extensions, update.extensions, mode);
}

void merge_element(CommunicationSession& base, const CommunicationSession& update, MergeMode mode) {
    merge_list(base.sip_session_ids, update.sip_session_ids, mode);
    merge_list(base.reasons, update.reasons, mode);
    merge_value(base.group_ref, update.group_ref);
    merge_value(base.start_time, update.start_time);
    merge_value(base.stop_time, update.stop_time);
    merge_extensions(base.extensions, update.extensions, mode);
}

void merge_element(Participant& base, const Participant& update, MergeMode mode) {
    merge_list(base.names, update.names, mode);
    merge_extensions(base.extensions, update.extensions, mode);
}

void merge_element(MediaStream& base, const MediaStream& update, MergeMode mode) {
    merge_value(base.session_id, update.session_id);
    merge_value(base.label, update.label);
    merge_extensions(base.extensions, update.extensions, mode);
}

void merge_element(SessionRecordingAssoc& base,
                   const SessionRecordingAssoc& update,
                   MergeMode mode) {
    merge_interval(base.associated, update.associated);
    merge_extensions(base.extensions, update.extensions, mode);
}

void merge_element(ParticipantSessionAssoc& base,
                   const ParticipantSessionAssoc& update,
                   MergeMode mode) {
    merge_interval(base.associated, update.associated);
    merge_list(base.params, update.params, mode);
    merge_extensions(base.extensions, update.extensions, mode);
}

void merge_element(ParticipantStreamAssoc& base,
                   const ParticipantStreamAssoc& update,
                   MergeMode mode) {
    if (mode == MergeMode::Collect) {
        merge_list(base.send, update.send, mode);
        merge_list(base.recv, update.recv, mode);
        merge_interval(base.associated, update.associated);
    } else {
        // 7865-pu-4, pu-13: both lists as a whole, even if empty; who is named anew contributes
        // anew.
        base.send = update.send;
        base.recv = update.recv;
        merge_interval(base.associated, update.associated);
        base.associated.until = update.associated.until;
    }
    base.is_guess = update.is_guess;
    merge_extensions(base.extensions, update.extensions, mode);
}

template <typename T>
void merge_elements(std::vector<T>& base, const std::vector<T>& update, MergeMode mode) {
    if (update.empty()) {
        return;
    }
    std::unordered_map<std::string, std::size_t> positions;
    for (std::size_t i = 0; i < base.size(); ++i) {
        positions.try_emplace(key_of(base[i]), i);
    }
    for (const T& element : update) {
        const std::string key = key_of(element);
        const auto [found, is_new] = positions.try_emplace(key, base.size());
        if (is_new) {
            base.push_back(element);
        } else {
            merge_element(base[found->second], element, mode);
        }
    }
}

}  // namespace

void merge_interval(Interval& base, const Interval& update) {
    if (update.from) {
        if (base.until && base.from != update.from) {
            base.until.reset();
        }
        base.from = update.from;
    }
    if (update.until) {
        base.until = update.until;
    }
}

void merge(Document& base, const Document& update, MergeMode mode) {
    merge_elements(base.groups, update.groups, mode);
    merge_elements(base.sessions, update.sessions, mode);
    merge_elements(base.participants, update.participants, mode);
    merge_elements(base.streams, update.streams, mode);
    merge_elements(base.session_recording_assocs, update.session_recording_assocs, mode);
    merge_elements(base.participant_session_assocs, update.participant_session_assocs, mode);
    merge_elements(base.participant_stream_assocs, update.participant_stream_assocs, mode);
    merge_extensions(base.extensions, update.extensions, mode);
}

}  // namespace siprec::metadata
