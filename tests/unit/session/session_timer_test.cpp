#include "session/session_timer.hpp"

#include <catch2/catch.hpp>

#include <vector>

namespace {

using namespace std::chrono_literals;
using siprec::SessionTimerConfig;
using siprec::SteadyTime;
using siprec::session::Refresher;
using siprec::session::SessionTimer;
using Due = SessionTimer::Due;
using Terms = SessionTimer::Terms;

const SteadyTime kStart = SteadyTime{} + 1000h;

Terms terms(bool supported,
            std::optional<std::chrono::seconds> expires = {},
            std::optional<Refresher> refresher = {},
            std::optional<std::chrono::seconds> min_se = {}) {
    return {.supported = supported, .expires = expires, .min_se = min_se, .refresher = refresher};
}

SessionTimer timer(const SessionTimerConfig& config = {}) {
    return {config, kStart};
}

}  // namespace

TEST_CASE("session timer: 422 only to a peer with timer whose interval is too short",
          "[unit][session][rfc4028][4028-9-1]") {
    const SessionTimerConfig config;
    CHECK(SessionTimer::is_too_small(config, terms(true, 60s)));
    CHECK(SessionTimer::is_too_small(config, terms(true, 89s)));
    CHECK_FALSE(SessionTimer::is_too_small(config, terms(true, 90s)));
    CHECK_FALSE(SessionTimer::is_too_small(config, terms(true, 1800s)));
    CHECK_FALSE(SessionTimer::is_too_small(config, terms(true)));
    CHECK_FALSE(SessionTimer::is_too_small(config, terms(false, 60s)));
    SessionTimerConfig lower = config;
    lower.min_se = 30s;
    CHECK(SessionTimer::is_too_small(lower, terms(true, 60s)));
    SessionTimerConfig off = config;
    off.enabled = false;
    CHECK_FALSE(SessionTimer::is_too_small(off, terms(true, 60s)));
}

TEST_CASE("session timer: the interval may be lowered and never raised",
          "[unit][session][rfc4028][4028-9-2]") {
    SessionTimerConfig config;
    config.expires = 600s;
    CHECK(SessionTimer(config, kStart).on_request(terms(true, 1800s), kStart).expires == 600s);
    CHECK(SessionTimer(config, kStart).on_request(terms(true, 120s), kStart).expires == 120s);
    // Not below the peer's Min-SE.
    CHECK(SessionTimer(config, kStart).on_request(terms(true, 1800s, {}, 900s), kStart).expires ==
          900s);
    CHECK(SessionTimer(config, kStart).on_request(terms(true), kStart).expires == 600s);
    CHECK_FALSE(SessionTimer(config, kStart).on_request(terms(false), kStart).expires);
}

TEST_CASE("session timer: the refresher is as table 2 of RFC 4028 has it",
          "[unit][session][rfc4028][4028-9-3][4028-9-4]") {
    struct Row {
        Terms asked;
        Refresher refresher;
        bool require;
    };

    const std::vector<Row> rows{
        {terms(false, 1800s), Refresher::Uas, false},
        {terms(false, 1800s, Refresher::Uac), Refresher::Uas, false},
        {terms(true, 1800s), Refresher::Uac, true},
        {terms(true, 1800s, Refresher::Uac), Refresher::Uac, true},
        {terms(true, 1800s, Refresher::Uas), Refresher::Uas, true},
    };
    for (const Row& row : rows) {
        auto session = timer();
        const auto grant = session.on_request(row.asked, kStart);
        CHECK(grant.refresher == row.refresher);
        CHECK(grant.require == row.require);
        CHECK(session.is_ours() == (row.refresher == Refresher::Uas));
    }
}

TEST_CASE("session timer: our refresh is due at half the interval and the end before it is over",
          "[unit][session][rfc4028][4028-7.4-1][4028-10-1]") {
    auto session = timer();
    static_cast<void>(session.on_request(terms(true, 1800s, Refresher::Uas), kStart));
    CHECK(session.due(kStart + 899s) == Due::Nothing);
    CHECK(session.due(kStart + 900s) == Due::Refresh);
    CHECK(session.header() == "1800;refresher=uac");
    session.on_asked(kStart + 900s);
    CHECK(session.due(kStart + 901s) == Due::Nothing);
    CHECK(session.due(kStart + 1767s) == Due::Nothing);
    CHECK(session.due(kStart + 1768s) == Due::Expired);
    session.on_success(terms(true, 1800s, Refresher::Uac), kStart + 901s);
    CHECK(session.due(kStart + 1800s) == Due::Nothing);
    CHECK(session.due(kStart + 1801s) == Due::Refresh);
}

TEST_CASE("session timer: a peer that does not refresh is given up slightly before the end",
          "[unit][session][rfc4028][4028-10-1]") {
    auto session = timer();
    static_cast<void>(session.on_request(terms(true, 90s), kStart));
    CHECK(session.due(kStart + 59s) == Due::Nothing);
    CHECK(session.due(kStart + 60s) == Due::Expired);
    static_cast<void>(session.on_request(terms(true, 90s), kStart + 50s));
    CHECK(session.due(kStart + 60s) == Due::Nothing);
    CHECK(session.due(kStart + 110s) == Due::Expired);
}

TEST_CASE("session timer: a refused refresh does not end the session", "[unit][session][rfc4028]") {
    auto session = timer();
    static_cast<void>(session.on_request(terms(false, 1800s), kStart));
    session.on_asked(kStart + 900s);
    session.on_refused(kStart + 901s);
    CHECK(session.due(kStart + 1768s) == Due::Nothing);
    CHECK(session.due(kStart + 1801s) == Due::Refresh);
    session.raise(3600s);
    CHECK(session.header() == "3600;refresher=uac");
    CHECK(session.min_se() == 3600s);
}

TEST_CASE("session timer: a peer without timer is probed after long silence",
          "[unit][session][rfc4028]") {
    auto session = timer();
    static_cast<void>(session.on_request(terms(false), kStart));
    CHECK(session.due(kStart + 899s) == Due::Nothing);
    CHECK(session.due(kStart + 900s) == Due::Probe);
    session.on_heard(kStart + 500s);
    CHECK(session.due(kStart + 900s) == Due::Nothing);
    CHECK(session.due(kStart + 1400s) == Due::Probe);
    session.on_asked(kStart + 1400s);
    CHECK(session.due(kStart + 1401s) == Due::Nothing);
    SessionTimerConfig never;
    never.probe_after = 0s;
    CHECK_FALSE(SessionTimer(never, kStart).next());
}
