#include "transaction.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <vector>

using siprec::SteadyTime;
using srcsim::Retransmission;
using std::chrono::milliseconds;

namespace {

// At which milliseconds a message is sent again, up to its time-out, which is the last entry.
std::vector<long> schedule(Retransmission& timer) {
    std::vector<long> times;
    while (timer.is_running()) {
        const SteadyTime at = timer.deadline();
        if (timer.on_timer(at) != Retransmission::Event::None) {
            times.push_back(
                std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count());
        }
    }
    return times;
}

}  // namespace

TEST_CASE("siprec-src retransmission: an INVITE over UDP doubles until timer B",
          "[unit][siprec-src][rfc3261]") {
    Retransmission timer;
    timer.start(Retransmission::Kind::Invite, false, SteadyTime{});
    CHECK(schedule(timer) == std::vector<long>{500, 1500, 3500, 7500, 15500, 31500, 32000});
}

TEST_CASE("siprec-src retransmission: a BYE over UDP doubles up to T2 until timer F",
          "[unit][siprec-src][rfc3261]") {
    Retransmission timer;
    timer.start(Retransmission::Kind::NonInvite, false, SteadyTime{});
    CHECK(
        schedule(timer) ==
        std::vector<long>{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000});
}

TEST_CASE("siprec-src retransmission: nothing is repeated over TCP but the answer to an INVITE",
          "[unit][siprec-src][rfc3261]") {
    Retransmission timer;
    timer.start(Retransmission::Kind::Invite, true, SteadyTime{});
    CHECK(schedule(timer) == std::vector<long>{32000});
    timer.start(Retransmission::Kind::Answer, true, SteadyTime{}, milliseconds{2000});
    CHECK(schedule(timer) == std::vector<long>{500, 1500, 2000});
}

TEST_CASE("siprec-src retransmission: a provisional response ends an INVITE's repeats",
          "[unit][siprec-src][rfc3261]") {
    Retransmission timer;
    timer.start(Retransmission::Kind::Invite, false, SteadyTime{}, milliseconds{5000});
    timer.on_provisional();
    CHECK(schedule(timer) == std::vector<long>{5000});
}

TEST_CASE("siprec-src retransmission: nothing happens before the deadline or after a stop",
          "[unit][siprec-src][rfc3261]") {
    Retransmission timer;
    timer.start(Retransmission::Kind::Invite, false, SteadyTime{});
    CHECK(timer.on_timer(SteadyTime{milliseconds{499}}) == Retransmission::Event::None);
    timer.stop();
    CHECK_FALSE(timer.is_running());
    CHECK(timer.deadline() == srcsim::kNever);
}
