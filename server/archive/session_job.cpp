#include "archive/session_job.hpp"

#include <algorithm>

namespace siprec::server {

CapturePart* SessionJob::next_part() {
    const auto next = std::find_if(
        parts.begin(), parts.end(), [](const auto& part) { return !part.second.is_played; });
    if (next == parts.end()) {
        return nullptr;
    }
    const bool is_gap = digest && next->first != digest->part() + 1;
    // Later parts come before their predecessor only while that is on its way.
    return is_gap && digest->is_rotated() ? nullptr : &next->second;
}

const CapturePart& SessionJob::last_played() const {
    const auto last = std::find_if(
        parts.rbegin(), parts.rend(), [](const auto& part) { return part.second.is_played; });
    return last == parts.rend() ? parts.begin()->second : last->second;
}

const SessionStay* SessionJob::finished_stay() const {
    if (!digest) {
        return nullptr;
    }
    const auto& stays = digest->tracker().stays();
    const auto found =
        std::find_if(stays.begin(), stays.end(), [](const auto& stay) { return stay.is_over(); });
    return found == stays.end() ? nullptr : &*found;
}

bool SessionJob::is_session_due() const {
    return digest && digest->session() && !is_session_entered && !digest->is_rotated() &&
           !digest->tracker().has_named();
}

bool SessionJob::is_between_recordings() const {
    return digest && !pending && digest->is_rotated() && digest->tracker().stays().empty();
}

bool SessionJob::is_done_with(std::uint32_t part) const {
    const CapturePart& file = parts.at(part);
    if (!file.unreadable.empty()) {
        return !pending;
    }
    if (!file.is_played || pending || is_session_due()) {
        return false;
    }
    const auto& stays = digest->tracker().stays();
    return std::none_of(stays.begin(), stays.end(), [&](const SessionStay& stay) {
        return stay.first_part <= part;
    });
}

}  // namespace siprec::server
