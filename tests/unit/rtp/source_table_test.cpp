#include "rtp/source_table.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using siprec::WallTime;
using siprec::rtp::Arrival;
using siprec::rtp::SeqNum;
using siprec::rtp::SourceTable;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const WallTime kStart{seconds(1'700'000'000)};

Arrival feed(SourceTable& table, std::uint32_t ssrc, int sequence, WallTime when = kStart) {
    return table.on_rtp(ssrc, SeqNum(static_cast<std::uint16_t>(sequence)), 0, 0, when);
}

}  // namespace

TEST_CASE("sources: each SSRC on a port has its own sequence",
          "[unit][rtp][rfc3550][7866-8.2.1-1][7866-8.2-2]") {
    SourceTable table;
    for (int i = 0; i < 10; ++i) {
        CHECK(feed(table, 1, 100 + i) == Arrival::InOrder);
        CHECK(feed(table, 2, 60000 + 2 * i) == Arrival::InOrder);
    }
    CHECK(table.size() == 2);
    // The second never sends two in a row, so it is never valid and nothing of it is missed.
    CHECK(table.reports(kStart).size() == 1);
    CHECK(table.lost() == 0);
    CHECK(table.changes() == 1);
}

TEST_CASE("sources: a change of SSRC is counted once", "[unit][rtp][7866-8.1.3-1]") {
    SourceTable table;
    feed(table, 1, 1);
    feed(table, 1, 2);
    CHECK(table.changes() == 0);
    feed(table, 2, 7);
    feed(table, 2, 8);
    CHECK(table.changes() == 1);
    feed(table, 1, 3);
    CHECK(table.changes() == 1);
}

TEST_CASE("sources: an SSRC that comes back after a long silence is no change", "[unit][rtp]") {
    SourceTable table;
    feed(table, 1, 1);
    table.expire(kStart + seconds(1));
    CHECK(table.size() == 0);
    feed(table, 1, 5000, kStart + seconds(60));
    CHECK(table.changes() == 0);
}

TEST_CASE("sources: a sender report ahead of the first RTP is kept and is no change",
          "[unit][rtp][rfc3550]") {
    SourceTable table;
    table.on_sender_report(1, 0xABCD, kStart);
    CHECK(table.reports(kStart).empty());
    feed(table, 1, 1);
    feed(table, 1, 2);
    CHECK(table.changes() == 0);
    const auto reports = table.reports(kStart + seconds(1));
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].last_sender_report == 0xABCD);
    CHECK(reports[0].delay_since_last_sender_report == 65536);
}

TEST_CASE("sources: loss of those that left stays counted", "[unit][rtp]") {
    SourceTable table;
    feed(table, 1, 1);
    feed(table, 1, 2);
    feed(table, 1, 5);
    CHECK(table.lost() == 2);
    table.remove(1);
    CHECK(table.size() == 0);
    CHECK(table.lost() == 2);
    table.remove(1);
    CHECK(table.lost() == 2);
}

TEST_CASE("sources: the table is bounded and keeps those that send", "[unit][rtp]") {
    SourceTable table;
    WallTime now = kStart;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        now += milliseconds(1);
        feed(table, 7, static_cast<int>(i), now);
        feed(table, 1000 + i, 5, now);
    }
    CHECK(table.size() == SourceTable::kMaxSources);
    const auto reports = table.reports(now);
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].ssrc == 7);
    CHECK(reports[0].extended_highest_sequence == 999);
}

TEST_CASE("sources: jitter is that of the source that sent last", "[unit][rtp]") {
    SourceTable table;
    CHECK(table.jitter().count() == 0);
    table.on_rtp(1, SeqNum(1), 0, 8000, kStart);
    table.on_rtp(1, SeqNum(2), 160, 8000, kStart + milliseconds(100));
    CHECK(table.jitter() == milliseconds(5));
    table.on_rtp(2, SeqNum(1), 0, 8000, kStart);
    CHECK(table.jitter().count() == 0);
    table.remove(2);
    CHECK(table.jitter().count() == 0);
}
