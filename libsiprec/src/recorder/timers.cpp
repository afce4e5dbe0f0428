// What is due when: session timers, probes, and requests of ours that are to be repeated.

#include "recorder/recorder_impl.hpp"

#include <algorithm>

namespace siprec::recorder {

void RecorderImpl::schedule(LiveSession& live) {
    std::optional<SteadyTime> next = live.timer.next();
    if (!live.asking && !live.wishes.empty()) {
        const SteadyTime wish = live.wishes.front().not_before;
        next = next ? std::min(*next, wish) : wish;
    }
    // An entry that fires too early only looks, and schedules again.
    if (next && (!live.next_check || *next < *live.next_check)) {
        unschedule(live);
        live.next_check = next;
        deadlines_.emplace(*next, live.dialog);
    }
}

void RecorderImpl::unschedule(LiveSession& live) {
    if (!live.next_check) {
        return;
    }
    const auto [first, last] = deadlines_.equal_range(*live.next_check);
    for (auto entry = first; entry != last; ++entry) {
        if (entry->second == live.dialog) {
            deadlines_.erase(entry);
            break;
        }
    }
    live.next_check.reset();
}

void RecorderImpl::on_tick() {
    const SteadyTime now = system_clock().steady_now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const auto [when, dialog] = *deadlines_.begin();
        deadlines_.erase(deadlines_.begin());
        if (LiveSession* live = find_running(dialog); live != nullptr && live->next_check == when) {
            live->next_check.reset();
            check(*live);
        }
    }
}

void RecorderImpl::check(LiveSession& live) {
    using Due = session::SessionTimer::Due;
    const SteadyTime now = system_clock().steady_now();
    const Due due = live.timer.due(now);
    if (due == Due::Expired) {
        // RFC 4028 10
        hang_up(live.dialog, EndCause::SessionTimeout, "the session was not refreshed");
        return;
    }
    if (due == Due::Refresh || due == Due::Probe) {
        live.timer.on_asked(now);
        Wish wish;
        wish.kind = due == Due::Refresh ? Wish::Kind::Refresh : Wish::Kind::Probe;
        live.wishes.push_back(std::move(wish));
    }
    advance(live);
    schedule(live);
}

}  // namespace siprec::recorder
