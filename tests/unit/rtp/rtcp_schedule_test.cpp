#include "rtp/rtcp_schedule.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>

using siprec::SteadyTime;
using siprec::rtp::rtcp_interval;
using siprec::rtp::RtcpSchedule;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const SteadyTime kStart{std::chrono::hours(1)};

siprec::rtp::RandomBits constant(std::uint32_t bits) {
    return [bits] { return bits; };
}

}  // namespace

TEST_CASE("rtcp schedule: the interval is at least five seconds and half of it at first",
          "[unit][rtp][rfc3550][3550-6.2-1]") {
    CHECK(rtcp_interval(2, 1, 100, false) == seconds(5));
    CHECK(rtcp_interval(2, 1, 100, true) == milliseconds(2500));
}

TEST_CASE("rtcp schedule: the interval grows with members and size of reports",
          "[unit][rtp][rfc3550][3550-6.2-1]") {
    // All but us send: 33 members share 5 % of 64 kbit/s, 400 bytes a second.
    CHECK(rtcp_interval(33, 32, 800, false) == seconds(66));
    // One in 41 sends: the 40 receivers share three quarters of it.
    CHECK(rtcp_interval(41, 1, 90, false) == seconds(12));
}

TEST_CASE("rtcp schedule: the first report is due at once", "[unit][rtp][rfc3550]") {
    RtcpSchedule schedule(kStart, constant(0));
    CHECK(schedule.due() == kStart);
    CHECK(schedule.expired(kStart, 1, 0));
}

TEST_CASE("rtcp schedule: further reports are 0.5 to 1.5 intervals apart with compensation",
          "[unit][rtp][rfc3550][3550-6.2-1]") {
    struct Row {
        std::uint32_t bits;
        double seconds;
    };

    for (const Row& row :
         {Row{0, 2.5 / 1.21828}, Row{0x80000000, 5 / 1.21828}, Row{0xFFFFFFFF, 7.5 / 1.21828}}) {
        RtcpSchedule schedule(kStart, constant(row.bits));
        schedule.on_sent(kStart, 60, 2, 1);  // initial: half
        const SteadyTime first = schedule.due();
        CHECK(std::chrono::duration<double>(first - kStart).count() ==
              Approx(row.seconds / 2).epsilon(0.001));
        schedule.on_sent(first, 60, 2, 1);
        CHECK(std::chrono::duration<double>(schedule.due() - first).count() ==
              Approx(row.seconds).epsilon(0.001));
    }
}

TEST_CASE("rtcp schedule: a due report is put off when the group has grown",
          "[unit][rtp][rfc3550][3550-6.2-1]") {
    RtcpSchedule schedule(kStart, constant(0x80000000));
    schedule.on_sent(kStart, 800, 2, 1);
    schedule.on_sent(kStart, 800, 2, 1);
    const SteadyTime due = schedule.due();
    CHECK_FALSE(schedule.expired(due - milliseconds(1), 2, 1));
    CHECK_FALSE(schedule.expired(due, 33, 32));
    CHECK(schedule.due() > due + seconds(30));
    CHECK(schedule.expired(schedule.due(), 33, 32));
}

TEST_CASE("rtcp schedule: the mean interval is close to five seconds",
          "[unit][rtp][rfc3550][3550-6.2-1][6263-5-1]") {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same numbers in every run
    RtcpSchedule schedule(kStart, [&random] { return static_cast<std::uint32_t>(random()); });
    SteadyTime now = kStart;
    int sent = 0;
    while (now < kStart + std::chrono::hours(10)) {
        if (schedule.expired(now, 2, 1)) {
            schedule.on_sent(now, 60, 2, 1);
            ++sent;
        }
        now = schedule.due();
    }
    CHECK(sent > 6500);
    CHECK(sent < 8000);
}
