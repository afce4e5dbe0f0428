#include "rtp/engine.hpp"

#include "engine_fixture.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

using siprec::Endpoint;
using siprec::StreamInfo;
using siprec::WallTime;
using siprec::rtp::MediaThread;
using siprec::test::Bytes;
using siprec::test::bytes;
using siprec::test::Client;
using siprec::test::EngineFixture;
using siprec::test::eventually;
using siprec::test::FunctionTask;
using siprec::test::TestStream;

namespace {

using namespace std::chrono_literals;

Bytes packet(int sequence, std::uint8_t payload_type = 0) {
    return siprec::test::rtp({.sequence = static_cast<std::uint16_t>(sequence),
                              .timestamp = static_cast<std::uint32_t>(sequence) * 160,
                              .payload_type = payload_type});
}

void send_run(const Client& client, const Endpoint& to, int first, int count) {
    for (int i = 0; i < count; ++i) {
        client.send(to, packet(first + i));
    }
}

std::vector<std::uint16_t> run_of(int first, std::size_t count) {
    std::vector<std::uint16_t> sequences(count);
    std::iota(sequences.begin(), sequences.end(), static_cast<std::uint16_t>(first));
    return sequences;
}

}  // namespace

TEST_CASE("engine: packets reach the sink in order with time and addresses",
          "[unit][rtp][engine][7866-7.1-1]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    const WallTime before = siprec::system_clock().now();
    send_run(client, stream.info.local_rtp, 65530, 100);
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 100; }));
    const WallTime after = siprec::system_clock().now();

    CHECK(stream.notes->sequences() == run_of(65530, 100));
    const auto first = stream.notes->packets().front();
    CHECK(first.bytes == packet(65530));
    CHECK(first.source == client.endpoint());
    CHECK(first.local == stream.info.local_rtp);
    CHECK(first.arrival >= before);
    CHECK(first.arrival <= after);

    const auto stats = f.close(stream);
    CHECK(stats.packets == 100);
    CHECK(stats.bytes == 100 * 172);
    CHECK(stats.lost == 0);
    CHECK(stats.duplicates == 0);
    CHECK(stats.reordered == 0);
    CHECK(stats.ssrc_changes == 0);
}

TEST_CASE("engine: loss and duplicates and reordering and unknown types are counted and handed on",
          "[unit][rtp][engine][3550-5.1-1][7866-8.2-1]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    for (const int sequence : {1, 2, 3, 3, 6, 5, 7}) {
        client.send(stream.info.local_rtp, packet(sequence));
    }
    client.send(stream.info.local_rtp, packet(8, 77));
    client.send(stream.info.local_rtp, siprec::test::rtp({.sequence = 9, .ssrc = 99}));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 9; }));
    const auto stats = f.close(stream);
    CHECK(stats.packets == 9);
    CHECK(stats.duplicates == 1);
    CHECK(stats.reordered == 1);
    CHECK(stats.lost == 0);  // one missing, one twice
    CHECK(stats.unknown_payload == 1);
    CHECK(stats.ssrc_changes == 1);
}

TEST_CASE("engine: media that came before the stream opened is not lost",
          "[unit][rtp][rfc3264][3264-6.1-3]") {
    const EngineFixture f;
    const Client client;
    auto sockets = f.engine->open_sockets(siprec::IpAddress::parse("127.0.0.1").value(), false);
    REQUIRE(sockets);
    TestStream stream;
    stream.info = f.info_for(*sockets, false);
    send_run(client, stream.info.local_rtp, 1, 50);
    f.open_on(stream, std::move(*sockets));
    CHECK(eventually([&] { return stream.notes->packets().size() == 50; }));
}

TEST_CASE("engine: what waits in the sockets is read before they close", "[unit][rtp][engine]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    const WallTime when{std::chrono::seconds(1'700'000'000)};
    f.on_thread(stream.thread, [&](MediaThread& thread) {
        send_run(client, stream.info.local_rtp, 1, 100);
        client.send(stream.info.local_rtcp, siprec::test::sender_report(1, 2, 3));
        thread.close_stream(stream.handle, when);
        thread.close_stream(stream.handle, when);
    });
    CHECK(stream.notes->sequences() == run_of(1, 100));
    CHECK(stream.notes->reports().size() == 1);
    REQUIRE(stream.notes->closed());
    CHECK(stream.notes->closed()->packets == 100);
    CHECK(stream.notes->closed_at() == when);
    CHECK(f.engine->stats().ports_in_use == 0);
}

TEST_CASE("engine: the largest datagrams arrive uncut", "[unit][rtp][engine]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    const Bytes large = siprec::test::rtp({.sequence = 1, .payload_bytes = 65'507 - 12});
    client.send(stream.info.local_rtp, large);
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
    CHECK(stream.notes->packets().front().bytes == large);
}

TEST_CASE("engine: what is neither RTP nor RTCP is counted and logged once a second",
          "[unit][rtp][rfc7983][7983-7-1]") {
    EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    for (int i = 0; i < 5; ++i) {
        client.send(stream.info.local_rtp, bytes({0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42}));
    }
    client.send(stream.info.local_rtp, bytes({0x80, 0}));
    client.send(stream.info.local_rtcp, bytes({0x80, 200, 0, 6}));
    client.send(stream.info.local_rtcp, packet(1));
    client.send(stream.info.local_rtp, packet(2));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
    f.clock.advance(std::chrono::seconds(1));
    f.on_thread(stream.thread, [](MediaThread&) {});
    REQUIRE(eventually([&] { return stream.notes->ticks == 1; }));
    const auto stats = f.close(stream);
    CHECK(stats.dropped_malformed == 8);
    CHECK(stats.packets == 1);
    CHECK(f.logger.count("neither RTP nor RTCP") == 1);
}

TEST_CASE("engine: strangers are dropped after the latch and other ports are not",
          "[unit][rtp][latch]") {
    const EngineFixture f;
    const Client client;
    const Client same_host;
    const Client stranger("127.0.0.2");
    const TestStream stream =
        f.open([&](StreamInfo& info) { info.remote_rtp = client.endpoint(); });
    client.send(stream.info.local_rtp, packet(1));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
    stranger.send(stream.info.local_rtp, packet(100));
    stranger.send(stream.info.local_rtp, packet(101));
    stranger.send(stream.info.local_rtcp, siprec::test::bye(1));
    same_host.send(stream.info.local_rtp, packet(2));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 2; }));
    const auto stats = f.close(stream);
    CHECK(stats.dropped_stranger == 3);
    CHECK(stream.notes->sequences() == run_of(1, 2));
    CHECK(stream.notes->reports().empty());
}

TEST_CASE("engine: a new offer lets a new address in at once", "[unit][rtp][latch][3264-8.3-1]") {
    const EngineFixture f;
    const Client first;
    const Client second("127.0.0.2");
    TestStream stream = f.open([&](StreamInfo& info) { info.remote_rtp = first.endpoint(); });
    first.send(stream.info.local_rtp, packet(1));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
    stream.info.remote_rtp = second.endpoint();
    f.change(stream);
    CHECK(stream.notes->changes == 1);
    second.send(stream.info.local_rtp, packet(2));
    CHECK(eventually([&] { return stream.notes->packets().size() == 2; }));
    first.send(stream.info.local_rtp, packet(3));
    CHECK(f.close(stream).dropped_stranger == 1);
}

TEST_CASE("engine: nothing is handed on while the stream is inactive",
          "[unit][rtp][rfc7866][7866-7.1.1.1-3][8068-R5]") {
    const EngineFixture f;
    const Client client;
    TestStream stream = f.open();
    send_run(client, stream.info.local_rtp, 1, 3);
    stream.info.direction = siprec::sdp::Direction::Inactive;
    stream.info.since = siprec::system_clock().now();
    f.change(stream);  // the three before belong to the record
    CHECK(stream.notes->sequences() == run_of(1, 3));
    send_run(client, stream.info.local_rtp, 4, 5);
    stream.info.direction = siprec::sdp::Direction::RecvOnly;
    stream.info.since = siprec::system_clock().now();
    f.change(stream);  // the five before do not
    send_run(client, stream.info.local_rtp, 9, 2);
    const auto stats = f.close(stream);
    CHECK(stream.notes->sequences() == std::vector<std::uint16_t>{1, 2, 3, 9, 10});
    CHECK(stats.packets == 5);
    CHECK(stats.dropped_inactive == 5);
    CHECK(stats.lost == 0);
}

TEST_CASE("engine: a pause holds from its message when the thread comes to it late",
          "[unit][rtp][rfc7866][7866-7.1.1.1-3]") {
    const EngineFixture f;
    const Client client;
    TestStream stream = f.open();
    f.on_thread(stream.thread, [&](MediaThread& thread) {  // which reads no socket meanwhile
        send_run(client, stream.info.local_rtp, 1, 3);
        stream.info.direction = siprec::sdp::Direction::Inactive;
        stream.info.since = siprec::system_clock().now();
        send_run(client, stream.info.local_rtp, 4, 2);
        thread.change_stream(stream.handle, stream.info);
        send_run(client, stream.info.local_rtp, 6, 3);
        stream.info.direction = siprec::sdp::Direction::RecvOnly;
        stream.info.since = siprec::system_clock().now();
        send_run(client, stream.info.local_rtp, 9, 2);
        thread.change_stream(stream.handle, stream.info);
    });
    f.close(stream);
    CHECK(stream.notes->sequences() == std::vector<std::uint16_t>{1, 2, 3, 9, 10});
}

TEST_CASE("engine: last_heard tells of media from the client only, whatever the wall clock does",
          "[unit][rtp][engine]") {
    EngineFixture f;
    const Client client;
    const Client stranger("127.0.0.2");
    const TestStream stream =
        f.open([&](StreamInfo& info) { info.remote_rtp = client.endpoint(); });
    const auto silence = [&] {
        std::optional<std::chrono::nanoseconds> since;
        f.on_thread(stream.thread, [&](MediaThread& thread) {
            if (const auto heard = thread.last_heard(stream.handle)) {
                since = thread.steady_now() - *heard;
            }
        });
        return since;
    };
    CHECK_FALSE(silence());
    client.send(stream.info.local_rtp, packet(1));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
    REQUIRE(silence());
    CHECK(*silence() < 2s);
    // The tick of the second in which it was heard is over.
    REQUIRE(eventually([&] { return *silence() > 1ms; }));
    f.clock.advance(1min);
    stranger.send(stream.info.local_rtp, packet(9));
    CHECK(*silence() >= 1min);
    f.clock.advance(10s);
    CHECK(*silence() >= 70s);
    f.clock.step(24h);
    CHECK(*silence() < 5min);
    f.close(stream);
    CHECK_FALSE(silence());
}

TEST_CASE("engine: ports run out with the range named and come back", "[unit][rtp][engine]") {
    const EngineFixture f(1, 2);
    const auto address = siprec::IpAddress::parse("127.0.0.1").value();
    auto first = f.engine->open_sockets(address, false);
    auto second = f.engine->open_sockets(address, true);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->rtp_endpoint.port % 2 == 0);
    CHECK(first->rtcp_endpoint.port == first->rtp_endpoint.port + 1);
    CHECK(second->rtcp_endpoint == second->rtp_endpoint);
    CHECK_FALSE(second->rtcp);
    CHECK(f.engine->stats().ports_in_use == 2);
    CHECK(f.engine->stats().ports_total == 2);

    const auto third = f.engine->open_sockets(address, false);
    REQUIRE_FALSE(third);
    CHECK(third.error().code() == siprec::ErrorCode::ResourceExhausted);
    CHECK(third.error().message().find(std::to_string(f.low)) != std::string::npos);

    *first = siprec::rtp::MediaSockets{};
    const auto again = f.engine->open_sockets(address, false);
    REQUIRE(again);
    CHECK(again->rtp_endpoint.port == f.low);
}

TEST_CASE("engine: a pair that another program has is passed over", "[unit][rtp][engine]") {
    const EngineFixture f(1, 3);
    const auto address = siprec::IpAddress::parse("127.0.0.1").value();
    const auto odd = static_cast<std::uint16_t>(f.low + 1);
    const auto taken = siprec::rtp::open_udp({.address = address, .port = odd}, 4096);
    REQUIRE(taken.fd);
    const auto first = f.engine->open_sockets(address, false);
    const auto second = f.engine->open_sockets(address, false);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->rtp_endpoint.port == f.low + 2);
    CHECK(second->rtp_endpoint.port == f.low + 4);
    const auto third = f.engine->open_sockets(address, false);
    REQUIRE_FALSE(third);
    CHECK(third.error().code() == siprec::ErrorCode::ResourceExhausted);
    CHECK(f.engine->stats().ports_in_use == 2);
}

TEST_CASE("engine: an address that is not ours is an error of the system", "[unit][rtp][engine]") {
    const EngineFixture f;
    const auto sockets =
        f.engine->open_sockets(siprec::IpAddress::parse("192.0.2.1").value(), false);
    REQUIRE_FALSE(sockets);
    CHECK(sockets.error().code() == siprec::ErrorCode::Io);
    CHECK(sockets.error().message().find("192.0.2.1") != std::string::npos);
}

TEST_CASE("engine: bad port ranges are refused", "[unit][rtp][engine]") {
    struct Row {
        std::uint16_t low;
        std::uint16_t high;
    };

    for (const Row& row : {Row{20001, 20011}, Row{20000, 20010}, Row{20010, 20001}, Row{0, 101}}) {
        siprec::MediaConfig config;
        config.port_low = row.low;
        config.port_high = row.high;
        const auto engine =
            siprec::rtp::Engine::create(config, siprec::null_logger(), siprec::system_clock());
        REQUIRE_FALSE(engine);
        CHECK(engine.error().code() == siprec::ErrorCode::InvalidArgument);
    }
}

TEST_CASE("engine: media arrives over IPv6", "[unit][rtp][engine]") {
    const auto probe = siprec::rtp::open_udp(
        {.address = siprec::IpAddress::parse("::1").value(), .port = 0}, 4096);
    if (!probe.fd) {
        WARN("skipped: this machine has no IPv6 loopback");
        return;
    }
    const EngineFixture f(1, 2, "::1");
    const Client client("::1");
    const TestStream stream = f.open();
    client.send(stream.info.local_rtp, packet(1));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
    CHECK(stream.notes->packets().front().source == client.endpoint());
}

TEST_CASE("engine: tasks of one poster run in order and a task that throws stops nothing",
          "[unit][rtp][engine]") {
    const EngineFixture f;
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(f.engine->post_always(0, std::make_unique<FunctionTask>([&order, i](MediaThread&) {
                                          order.push_back(i);
                                          if (i == 50) {
                                              throw std::runtime_error("a bad task");
                                          }
                                      })));
    }
    f.on_thread(0, [](MediaThread&) {});
    CHECK(order.size() == 100);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(f.logger.count("media task threw") == 1);
}

TEST_CASE("engine: run_after waits for its time", "[unit][rtp][engine]") {
    EngineFixture f;
    std::atomic<int> runs{0};
    f.on_thread(0, [&](MediaThread& thread) {
        thread.run_after(std::chrono::seconds(30),
                         std::make_unique<FunctionTask>([&](MediaThread&) { ++runs; }));
        thread.run_after(std::chrono::milliseconds(1),
                         std::make_unique<FunctionTask>([&](MediaThread&) { runs += 10; }));
    });
    CHECK(eventually([&] { return runs == 10; }));
    f.clock.advance(std::chrono::seconds(30));
    f.on_thread(0, [](MediaThread&) {});
    CHECK(eventually([&] { return runs == 11; }));
}

TEST_CASE("engine: sinks get a tick in each second with media or without", "[unit][rtp][engine]") {
    EngineFixture f;
    const TestStream stream = f.open();
    for (int second = 1; second <= 3; ++second) {
        f.clock.advance(std::chrono::seconds(1));
        f.on_thread(0, [](MediaThread&) {});
        CHECK(eventually([&] { return stream.notes->ticks == second; }));
    }
}

TEST_CASE("engine: stop runs what was posted and closes what is open", "[unit][rtp][engine]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    send_run(client, stream.info.local_rtp, 1, 10);
    int runs = 0;
    for (int i = 0; i < 10; ++i) {
        REQUIRE(f.engine->post_always(
            0, std::make_unique<FunctionTask>([&](MediaThread& thread) {
                ++runs;
                thread.run_after(std::chrono::hours(1),
                                 std::make_unique<FunctionTask>([&](MediaThread&) { ++runs; }));
            })));
    }
    f.engine->stop();
    CHECK(runs == 10);
    REQUIRE(stream.notes->closed());
    CHECK(stream.notes->closed()->packets == 10);
    CHECK(f.engine->stats().streams_active == 0);
    CHECK(f.engine->stats().ports_in_use == 0);
    CHECK(f.engine->stats().media.packets == 10);

    f.engine->stop();
    std::unique_ptr<siprec::rtp::Task> late = std::make_unique<FunctionTask>([](MediaThread&) {});
    CHECK_FALSE(f.engine->post(0, late));
    CHECK(late);
    CHECK_FALSE(f.engine->post_always(0, std::move(late)));
}

TEST_CASE("engine: many streams on four threads lose nothing", "[unit][rtp][engine]") {
    constexpr unsigned kStreams = 32;
    constexpr int kPackets = 50;
    const EngineFixture f(4, kStreams);
    REQUIRE(f.engine->thread_count() == 4);
    const Client client;
    std::vector<TestStream> streams;
    std::vector<unsigned> per_thread(4);
    for (unsigned i = 0; i < kStreams; ++i) {
        streams.push_back(f.open());
        ++per_thread.at(streams.back().thread);
    }
    CHECK(per_thread == std::vector<unsigned>(4, kStreams / 4));
    CHECK(f.engine->stats().streams_active == kStreams);
    for (int i = 0; i < kPackets; ++i) {
        for (const TestStream& stream : streams) {
            client.send(stream.info.local_rtp, packet(i));
        }
    }
    for (const TestStream& stream : streams) {
        const auto stats = f.close(stream);
        CHECK(stats.packets == kPackets);
        CHECK(stream.notes->sequences() == run_of(0, kPackets));
    }
    const auto stats = f.engine->stats();
    CHECK(stats.streams_active == 0);
    CHECK(stats.media.packets == kStreams * kPackets);
    CHECK(stats.media.bytes == kStreams * kPackets * 172);
    CHECK(stats.media.jitter.count() == 0);
}

TEST_CASE("engine: the statistics of open streams are published each second",
          "[unit][rtp][engine]") {
    EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    send_run(client, stream.info.local_rtp, 1, 2);
    client.send(stream.info.local_rtp, packet(5));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 3; }));
    f.clock.advance(std::chrono::seconds(1));
    f.on_thread(0, [](MediaThread&) {});
    REQUIRE(eventually([&] { return f.engine->stats().media.packets == 3; }));
    CHECK(f.engine->stats().media.lost == 2);
    f.close(stream);
    CHECK(f.engine->stats().media.packets == 3);
    CHECK(f.engine->stats().media.lost == 2);
}
