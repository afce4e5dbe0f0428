#pragma once

// A running engine on loopback, a client to send to it, and sinks that note what they get.

#include "packets.hpp"
#include "rtp/engine.hpp"
#include "rtp/udp_socket.hpp"

#include <siprec/clock.hpp>
#include <siprec/log.hpp>
#include <siprec/media_sink.hpp>

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace siprec::test {

/// The machine's clocks, set forward at will.
class ShiftedClock final : public Clock {
  public:
    [[nodiscard]] WallTime now() const noexcept override {
        return system_clock().now() + shift_.load() + step_.load();
    }

    [[nodiscard]] SteadyTime steady_now() const noexcept override {
        return system_clock().steady_now() + shift_.load();
    }

    void advance(std::chrono::nanoseconds by) { shift_ = shift_.load() + by; }

    /// As an administrator or NTP does: of the wall clock alone.
    void step(std::chrono::nanoseconds by) { step_ = step_.load() + by; }

  private:
    std::atomic<std::chrono::nanoseconds> shift_{std::chrono::nanoseconds{0}};
    std::atomic<std::chrono::nanoseconds> step_{std::chrono::nanoseconds{0}};
};

class NotingLogger final : public Logger {
  public:
    void write(LogLevel /*level*/,
               std::string_view /*component*/,
               std::string_view message,
               std::span<const LogField> /*fields*/) noexcept override {
        const std::lock_guard lock(mutex_);
        lines_.emplace_back(message);
    }

    [[nodiscard]] std::size_t count(std::string_view part) const {
        const std::lock_guard lock(mutex_);
        std::size_t found = 0;
        for (const std::string& line : lines_) {
            found += line.find(part) == std::string::npos ? 0U : 1U;
        }
        return found;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

struct Received {
    Bytes bytes;
    std::uint16_t sequence = 0;
    std::uint8_t payload_type = 0;
    WallTime arrival;
    Endpoint source;
    Endpoint local;
};

/// What one stream's sink was given. *Thread-safe.*
class Notes {
  public:
    void rtp(const RtpPacket& packet) {
        const std::lock_guard lock(mutex_);
        rtp_.push_back({.bytes = {packet.bytes.begin(), packet.bytes.end()},
                        .sequence = packet.sequence,
                        .payload_type = packet.payload_type,
                        .arrival = packet.arrival,
                        .source = packet.source,
                        .local = packet.local});
    }

    void rtcp(const RtcpPacket& packet) {
        const std::lock_guard lock(mutex_);
        rtcp_.push_back({.bytes = {packet.bytes.begin(), packet.bytes.end()},
                         .arrival = packet.arrival,
                         .source = packet.source,
                         .local = packet.local});
    }

    void close(const StreamStats& stats, WallTime when) {
        const std::lock_guard lock(mutex_);
        closed_ = stats;
        closed_at_ = when;
    }

    [[nodiscard]] std::vector<Received> packets() const {
        const std::lock_guard lock(mutex_);
        return rtp_;
    }

    [[nodiscard]] std::vector<std::uint16_t> sequences() const {
        std::vector<std::uint16_t> out;
        for (const Received& packet : packets()) {
            out.push_back(packet.sequence);
        }
        return out;
    }

    [[nodiscard]] std::vector<Received> reports() const {
        const std::lock_guard lock(mutex_);
        return rtcp_;
    }

    [[nodiscard]] std::optional<StreamStats> closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

    [[nodiscard]] WallTime closed_at() const {
        const std::lock_guard lock(mutex_);
        return closed_at_;
    }

    std::atomic<int> ticks{0};
    std::atomic<int> changes{0};

  private:
    mutable std::mutex mutex_;
    std::vector<Received> rtp_;
    std::vector<Received> rtcp_;
    std::optional<StreamStats> closed_;
    WallTime closed_at_;
};

class NotingSink final : public MediaSink {
  public:
    explicit NotingSink(std::shared_ptr<Notes> notes) : notes_(std::move(notes)) {}

    void on_rtp(const RtpPacket& packet) override { notes_->rtp(packet); }

    void on_rtcp(const RtcpPacket& packet) override { notes_->rtcp(packet); }

    void on_changed(const StreamInfo& /*stream*/) override { ++notes_->changes; }

    void on_tick(WallTime /*now*/) override { ++notes_->ticks; }

    void on_closed(const StreamStats& stats, WallTime when) override { notes_->close(stats, when); }

  private:
    std::shared_ptr<Notes> notes_;  // shared: the test looks at them when the stream has gone
};

class FunctionTask final : public rtp::Task {
  public:
    using Work = std::function<void(rtp::MediaThread&)>;

    explicit FunctionTask(Work work) : work_(std::move(work)) {}

    void run(rtp::MediaThread& thread) override { work_(thread); }

  private:
    Work work_;
};

/// Asks again and again for up to ten seconds.
inline bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    return true;
}

/// A UDP socket of the client.
class Client {
  public:
    explicit Client(const std::string& address = "127.0.0.1") {
        const IpAddress ip = IpAddress::parse(address).value();
        for (std::uint16_t port = next_port(); !opened_.fd; port = next_port()) {
            endpoint_ = {.address = ip, .port = port};
            opened_ = rtp::open_udp(endpoint_, 65536);
        }
    }

    void send(const Endpoint& to, std::span<const std::byte> bytes) const {
        // No assertion of Catch2's: it is not thread-safe, and media threads send too.
        if (rtp::send_datagram(opened_.fd.get(), to, bytes) != 0) {
            throw std::runtime_error("the client cannot send to " + to.to_string());
        }
    }

    /// Waits for one datagram.
    [[nodiscard]] Bytes receive() const {
        pollfd waiting{.fd = opened_.fd.get(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&waiting, 1, 10'000) == 1);
        Bytes buffer(2048);
        sockaddr_in from{};
        socklen_t from_size = sizeof from;
        const ssize_t size = ::recvfrom(opened_.fd.get(),
                                        buffer.data(),
                                        buffer.size(),
                                        0,
                                        reinterpret_cast<sockaddr*>(&from),
                                        &from_size);
        received_from_ = ntohs(from.sin_port);
        REQUIRE(size >= 0);
        buffer.resize(static_cast<std::size_t>(size));
        return buffer;
    }

    [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

    /// The port that the last datagram came from.
    [[nodiscard]] std::uint16_t received_from() const { return received_from_; }

  private:
    static std::uint16_t next_port() {
        static std::atomic<unsigned> next{static_cast<unsigned>(::getpid())};
        return static_cast<std::uint16_t>(10'000 + next++ % 9'000);
    }

    rtp::OpenedSocket opened_;
    Endpoint endpoint_;
    mutable std::uint16_t received_from_ = 0;
};

/// The first port of `pairs` pairs that nobody on this machine has now.
inline std::uint16_t free_range(unsigned pairs, const std::string& address = "127.0.0.1") {
    static std::atomic<unsigned> next{static_cast<unsigned>(::getpid()) * 16};
    const IpAddress ip = IpAddress::parse(address).value();
    for (int tries = 0; tries < 1000; ++tries) {
        const auto low =
            static_cast<std::uint16_t>(20'000 + next.fetch_add(2 * pairs) % 39'000 / 2 * 2);
        bool all_free = true;
        for (unsigned i = 0; i < 2 * pairs && all_free; ++i) {
            const auto port = static_cast<std::uint16_t>(low + i);
            all_free = static_cast<bool>(rtp::open_udp({.address = ip, .port = port}, 4096).fd);
        }
        if (all_free) {
            return low;
        }
    }
    FAIL("no free range of ports");
    return 0;
}

/// One stream under test.
struct TestStream {
    StreamInfo info;
    std::uint32_t thread = 0;
    rtp::StreamHandle handle{};
    std::shared_ptr<Notes> notes = std::make_shared<Notes>();
};

class EngineFixture {
  public:
    explicit EngineFixture(std::uint32_t threads = 1,
                           unsigned pairs = 4,
                           const std::string& address = "127.0.0.1")
        : address_(IpAddress::parse(address).value()) {
        MediaConfig config;
        config.port_low = free_range(pairs, address);
        config.port_high = static_cast<std::uint16_t>(config.port_low + 2 * pairs - 1);
        config.threads = threads;
        config.poll_interval = std::chrono::microseconds(500);
        auto created = rtp::Engine::create(config, logger, clock);
        REQUIRE(created);
        engine = std::move(*created);
        low = config.port_low;
    }

    /// Runs something on a media thread and waits for it.
    void on_thread(std::uint32_t thread, FunctionTask::Work work) const {
        std::promise<void> done;
        auto finished = done.get_future();
        std::unique_ptr<rtp::Task> task =
            std::make_unique<FunctionTask>([&](rtp::MediaThread& media) {
                work(media);
                done.set_value();
            });
        REQUIRE(engine->post(thread, task));
        REQUIRE(finished.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
    }

    [[nodiscard]] StreamInfo info_for(const rtp::MediaSockets& sockets, bool mux) const {
        StreamInfo info;
        info.id = Uuid::random();
        info.label = "1";
        info.media_type = "audio";
        info.protocol = "RTP/AVP";
        info.formats = {format(0, "PCMU", 8000), format(8, "PCMA", 8000)};
        info.rtcp_mux = mux;
        info.local_rtp = sockets.rtp_endpoint;
        info.local_rtcp = sockets.rtcp_endpoint;
        return info;
    }

    [[nodiscard]] TestStream open(const std::function<void(StreamInfo&)>& adjust = {},
                                  bool mux = false) const {
        auto sockets = engine->open_sockets(address_, mux);
        REQUIRE(sockets);
        TestStream stream;
        stream.info = info_for(*sockets, mux);
        if (adjust) {
            adjust(stream.info);
        }
        stream.thread = engine->pick_thread();
        open_on(stream, std::move(*sockets));
        return stream;
    }

    void open_on(TestStream& stream,
                 rtp::MediaSockets sockets,
                 const srtp::Keying& keying = {}) const {
        on_thread(stream.thread, [&](rtp::MediaThread& thread) {
            fork::Fork fork(null_logger());
            fork.add(std::make_unique<NotingSink>(stream.notes));
            stream.handle =
                thread.open_stream(stream.info, std::move(sockets), std::move(fork), keying);
        });
    }

    void change(const TestStream& stream) const {
        on_thread(stream.thread, [&](rtp::MediaThread& thread) {
            thread.change_stream(stream.handle, stream.info);
        });
    }

    StreamStats close(const TestStream& stream) const {
        on_thread(stream.thread, [&](rtp::MediaThread& thread) {
            thread.close_stream(stream.handle, system_clock().now());
        });
        const auto stats = stream.notes->closed();
        REQUIRE(stats);
        return *stats;
    }

    // Outlive the engine.
    ShiftedClock clock;
    NotingLogger logger;
    std::unique_ptr<rtp::Engine> engine;
    std::uint16_t low = 0;

  private:
    IpAddress address_;
};

}  // namespace siprec::test
