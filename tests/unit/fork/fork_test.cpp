#include "fork/fork.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using siprec::StreamStats;
using siprec::WallTime;

const WallTime kNow{std::chrono::seconds(1'700'000'000)};

struct Calls {
    std::vector<std::string> names;
    StreamStats closed_with;
    WallTime closed_at;
    bool destroyed = false;
};

/// Notes its calls; throws in those named.
class NotingSink final : public siprec::MediaSink {
  public:
    explicit NotingSink(Calls& calls, std::vector<std::string> throws = {})
        : calls_(calls), throws_(std::move(throws)) {}

    NotingSink(const NotingSink&) = delete;
    NotingSink& operator=(const NotingSink&) = delete;

    ~NotingSink() override { calls_.destroyed = true; }

    void on_rtp(const siprec::RtpPacket& /*packet*/) override { note("rtp"); }

    void on_rtcp(const siprec::RtcpPacket& /*packet*/) override { note("rtcp"); }

    void on_changed(const siprec::StreamInfo& /*stream*/) override { note("changed"); }

    void on_tick(WallTime /*now*/) override { note("tick"); }

    void on_closed(const StreamStats& stats, WallTime when) override {
        calls_.closed_with = stats;
        calls_.closed_at = when;
        note("closed");
    }

  private:
    void note(const std::string& name) {
        calls_.names.push_back(name);
        for (const std::string& bad : throws_) {
            if (bad == name) {
                throw std::runtime_error("sink failed in " + name);
            }
        }
    }

    Calls& calls_;
    std::vector<std::string> throws_;
};

class CountingLogger final : public siprec::Logger {
  public:
    void write(siprec::LogLevel level,
               std::string_view /*component*/,
               std::string_view /*message*/,
               std::span<const siprec::LogField> fields) noexcept override {
        errors += level == siprec::LogLevel::Error ? 1 : 0;
        if (!fields.empty()) {
            last_error = std::string(fields.front().value);
        }
    }

    int errors = 0;
    std::string last_error;
};

siprec::RtpPacket packet_at(WallTime arrival) {
    siprec::RtpPacket packet;
    packet.arrival = arrival;
    return packet;
}

}  // namespace

TEST_CASE("fork: every sink gets every call in order", "[unit][fork]") {
    CountingLogger logger;
    Calls first;
    Calls second;
    siprec::fork::Fork fork(logger);
    CHECK(fork.empty());
    fork.add(std::make_unique<NotingSink>(first));
    fork.add(std::make_unique<NotingSink>(second));
    fork.add(nullptr);
    CHECK_FALSE(fork.empty());

    fork.rtp(packet_at(kNow));
    fork.rtcp(siprec::RtcpPacket{});
    fork.changed(siprec::StreamInfo{});
    fork.tick(kNow);
    StreamStats stats;
    stats.packets = 7;
    fork.closed(stats, kNow);

    const std::vector<std::string> all{"rtp", "rtcp", "changed", "tick", "closed"};
    CHECK(first.names == all);
    CHECK(second.names == all);
    CHECK(second.closed_with.packets == 7);
    CHECK(second.closed_at == kNow);
    CHECK(first.destroyed);
    CHECK(fork.empty());
    CHECK(logger.errors == 0);
}

TEST_CASE("fork: a sink that throws is closed and left out while the others go on",
          "[unit][fork]") {
    CountingLogger logger;
    Calls before;
    Calls bad;
    Calls after;
    siprec::fork::Fork fork(logger);
    fork.add(std::make_unique<NotingSink>(before));
    fork.add(std::make_unique<NotingSink>(bad, std::vector<std::string>{"rtp"}));
    fork.add(std::make_unique<NotingSink>(after));

    fork.rtp(packet_at(kNow));
    fork.rtp(packet_at(kNow + std::chrono::seconds(1)));

    CHECK(before.names == std::vector<std::string>{"rtp", "rtp"});
    CHECK(after.names == std::vector<std::string>{"rtp", "rtp"});
    CHECK(bad.names == std::vector<std::string>{"rtp", "closed"});
    CHECK(bad.closed_at == kNow);
    CHECK(bad.destroyed);
    CHECK(logger.errors == 1);
    CHECK(logger.last_error == "sink failed in rtp");
}

TEST_CASE("fork: a sink that throws again when closed harms nobody", "[unit][fork]") {
    CountingLogger logger;
    Calls bad;
    Calls good;
    siprec::fork::Fork fork(logger);
    fork.add(std::make_unique<NotingSink>(bad, std::vector<std::string>{"tick", "closed"}));
    fork.add(std::make_unique<NotingSink>(good));

    fork.tick(kNow);
    CHECK(logger.errors == 2);
    CHECK(bad.destroyed);

    fork.closed(StreamStats{}, kNow);
    CHECK(bad.names == std::vector<std::string>{"tick", "closed"});
    CHECK(good.names == std::vector<std::string>{"tick", "closed"});
}

TEST_CASE("fork: all sinks are closed when the first throws in on_closed", "[unit][fork]") {
    CountingLogger logger;
    Calls bad;
    Calls good;
    siprec::fork::Fork fork(logger);
    fork.add(std::make_unique<NotingSink>(bad, std::vector<std::string>{"closed"}));
    fork.add(std::make_unique<NotingSink>(good));

    fork.closed(StreamStats{}, kNow);
    CHECK(good.names == std::vector<std::string>{"closed"});
    CHECK(logger.errors == 1);
    CHECK(fork.empty());
}
