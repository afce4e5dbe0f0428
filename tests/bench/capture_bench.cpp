// What a G.711 packet costs between the media engine and the capture file: the sink's call alone,
// and with its share of the writer's appending to files.

#include "capture/capture_sink.hpp"
#include "capture/layout.hpp"
#include "capture/spool.hpp"

#include <siprec/log.hpp>
#include <siprec/rtp.hpp>

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using siprec::Endpoint;
using siprec::RtpPacket;
using siprec::SessionInfo;
using siprec::StreamInfo;
using siprec::WallTime;
using siprec::server::CaptureSinkFactory;
using siprec::server::CaptureSpool;
using siprec::server::DataLayout;

constexpr std::size_t kSessions = 500;
constexpr std::size_t kRounds = 250;               // packets a stream: five seconds of G.711
constexpr std::size_t kRoundsBetweenFlushes = 10;  // 200 ms
constexpr std::size_t kPacketBytes = 172;

double cpu_seconds() {
    timespec time{};
    if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) {
        std::abort();
    }
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Session {
    std::unique_ptr<siprec::SessionSink> sink;
    std::unique_ptr<siprec::MediaSink> media;
};

Session open_session(CaptureSinkFactory& sinks) {
    SessionInfo info;
    info.id = siprec::Uuid::random();
    StreamInfo stream;
    stream.id = siprec::Uuid::random();
    stream.media_type = "audio";
    Session session{sinks.open_session(info), nullptr};
    session.media = session.sink->open_stream(stream);
    return session;
}

}  // namespace

int main(int argc, char** argv) {
    const bool to_file = argc == 3 && std::string_view(argv[1]) == "--json";
    if (argc != 1 && !to_file) {
        fmt::print(stderr, "usage: bench_capture [--json FILE]\n");
        return EXIT_FAILURE;
    }
    const std::string root =
        (std::filesystem::temp_directory_path() / "siprec-capture-bench").string();
    const DataLayout layout{root};
    if (!layout.create()) {
        fmt::print(stderr, "cannot create {}\n", root);
        return EXIT_FAILURE;
    }
    CaptureSpool spool(layout, {}, siprec::null_logger(), siprec::system_clock());
    CaptureSinkFactory sinks(spool, "capture_bench", siprec::system_clock());
    std::vector<Session> sessions;
    for (std::size_t i = 0; i < kSessions; ++i) {
        sessions.push_back(open_session(sinks));
    }
    std::array<std::byte, kPacketBytes> bytes{};
    bytes[0] = std::byte{0x80};
    RtpPacket packet;
    packet.bytes = bytes;
    packet.source = {siprec::IpAddress::v4({192, 0, 2, 1}), 30000};
    packet.local = {siprec::IpAddress::v4({192, 0, 2, 2}), 20000};
    packet.arrival = siprec::system_clock().now();

    double appending = 0;
    double flushing = 0;
    for (std::size_t round = 0; round < kRounds; ++round) {
        const double start = cpu_seconds();
        for (Session& session : sessions) {
            session.media->on_rtp(packet);
        }
        const double middle = cpu_seconds();
        if ((round + 1) % kRoundsBetweenFlushes == 0) {
            spool.flush();
        }
        appending += middle - start;
        flushing += cpu_seconds() - middle;
    }
    constexpr double kPackets = static_cast<double>(kSessions * kRounds);
    const double sink_us = appending / kPackets * 1e6;
    const double writer_us = flushing / kPackets * 1e6;
    fmt::print("sink {:.3f} us + writer {:.3f} us = {:.3f} us CPU a packet\n",
               sink_us,
               writer_us,
               sink_us + writer_us);
    if (to_file) {
        std::ofstream out(argv[2]);
        out << fmt::format("{{\"packets\":{},\"sink_us\":{:.3f},\"writer_us\":{:.3f}}}\n",
                           kSessions * kRounds,
                           sink_us,
                           writer_us);
        if (!out.flush()) {
            fmt::print(stderr, "cannot write {}\n", argv[2]);
            return EXIT_FAILURE;
        }
    }
    sessions.clear();
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
    return EXIT_SUCCESS;
}
