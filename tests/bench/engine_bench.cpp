// CPU time a received RTP packet costs: a bare loop of epoll and recvfrom, which is the floor,
// against the engine with a sink that only counts. A thread of the same process sends G.711 packets
// to many loopback ports at the pace of as many calls; its time is not counted.
//
//   engine_bench [--streams N] [--seconds S] [--json FILE]
#include "rtp/engine.hpp"
#include "rtp/udp_socket.hpp"

#include <siprec/clock.hpp>
#include <siprec/log.hpp>
#include <siprec/media_sink.hpp>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using siprec::Endpoint;
using siprec::IpAddress;
using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kPacketTime{20};
constexpr std::chrono::microseconds kNap{4000};

struct Options {
    unsigned streams = 500;
    unsigned seconds = 5;
    std::string json;
};

struct Measured {
    std::uint64_t packets = 0;
    nanoseconds cpu{0};

    [[nodiscard]] double per_packet() const {
        return packets == 0 ? 0 : static_cast<double>(cpu.count()) / static_cast<double>(packets);
    }
};

[[noreturn]] void fail(std::string_view why) {
    fmt::print(stderr, "engine_bench: {}\n", why);
    std::exit(1);
}

/// CPU time of the calling thread.
nanoseconds thread_cpu() {
    timespec time{};
    if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) {
        fail("no thread CPU clock");
    }
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

/// Sends one packet to each target every 20 ms.
std::uint64_t generate(const std::vector<Endpoint>& targets, unsigned seconds) {
    const auto socket = siprec::rtp::open_udp({.address = targets.front().address, .port = 0},
                                              std::size_t{1} << 16U);
    if (!socket.fd) {
        fail("cannot open the sender's socket");
    }
    std::array<std::byte, 172> packet{};
    packet[0] = std::byte{0x80};
    std::uint64_t sent = 0;
    const unsigned rounds = seconds * 1000 / static_cast<unsigned>(kPacketTime.count());
    auto due = std::chrono::steady_clock::now();
    for (unsigned round = 0; round < rounds; ++round) {
        packet[2] = static_cast<std::byte>(round >> 8U);
        packet[3] = static_cast<std::byte>(round & 0xFFU);
        for (const Endpoint& target : targets) {
            sent += siprec::rtp::send_datagram(socket.fd.get(), target, packet) == 0 ? 1U : 0U;
        }
        due += kPacketTime;
        std::this_thread::sleep_until(due);
    }
    return sent;
}

/// The floor: no addresses, no times, no parsing.
Measured measure_floor(const std::vector<int>& sockets, const std::atomic<bool>& stop) {
    const siprec::base::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    for (const int fd : sockets) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
            fail("epoll_ctl");
        }
    }
    std::vector<epoll_event> events(512);
    std::array<std::byte, 2048> buffer{};
    Measured measured;
    const nanoseconds start = thread_cpu();
    while (!stop.load(std::memory_order_relaxed)) {
        int ready = 0;
        do {
            ready = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 0);
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                const ssize_t got =
                    ::recvfrom(fd, buffer.data(), buffer.size(), MSG_DONTWAIT, nullptr, nullptr);
                measured.packets += got > 0 ? 1U : 0U;
            }
        } while (ready == static_cast<int>(events.size()));
        std::this_thread::sleep_for(kNap);
    }
    measured.cpu = thread_cpu() - start;
    return measured;
}

class CountingSink final : public siprec::MediaSink {
  public:
    explicit CountingSink(std::uint64_t& packets) : packets_(packets) {}

    void on_rtp(const siprec::RtpPacket& /*packet*/) override { ++packets_; }

  private:
    std::uint64_t& packets_;
};

class FunctionTask final : public siprec::rtp::Task {
  public:
    explicit FunctionTask(std::function<void(siprec::rtp::MediaThread&)> work)
        : work_(std::move(work)) {}

    void run(siprec::rtp::MediaThread& thread) override { work_(thread); }

  private:
    std::function<void(siprec::rtp::MediaThread&)> work_;
};

void on_thread(siprec::rtp::Engine& engine,
               const std::function<void(siprec::rtp::MediaThread&)>& work) {
    std::promise<void> done;
    auto posted =
        engine.post_always(0, std::make_unique<FunctionTask>([&](siprec::rtp::MediaThread& thread) {
                               work(thread);
                               done.set_value();
                           }));
    if (!posted) {
        fail("the engine takes no tasks");
    }
    done.get_future().wait();
}

std::unique_ptr<siprec::rtp::Engine> make_engine() {
    siprec::MediaConfig config;
    config.threads = 1;
    config.poll_interval = kNap;
    auto engine =
        siprec::rtp::Engine::create(config, siprec::null_logger(), siprec::system_clock());
    if (!engine) {
        fail(engine.error().to_string());
    }
    return std::move(*engine);
}

std::vector<siprec::rtp::MediaSockets> open_all(siprec::rtp::Engine& engine, unsigned streams) {
    const IpAddress loopback = IpAddress::v4({127, 0, 0, 1});
    std::vector<siprec::rtp::MediaSockets> all;
    for (unsigned i = 0; i < streams; ++i) {
        auto sockets = engine.open_sockets(loopback, true);
        if (!sockets) {
            fail(sockets.error().to_string());
        }
        all.push_back(std::move(*sockets));
    }
    return all;
}

std::vector<Endpoint> targets_of(const std::vector<siprec::rtp::MediaSockets>& sockets) {
    std::vector<Endpoint> targets;
    targets.reserve(sockets.size());
    for (const auto& one : sockets) {
        targets.push_back(one.rtp_endpoint);
    }
    return targets;
}

Measured run_floor(const Options& options, std::uint64_t& sent) {
    const auto engine = make_engine();
    const auto sockets = open_all(*engine, options.streams);
    std::vector<int> fds;
    fds.reserve(sockets.size());
    for (const auto& one : sockets) {
        fds.push_back(one.rtp.get());
    }
    std::atomic<bool> stop{false};
    auto measured = std::async(std::launch::async, [&] { return measure_floor(fds, stop); });
    sent = generate(targets_of(sockets), options.seconds);
    std::this_thread::sleep_for(10 * kNap);
    stop = true;
    return measured.get();
}

Measured run_engine(const Options& options, std::uint64_t& sent) {
    const auto engine = make_engine();
    auto sockets = open_all(*engine, options.streams);
    const auto targets = targets_of(sockets);
    std::uint64_t packets = 0;
    nanoseconds start{0};
    Measured measured;
    on_thread(*engine, [&](siprec::rtp::MediaThread& thread) {
        for (auto& one : sockets) {
            siprec::StreamInfo info;
            siprec::PayloadFormat pcmu;
            pcmu.encoding = "PCMU";
            info.formats.push_back(pcmu);
            info.local_rtp = one.rtp_endpoint;
            siprec::fork::Fork fork(siprec::null_logger());
            fork.add(std::make_unique<CountingSink>(packets));
            thread.open_stream(std::move(info), std::move(one), std::move(fork), {});
        }
        start = thread_cpu();
    });
    sent = generate(targets, options.seconds);
    std::this_thread::sleep_for(10 * kNap);
    on_thread(*engine, [&](siprec::rtp::MediaThread& /*thread*/) {
        measured = {.packets = packets, .cpu = thread_cpu() - start};
    });
    engine->stop();
    return measured;
}

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end && value > 0 ? std::optional(value) : std::nullopt;
}

Options parse_options(const std::vector<std::string_view>& arguments) {
    constexpr std::string_view kUsage =
        "usage: engine_bench [--streams N] [--seconds S] [--json FILE]";
    Options options;
    for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
        const auto value = number(arguments[i + 1]);
        if (arguments[i] == "--json") {
            options.json = arguments[i + 1];
        } else if (arguments[i] == "--streams" && value) {
            options.streams = *value;
        } else if (arguments[i] == "--seconds" && value) {
            options.seconds = *value;
        } else {
            fail(kUsage);
        }
    }
    if (arguments.size() % 2 != 0) {
        fail(kUsage);
    }
    return options;
}

void write_json(const std::string& path, const std::string& json) {
    std::ofstream out(path);
    out << json;
    out.close();
    if (!out) {
        fail(fmt::format("cannot write {}", path));
    }
}

void report(const Options& options) {
    std::uint64_t floor_sent = 0;
    std::uint64_t engine_sent = 0;
    const Measured floor = run_floor(options, floor_sent);
    const Measured engine = run_engine(options, engine_sent);
    const double ratio = floor.per_packet() > 0 ? engine.per_packet() / floor.per_packet() : 0;
    fmt::print("{:<28}{:>10}{:>10}{:>12}\n", "", "sent", "received", "ns/packet");
    fmt::print("{:<28}{:>10}{:>10}{:>12.0f}\n",
               "epoll and recvfrom",
               floor_sent,
               floor.packets,
               floor.per_packet());
    fmt::print("{:<28}{:>10}{:>10}{:>12.0f}\n",
               "engine with counting sink",
               engine_sent,
               engine.packets,
               engine.per_packet());
    fmt::print("engine / floor: {:.2f}\n", ratio);
    if (!options.json.empty()) {
        write_json(options.json,
                   fmt::format("{{\"streams\":{},\"seconds\":{},\"floor_ns_per_packet\":{:.1f},"
                               "\"engine_ns_per_packet\":{:.1f},\"ratio\":{:.3f},\"sent\":{},"
                               "\"received\":{}}}\n",
                               options.streams,
                               options.seconds,
                               floor.per_packet(),
                               engine.per_packet(),
                               ratio,
                               engine_sent,
                               engine.packets));
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        report(parse_options({argv + 1, argv + argc}));
    } catch (const std::exception& error) {
        fail(error.what());
    }
    return 0;
}
