#include "capture/rotation.hpp"

#include <algorithm>

namespace siprec::server {
namespace {

std::size_t count(const SessionTracker& tracker, SessionStay::State state) {
    const auto& stays = tracker.stays();
    return static_cast<std::size_t>(
        std::count_if(stays.begin(), stays.end(), [state](const SessionStay& stay) {
            return stay.state == state;
        }));
}

}  // namespace

bool is_clean_cut(const SessionTracker& tracker) {
    const auto& stays = tracker.stays();
    const bool goes_on = std::any_of(stays.begin(), stays.end(), [&](const SessionStay& stay) {
        return stay.state == SessionStay::State::Open && !tracker.is_fresh(stay);
    });
    if (goes_on) {
        return false;
    }
    const std::size_t away = count(tracker, SessionStay::State::Away);
    const bool has_fresh = count(tracker, SessionStay::State::Open) > 0;
    // Who is away may be back with the next document, unless another CS has begun.
    return away > 0 ? has_fresh : count(tracker, SessionStay::State::Over) > 0;
}

bool is_overgrown(const SessionTracker& tracker,
                  const PartProgress& part,
                  const RotationLimits& limits) {
    if (!tracker.has_named()) {
        return false;
    }
    const std::size_t over = count(tracker, SessionStay::State::Over);
    if (over >= limits.stays) {
        return true;
    }
    const bool is_idle = count(tracker, SessionStay::State::Open) == 0;
    const auto& stays = tracker.stays();
    const bool is_long_away =
        is_idle && std::any_of(stays.begin(), stays.end(), [&](const SessionStay& stay) {
            return stay.state == SessionStay::State::Away && stay.windows.back().until &&
                   part.now - *stay.windows.back().until >= limits.away;
        });
    const auto age = part.now - part.began;
    const bool is_big = part.bytes >= limits.bytes;
    return is_long_away || (over > 0 && (is_big || age >= limits.age)) ||
           (is_idle && (is_big || age >= limits.idle_age));
}

}  // namespace siprec::server
