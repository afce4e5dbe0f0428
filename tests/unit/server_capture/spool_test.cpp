#include "capture/spool.hpp"

#include "capture/playback.hpp"
#include "capture/recovery.hpp"
#include "unit/server_capture/capture_fixture.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

namespace siprec::server::testing {
namespace {

/// What a capture holds, counted.
struct Census {
    [[nodiscard]] std::string end_cause() const {
        const auto* ended = last ? std::get_if<SessionEnded>(&last->body) : nullptr;
        return ended == nullptr ? "" : ended->cause;
    }

    std::optional<Event> last;
    std::size_t events = 0;
    std::size_t rtp = 0;
    std::size_t rtcp = 0;
    std::uint64_t gap_packets = 0;
    bool addresses_kept = true;
};

class Counter final : public CaptureVisitor {
  public:
    void on_event(const Event& event) override {
        census.last = event;
        if (const auto* gap = std::get_if<Gap>(&event.body)) {
            census.gap_packets += gap->packets;
        }
        ++census.events;
    }

    void on_rtp(const StreamInfo& stream, const RtpPacket& packet) override {
        ++census.rtp;
        census.addresses_kept = census.addresses_kept && packet.source == stream.remote_rtp &&
                                packet.local == stream.local_rtp;
    }

    void on_rtcp(const StreamInfo& /*stream*/, const RtcpPacket& /*packet*/) override {
        ++census.rtcp;
    }

    Census census;
};

Census census_of(const std::string& path) {
    Counter counter;
    const auto played = play_file(path, counter);
    REQUIRE(played.has_value());
    CHECK_FALSE(played->truncated);
    CHECK_FALSE(played->damage.has_value());
    return counter.census;
}

/// No file of this process grows beyond so many bytes: stands for a full disk.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        struct rlimit limit = before_;
        limit.rlim_cur = bytes;
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }

    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

    ~FileSizeLimit() {
        (void)::setrlimit(RLIMIT_FSIZE, &before_);
        (void)std::signal(SIGXFSZ, handler_);
    }

  private:
    void (*handler_)(int);

    struct rlimit before_ {};
};

TEST_CASE("capture: everything of a session is in one finished file when it has ended",
          "[unit][capture]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    call.talk(rig.clock.wall);
    std::vector<std::byte> report(28, std::byte{0x80});
    report[1] = std::byte{200};  // a sender report
    call.media[0]->on_rtcp({.bytes = report,
                            .arrival = rig.clock.wall,
                            .source = endpoint("192.0.2.10:30001"),
                            .local = call.streams[0].local_rtcp});
    rig.settle();
    CHECK(std::filesystem::exists(rig.live_path(call.session.id)));
    CHECK_FALSE(std::filesystem::exists(rig.finished_path(call.session.id)));

    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    CHECK_FALSE(std::filesystem::exists(rig.live_path(call.session.id)));
    const Census census = census_of(rig.finished_path(call.session.id));
    CHECK(census.rtp == 90);
    CHECK(census.rtcp == 1);
    CHECK(census.addresses_kept);
    CHECK(census.end_cause() == "bye");
    // started, metadata, two opened, two closed, ended
    CHECK(census.events == 7);
    CHECK(rig.spool.counters().packets == 90);
    CHECK(rig.spool.counters().captures_open == 0);
}

TEST_CASE("capture: what a silent session holds is on disk when one flush has passed",
          "[unit][capture]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    call.media[0]->on_rtp(pcmu_packet(1, 1, std::byte{1}).view(call.streams[0], rig.clock.wall));
    rig.spool.flush();
    CHECK(census_of(rig.live_path(call.session.id)).rtp == 1);
}

TEST_CASE("capture: nothing is lost when the disk was full for a while", "[unit][capture]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    {
        const FileSizeLimit full(9000);
        call.talk(rig.clock.wall);
        rig.spool.flush();
        CHECK(rig.spool.is_failing());
        CHECK(rig.spool.counters().write_errors > 0);
        CHECK(rig.spool.counters().queue_bytes > 0);
        call.hang_up(rig.clock.wall + 1s);
        rig.settle();
        CHECK(rig.spool.counters().captures_open == 1);
    }
    rig.settle();
    CHECK_FALSE(rig.spool.is_failing());
    const Census census = census_of(rig.finished_path(call.session.id));
    CHECK(census.rtp == 90);
    CHECK(census.end_cause() == "bye");
}

TEST_CASE("capture: the gap is on record when memory ran out before the disk came back",
          "[unit][capture]") {
    CaptureRig rig({.memory_limit_bytes = 40'000});
    TwoPartyCall call(rig);
    for (int i = 0; i < 5; ++i) {
        call.talk(rig.clock.wall);
    }
    const std::uint64_t dropped = rig.spool.counters().packets_dropped;
    REQUIRE(dropped > 0);
    rig.spool.flush();
    call.talk(rig.clock.wall);
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    const Census census = census_of(rig.finished_path(call.session.id));
    CHECK(census.gap_packets == rig.spool.counters().packets_dropped);
    CHECK(census.rtp + census.gap_packets == 6 * 90);
}

TEST_CASE("capture: a SIP message longer than a datagram is kept whole", "[unit][capture]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const std::string message(100'000, 'x');
    call.sink->on_sip({.bytes = message,
                       .transport = Transport::Tcp,
                       .local = call.session.local,
                       .remote = call.session.source,
                       .time = rig.clock.wall});
    rig.spool.flush();
    const Census census = census_of(rig.live_path(call.session.id));
    REQUIRE(census.last.has_value());
    CHECK(std::get<LongSipMessage>(census.last->body).bytes == message);
}

TEST_CASE("capture: a sink dropped before its end leaves a complete capture", "[unit][capture]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    call.media.clear();
    call.sink.reset();
    rig.settle();
    CHECK(census_of(rig.finished_path(call.session.id)).end_cause() == "failed");
}

TEST_CASE("recovery: a capture cut off in a block is ended as interrupted", "[unit][capture]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    call.talk(rig.clock.wall);
    rig.spool.flush();
    const std::string path = rig.live_path(call.session.id);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 10);

    const auto recovered = recover_captures(rig.layout, null_logger());
    REQUIRE(recovered.has_value());
    CHECK(recovered->finished == 1);
    const Census census = census_of(rig.finished_path(call.session.id));
    CHECK(census.rtp == 89);
    CHECK(census.end_cause() == kInterrupted);
    CHECK(census.last->time == rig.clock.wall + 49 * 20ms);

    const auto again = recover_captures(rig.layout, null_logger());
    REQUIRE(again.has_value());
    CHECK(again->finished == 0);
}

TEST_CASE("recovery: a capture that had its end keeps it when only the rename was missing",
          "[unit][capture]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    call.hang_up(rig.clock.wall + 1s);
    rig.spool.flush();
    REQUIRE(recover_captures(rig.layout, null_logger()).has_value());
    CHECK(census_of(rig.finished_path(call.session.id)).end_cause() == "bye");
}

TEST_CASE("recovery: a leftover goes when it is empty and is set aside when it is unreadable",
          "[unit][capture]") {
    CaptureRig rig;
    const Uuid empty = Uuid::random();
    const Uuid broken = Uuid::random();
    std::ofstream(rig.live_path(empty)).flush();
    std::ofstream(rig.live_path(broken)) << "this is no capture at all, whatever its name says";
    const auto recovered = recover_captures(rig.layout, null_logger());
    REQUIRE(recovered.has_value());
    CHECK(recovered->removed == 1);
    CHECK(recovered->set_aside == 1);
    CHECK_FALSE(std::filesystem::exists(rig.live_path(empty)));
    CHECK(std::filesystem::exists(rig.layout.failed() + "/" + capture_name(broken)));
    std::ifstream reason(rig.layout.failed() + "/" + capture_name(broken) + ".reason");
    const std::string text{std::istreambuf_iterator<char>(reason), {}};
    CHECK(text.find("malformed") != std::string::npos);
}

}  // namespace
}  // namespace siprec::server::testing
