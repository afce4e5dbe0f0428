#include "session/session_timer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace siprec::session {

namespace {

// RFC 4028 5: no interval is shorter.
constexpr std::chrono::seconds kShortest{90};

std::chrono::seconds shortest(const SessionTimerConfig& config) {
    return std::max(config.min_se, config.allow_short ? std::chrono::seconds{1} : kShortest);
}

}  // namespace

bool SessionTimer::is_too_small(const SessionTimerConfig& config, const Terms& terms) {
    // A peer without `timer` would not understand 422 (RFC 4028 9, erratum 1687).
    return config.enabled && terms.supported && terms.expires && *terms.expires < shortest(config);
}

SessionTimer::Grant SessionTimer::on_request(const Terms& terms, SteadyTime now) {
    heard_ = now;
    Grant grant;
    if (!config_.enabled || (!terms.supported && !terms.expires)) {
        interval_.reset();
        return grant;
    }
    const auto floor = std::max(shortest(config_), terms.min_se.value_or(kShortest));
    // RFC 4028 9: lowered at most, never raised, and not below the peer's Min-SE.
    const auto wanted = std::max(config_.expires, config_.allow_short ? config_.expires : floor);
    grant.expires = terms.expires ? std::min(*terms.expires, wanted) : wanted;
    // The SRC refreshes where it can (RFC 4028 9, table 2): some answer a refresh of ours wrongly.
    grant.refresher = terms.supported ? terms.refresher.value_or(Refresher::Uac) : Refresher::Uas;
    grant.require = terms.supported;
    start(*grant.expires, grant.refresher == Refresher::Uas, now);
    return grant;
}

void SessionTimer::on_success(const Terms& terms, SteadyTime now) {
    heard_ = now;
    asked_.reset();
    if (!config_.enabled || !terms.expires) {
        // RFC 4028 7.2: the peer has no timer; what was agreed before goes on from here.
        refreshed_ = now;
        return;
    }
    start(*terms.expires, terms.refresher.value_or(Refresher::Uac) == Refresher::Uac, now);
}

void SessionTimer::on_refused(SteadyTime now) {
    heard_ = now;
    asked_.reset();
    // A peer that refuses is alive, and a recording does not end over its dialect.
    refreshed_ = now;
}

void SessionTimer::raise(std::chrono::seconds min_se) {
    asked_.reset();
    min_se_ = std::max(min_se_, min_se);
    if (interval_) {
        interval_ = std::max(*interval_, min_se);
    }
}

void SessionTimer::start(std::chrono::seconds interval, bool we_refresh, SteadyTime now) {
    interval_ = std::max(interval, std::chrono::seconds{1});
    we_refresh_ = we_refresh;
    refreshed_ = now;
    asked_.reset();
}

SteadyTime SessionTimer::expiry() const {
    // RFC 4028 10: BYE slightly before the end.
    constexpr std::chrono::seconds kMostBefore{32};
    return refreshed_ + *interval_ -
           std::min<std::chrono::milliseconds>(kMostBefore,
                                               std::chrono::milliseconds(*interval_) / 3);
}

std::optional<SteadyTime> SessionTimer::next() const {
    if (interval_) {
        return we_refresh_ && !asked_ ? refreshed_ + std::chrono::milliseconds(*interval_) / 2
                                      : expiry();
    }
    if (config_.probe_after.count() == 0) {
        return std::nullopt;
    }
    return std::max(heard_, asked_.value_or(heard_)) + config_.probe_after;
}

SessionTimer::Due SessionTimer::due(SteadyTime now) const {
    const auto when = next();
    if (!when || now < *when) {
        return Due::Nothing;
    }
    if (!interval_) {
        return Due::Probe;
    }
    return now >= expiry() ? Due::Expired : Due::Refresh;
}

std::string SessionTimer::header() const {
    if (!config_.enabled || !interval_) {
        return {};
    }
    return fmt::format("{};refresher={}", interval_->count(), we_refresh_ ? "uac" : "uas");
}

std::optional<std::chrono::seconds> SessionTimer::min_se() const {
    return min_se_.count() > 0 ? std::optional(min_se_) : std::nullopt;
}

}  // namespace siprec::session
