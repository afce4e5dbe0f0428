#pragma once

// The session timer of one dialog (RFC 4028), and the probe of a peer that has none: values in,
// values out. Knows no clock and no SIP stack.

#include <siprec/clock.hpp>
#include <siprec/config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace siprec::session {

/// Who refreshes, as `refresher=` names it: the side that sent the request, or the other.
enum class Refresher : std::uint8_t { Uac, Uas };

class SessionTimer {
  public:
    /// What a request or a 2xx says about the timer.
    struct Terms {
        bool supported = false;  // `timer` in Supported or Require
        std::optional<std::chrono::seconds> expires;
        std::optional<std::chrono::seconds> min_se;
        std::optional<Refresher> refresher;
    };

    /// What our 2xx to an INVITE or UPDATE has to say.
    struct Grant {
        std::optional<std::chrono::seconds> expires;  // none: no Session-Expires
        Refresher refresher = Refresher::Uac;
        bool require = false;  // `Require: timer`
    };

    /// What is to be done now.
    enum class Due : std::uint8_t { Nothing, Refresh, Probe, Expired };

    SessionTimer(const SessionTimerConfig& config, SteadyTime now)
        : config_(config), refreshed_(now), heard_(now) {}

    /// True when the request is to be refused with 422 and Min-SE (RFC 4028 9).
    [[nodiscard]] static bool is_too_small(const SessionTimerConfig& config, const Terms& terms);

    /// An INVITE or UPDATE of the peer that is answered with 2xx.
    Grant on_request(const Terms& terms, SteadyTime now);

    /// A 2xx to an INVITE or UPDATE of ours.
    void on_success(const Terms& terms, SteadyTime now);

    /// Any other sign of life of the peer, such as a refusal.
    void on_refused(SteadyTime now);

    /// Any message of the peer.
    void on_heard(SteadyTime now) { heard_ = now; }

    /// A refresh or probe of ours is under way.
    void on_asked(SteadyTime now) { asked_ = now; }

    /// The peer's 422 to our refresh (RFC 4028 7.4).
    void raise(std::chrono::seconds min_se);

    [[nodiscard]] Due due(SteadyTime now) const;

    /// When `due` will have something to say; none: never.
    [[nodiscard]] std::optional<SteadyTime> next() const;

    /// The value of Session-Expires for an INVITE or UPDATE of ours; empty: none.
    [[nodiscard]] std::string header() const;

    /// The value of Min-SE for the same; none: the peer has not asked for one.
    [[nodiscard]] std::optional<std::chrono::seconds> min_se() const;

    [[nodiscard]] std::optional<std::chrono::seconds> interval() const { return interval_; }

    [[nodiscard]] bool is_ours() const { return we_refresh_; }

  private:
    [[nodiscard]] SteadyTime expiry() const;
    void start(std::chrono::seconds interval, bool we_refresh, SteadyTime now);

    SessionTimerConfig config_;
    std::optional<std::chrono::seconds> interval_;
    std::chrono::seconds min_se_{0};  // what the peer asked for
    bool we_refresh_ = false;
    SteadyTime refreshed_;
    SteadyTime heard_;
    std::optional<SteadyTime> asked_;
};

}  // namespace siprec::session
