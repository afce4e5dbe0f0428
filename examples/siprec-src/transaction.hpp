#pragma once

#include <siprec/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace srcsim {

inline constexpr std::chrono::milliseconds kT1{500};            ///< RFC 3261 17.1.1.1
inline constexpr std::chrono::milliseconds kT2{4000};           ///< RFC 3261 17.1.2.2
inline constexpr std::chrono::milliseconds kTimeout{64 * kT1};  ///< timers B, F and H
inline constexpr siprec::SteadyTime kNever = siprec::SteadyTime::max();

/// When a message has to be sent again, and when to give up on it. Knows no message and no socket.
class Retransmission {
  public:
    enum class Kind : std::uint8_t {
        Invite,     ///< RFC 3261 17.1.1.2: doubles until a provisional response
        NonInvite,  ///< RFC 3261 17.1.2.2: doubles up to T2, every T2 after a provisional response
        Answer,  ///< 2xx to INVITE, RFC 3261 13.3.1.4: doubles up to T2 until the ACK, on TCP too
    };
    enum class Event : std::uint8_t { None, Resend, TimedOut };

    void start(Kind kind,
               bool is_reliable,
               siprec::SteadyTime now,
               std::chrono::milliseconds timeout = kTimeout) {
        kind_ = kind;
        interval_ = kT1;
        resend_at_ = is_reliable && kind != Kind::Answer ? kNever : now + interval_;
        give_up_at_ = now + timeout;
    }

    void stop() { resend_at_ = give_up_at_ = kNever; }

    [[nodiscard]] bool is_running() const noexcept { return give_up_at_ != kNever; }

    void on_provisional() {
        if (kind_ == Kind::Invite) {
            resend_at_ = kNever;
        } else {
            interval_ = kT2;
        }
    }

    [[nodiscard]] siprec::SteadyTime deadline() const noexcept {
        return std::min(resend_at_, give_up_at_);
    }

    [[nodiscard]] Event on_timer(siprec::SteadyTime now) {
        if (now >= give_up_at_) {
            stop();
            return Event::TimedOut;
        }
        if (now < resend_at_) {
            return Event::None;
        }
        interval_ *= 2;
        if (kind_ != Kind::Invite) {
            interval_ = std::min(interval_, kT2);
        }
        resend_at_ += interval_;
        return Event::Resend;
    }

  private:
    Kind kind_ = Kind::NonInvite;
    std::chrono::milliseconds interval_ = kT1;
    siprec::SteadyTime resend_at_ = kNever;
    siprec::SteadyTime give_up_at_ = kNever;
};

}  // namespace srcsim
