#include "rtp/source_state.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <vector>

using siprec::WallTime;
using siprec::rtp::Arrival;
using siprec::rtp::SeqNum;
using siprec::rtp::SourceState;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const WallTime kStart{seconds(1'700'000'000)};

/// A source of G.711 in packets of 20 ms, each of which arrives when it is due.
class Feed {
  public:
    Arrival operator()(int sequence) {
        const auto value = static_cast<std::uint16_t>(sequence);
        const Arrival arrival = state.on_rtp(SeqNum(value), timestamp_, 8000, now);
        timestamp_ += 160;
        now += milliseconds(20);
        return arrival;
    }

    void run(int first, int count) {
        for (int i = 0; i < count; ++i) {
            (*this)(first + i);
        }
    }

    SourceState state{42};
    WallTime now = kStart;

  private:
    std::uint32_t timestamp_ = 0;
};

}  // namespace

TEST_CASE("source: two packets in sequence make it valid", "[unit][rtp][rfc3550][3550-A.1-1]") {
    Feed feed;
    CHECK_FALSE(feed.state.has_rtp());
    feed(10);
    CHECK(feed.state.has_rtp());
    CHECK_FALSE(feed.state.is_valid());
    feed(12);
    CHECK_FALSE(feed.state.is_valid());
    CHECK(feed.state.lost() == 0);
    feed(13);
    CHECK(feed.state.is_valid());
    CHECK(feed.state.lost() == 0);
}

TEST_CASE("source: packets that never arrive are lost",
          "[unit][rtp][rfc3550][3550-6.4.1-1][7866-8.2-1]") {
    Feed feed;
    feed.run(100, 10);
    feed.run(113, 5);
    CHECK(feed.state.lost() == 3);
    const auto report = feed.state.report(feed.now);
    CHECK(report.ssrc == 42);
    CHECK(report.cumulative_lost == 3);
    CHECK(report.extended_highest_sequence == 117);
    CHECK(report.fraction_lost == 3 * 256 / 18);
}

TEST_CASE("source: the fraction lost is that of its interval only",
          "[unit][rtp][rfc3550][3550-6.4.1-1]") {
    Feed feed;
    feed.run(1, 2);
    feed.run(5, 2);
    CHECK(feed.state.report(feed.now).fraction_lost == 2 * 256 / 6);
    feed.run(7, 10);
    const auto report = feed.state.report(feed.now);
    CHECK(report.fraction_lost == 0);
    CHECK(report.cumulative_lost == 2);
}

TEST_CASE("source: duplicates make the loss negative", "[unit][rtp][rfc3550][3550-6.4.1-1]") {
    Feed feed;
    feed.run(1, 5);
    CHECK(feed(5) == Arrival::Duplicate);
    CHECK(feed(3) == Arrival::Duplicate);
    CHECK(feed.state.lost() == -2);
    const auto report = feed.state.report(feed.now);
    CHECK(report.cumulative_lost == -2);
    CHECK(report.fraction_lost == 0);
}

TEST_CASE("source: the second of two equal first packets is a duplicate", "[unit][rtp]") {
    Feed feed;
    CHECK(feed(1) == Arrival::InOrder);
    CHECK(feed(1) == Arrival::Duplicate);
    CHECK(feed(2) == Arrival::InOrder);
    CHECK(feed.state.is_valid());
}

TEST_CASE("source: a late packet is reordered once and then a duplicate", "[unit][rtp]") {
    Feed feed;
    feed.run(1, 3);
    feed.run(5, 3);
    CHECK(feed.state.lost() == 1);
    CHECK(feed(4) == Arrival::Reordered);
    CHECK(feed.state.lost() == 0);
    CHECK(feed(4) == Arrival::Duplicate);
    CHECK(feed(8) == Arrival::InOrder);
}

TEST_CASE("source: lateness is judged across the wrap up to 99 packets", "[unit][rtp]") {
    Feed feed;
    feed.run(65500, 30);
    feed.run(65532, 60);  // 65530 and 65531 are missing; ends at 55
    CHECK(feed.state.lost() == 2);
    CHECK(feed(65530) == Arrival::Reordered);
    CHECK(feed.state.lost() == 1);
    feed.run(56, 74);  // 65531 is now 134 packets back, which is no lateness but a jump
    CHECK(feed(65531) == Arrival::InOrder);
    CHECK(feed.state.lost() == 1);
}

TEST_CASE("source: the extended sequence number counts wraps",
          "[unit][rtp][rfc3550][3550-6.4.1-1]") {
    Feed feed;
    feed.run(65530, 12);
    auto report = feed.state.report(feed.now);
    CHECK(report.extended_highest_sequence == 65536 + 5);
    CHECK(report.cumulative_lost == 0);
    feed.run(6, 65536);
    report = feed.state.report(feed.now);
    CHECK(report.extended_highest_sequence == 2 * 65536 + 5);
    CHECK(feed.state.lost() == 0);
}

TEST_CASE("source: a run may begin on the wrap itself", "[unit][rtp][rfc3550]") {
    Feed feed;
    feed.run(65535, 4);
    CHECK(feed.state.lost() == 0);
    CHECK(feed.state.report(feed.now).extended_highest_sequence == 65536 + 2);
}

TEST_CASE("source: one packet far off changes nothing and two in a row restart it",
          "[unit][rtp][rfc3550][3550-A.1-1][7866-8.1.3-1]") {
    Feed feed;
    feed.run(100, 10);
    feed.run(111, 9);  // 110 is lost
    CHECK(feed(30000) == Arrival::InOrder);
    CHECK(feed(120) == Arrival::InOrder);
    CHECK(feed.state.report(feed.now).extended_highest_sequence == 120);
    feed(40000);
    feed(40001);
    feed(40002);
    const auto report = feed.state.report(feed.now);
    CHECK(report.extended_highest_sequence == 40002);
    CHECK(report.cumulative_lost == 0);
    // What was lost before the restart stays in the statistics.
    CHECK(feed.state.lost() == 1);
}

TEST_CASE("source: the limits of dropout and misorder are those of RFC 3550",
          "[unit][rtp][rfc3550][3550-A.1-1]") {
    SECTION("2999 ahead is loss") {
        Feed feed;
        feed.run(1, 2);
        feed(2 + 2999);
        CHECK(feed.state.lost() == 2998);
    }
    SECTION("3000 ahead is a jump") {
        Feed feed;
        feed.run(1, 2);
        feed(2 + 3000);
        CHECK(feed.state.lost() == 0);
    }
    SECTION("99 behind is late") {
        Feed feed;
        feed.run(1000, 2);
        CHECK(feed(1001 - 99) == Arrival::Reordered);
        CHECK(feed.state.lost() == -1);
    }
    SECTION("100 behind is a jump") {
        Feed feed;
        feed.run(1000, 2);
        CHECK(feed(1001 - 100) == Arrival::InOrder);
        CHECK(feed.state.lost() == 0);
    }
}

TEST_CASE("source: cumulative loss is clamped to 24 bits", "[unit][rtp][rfc3550]") {
    SourceState state(1);
    std::uint16_t sequence = 0;
    state.on_rtp(SeqNum(sequence), 0, 0, kStart);
    state.on_rtp(SeqNum(++sequence), 0, 0, kStart);
    for (int i = 0; i < 3000; ++i) {
        sequence = static_cast<std::uint16_t>(sequence + 2999);
        state.on_rtp(SeqNum(sequence), 0, 0, kStart);
    }
    CHECK(state.lost() == 3000 * 2998);
    CHECK(state.report(kStart).cumulative_lost == 0x7FFFFF);
}

TEST_CASE("source: jitter follows the integer formula", "[unit][rtp][rfc3550][3550-6.4.1-1]") {
    SourceState state(1);
    WallTime arrival = kStart;
    std::uint32_t timestamp = 0xFFFFFF00;  // wraps on the way
    std::uint32_t expected = 0;
    std::vector<int> late_ticks{0, 8, 0, 40, 16, 16, 0};
    for (std::size_t i = 0; i < late_ticks.size(); ++i) {
        state.on_rtp(SeqNum(static_cast<std::uint16_t>(i)),
                     timestamp,
                     8000,
                     arrival + microseconds(125) * late_ticks[i]);
        if (i > 0) {
            const auto d = static_cast<std::uint32_t>(std::abs(late_ticks[i] - late_ticks[i - 1]));
            expected += d - ((expected + 8) >> 4U);
        }
        timestamp += 160;
        arrival += milliseconds(20);
    }
    REQUIRE(expected > 16);
    CHECK(state.report(arrival).jitter == expected >> 4U);
    CHECK(state.jitter() == microseconds(125) * (expected >> 4U));
}

TEST_CASE("source: packets without a clock leave jitter alone", "[unit][rtp]") {
    SourceState state(1);
    for (std::uint16_t i = 0; i < 10; ++i) {
        state.on_rtp(SeqNum(i), 160U * i, 8000, kStart + milliseconds(20) * i);
    }
    state.on_rtp(SeqNum(10), 999'999, 0, kStart + seconds(9));
    CHECK(state.jitter().count() == 0);
}

TEST_CASE("source: a change of clock rate starts jitter anew", "[unit][rtp]") {
    SourceState state(1);
    state.on_rtp(SeqNum(1), 0, 8000, kStart);
    state.on_rtp(SeqNum(2), 160, 8000, kStart + milliseconds(90));
    CHECK(state.jitter() > milliseconds(4));
    state.on_rtp(SeqNum(3), 0, 48000, kStart + milliseconds(110));
    CHECK(state.jitter().count() == 0);
    state.on_rtp(SeqNum(4), 960, 48000, kStart + milliseconds(130));
    CHECK(state.jitter().count() == 0);
}

TEST_CASE("source: LSR and DLSR echo the last sender report", "[unit][rtp][rfc3550]") {
    Feed feed;
    feed.run(1, 3);
    CHECK(feed.state.report(feed.now).last_sender_report == 0);
    feed.state.on_sender_report(0xAABBCCDD, kStart);
    const auto report = feed.state.report(kStart + milliseconds(2500));
    CHECK(report.last_sender_report == 0xAABBCCDD);
    CHECK(report.delay_since_last_sender_report == 65536 * 5 / 2);
}

TEST_CASE("source: it is reported only when heard since the last report", "[unit][rtp][rfc3550]") {
    Feed feed;
    feed(1);
    CHECK_FALSE(feed.state.is_reportable());
    feed(2);
    CHECK(feed.state.is_reportable());
    static_cast<void>(feed.state.report(feed.now));
    CHECK_FALSE(feed.state.is_reportable());
    feed(3);
    CHECK(feed.state.is_reportable());
}
