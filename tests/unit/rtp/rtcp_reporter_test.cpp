#include "rtp/rtcp_reporter.hpp"

#include "packets.hpp"
#include "rtp/rtcp.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <utility>
#include <vector>

using siprec::Endpoint;
using siprec::IpAddress;
using siprec::SteadyTime;
using siprec::StreamInfo;
using siprec::WallTime;
using siprec::rtp::is_valid_compound;
using siprec::rtp::RtcpReporter;
using siprec::rtp::SeqNum;
using siprec::rtp::SourceTable;
using siprec::rtp::take_part;
using siprec::test::Bytes;
using std::chrono::seconds;

namespace {

const WallTime kNow{seconds(1'700'000'000)};
const SteadyTime kStart{seconds(100)};

/// A reporter with what surrounds it.
struct Fixture {
    Fixture() {
        info.remote_rtp = Endpoint::parse("192.0.2.1:4000");
        info.remote_rtcp = Endpoint::parse("192.0.2.1:4001");
    }

    void run(SteadyTime steady) { reporter.on_due(steady, kNow, info, sources, send); }

    std::uint32_t next_random = 0x01234567;
    StreamInfo info;
    SourceTable sources;
    std::vector<std::pair<Endpoint, Bytes>> sent;
    RtcpReporter::Send send = [this](const Endpoint& to, std::span<const std::byte> packet) {
        sent.emplace_back(to, Bytes(packet.begin(), packet.end()));
    };
    RtcpReporter reporter{kStart, [this] { return next_random += 0x01010101; }, {}};
};

std::vector<int> types_of(const Bytes& compound) {
    std::vector<int> types;
    std::span<const std::byte> rest = compound;
    while (const auto part = take_part(rest)) {
        types.push_back(part->type);
    }
    return types;
}

}  // namespace

TEST_CASE("rtcp reporter: the first report goes at once to the offered address",
          "[unit][rtp][rfc3550][3550-6.2-1][3550-6.1-1]") {
    Fixture f;
    REQUIRE(f.reporter.due() == kStart);
    f.run(kStart);
    REQUIRE(f.sent.size() == 1);
    CHECK(f.sent[0].first == *f.info.remote_rtcp);
    CHECK(is_valid_compound(f.sent[0].second));
    CHECK(types_of(f.sent[0].second) == std::vector<int>{201, 202});
    CHECK(f.reporter.due() > kStart + seconds(1));
    f.run(kStart + std::chrono::milliseconds(500));
    CHECK(f.sent.size() == 1);
}

TEST_CASE("rtcp reporter: sources that were heard are reported",
          "[unit][rtp][rfc3550][7866-8.2-2][7866-8.2.1-1]") {
    Fixture f;
    for (std::uint16_t i = 0; i < 4; ++i) {
        f.sources.on_rtp(7, SeqNum(i), 0, 0, kNow);
        f.sources.on_rtp(8, SeqNum(i), 0, 0, kNow);
    }
    f.run(kStart);
    REQUIRE(f.sent.size() == 1);
    std::span<const std::byte> rest = f.sent[0].second;
    const auto report = take_part(rest);
    REQUIRE(report);
    CHECK(report->count == 2);
    CHECK(siprec::rtp::sender_of(*report) == f.reporter.ssrc());
}

TEST_CASE("rtcp reporter: reports go to where the client's RTCP comes from",
          "[unit][rtp][rfc4961][4961-4-1]") {
    Fixture f;
    const auto learned = Endpoint::parse("198.51.100.1:7777").value();
    f.reporter.on_rtcp(siprec::test::sender_report(7, 1, 1), learned, kNow, f.sources);
    f.run(kStart);
    REQUIRE(f.sent.size() == 1);
    CHECK(f.sent[0].first == learned);
    f.reporter.forget_source();
    f.run(f.reporter.due() + seconds(9));
    REQUIRE(f.sent.size() == 2);
    CHECK(f.sent[1].first == *f.info.remote_rtcp);
}

TEST_CASE("rtcp reporter: nothing is sent where nothing is wanted",
          "[unit][rtp][rfc3264][3264-8.4-1][3550-6.3.7-1]") {
    Fixture f;
    SECTION("an unspecified address is the old hold") {
        f.info.remote_rtcp = Endpoint::parse("0.0.0.0:4001");
    }
    SECTION("no address is known") {
        f.info.remote_rtcp.reset();
    }
    SECTION("inactive without an address although RTCP had come") {
        f.reporter.on_rtcp(
            siprec::test::sender_report(7, 1, 1), *f.info.remote_rtcp, kNow, f.sources);
        f.info.remote_rtcp.reset();
        f.info.direction = siprec::sdp::Direction::Inactive;
    }
    f.run(kStart);
    CHECK(f.sent.empty());
    CHECK(f.reporter.due() > kStart);
    f.reporter.bye(f.info, f.send);
    CHECK(f.sent.empty());
}

TEST_CASE("rtcp reporter: an inactive stream with an address is still reported on",
          "[unit][rtp][rfc3264][7866-8.1.6-1][7866-10-1]") {
    Fixture f;
    f.info.direction = siprec::sdp::Direction::Inactive;
    f.run(kStart);
    CHECK(f.sent.size() == 1);
}

TEST_CASE("rtcp reporter: BYE ends a compound and goes once",
          "[unit][rtp][rfc3550][3550-6.3.7-1][3550-6.1-1]") {
    Fixture f;
    f.reporter.bye(f.info, f.send);
    CHECK(f.sent.empty());  // RFC 3550 6.3.7: none from one who never sent
    f.run(kStart);
    f.reporter.bye(f.info, f.send);
    REQUIRE(f.sent.size() == 2);
    CHECK(types_of(f.sent[1].second) == std::vector<int>{201, 202, 203});
    f.reporter.bye(f.info, f.send);
    CHECK(f.sent.size() == 2);
}

TEST_CASE("rtcp reporter: the client's BYE ends its source", "[unit][rtp][rfc3550]") {
    Fixture f;
    f.sources.on_rtp(7, SeqNum(1), 0, 0, kNow);
    f.sources.on_rtp(8, SeqNum(1), 0, 0, kNow);
    f.reporter.on_rtcp(
        siprec::test::joined(siprec::test::sender_report(7, 1, 1), siprec::test::bye(7)),
        *f.info.remote_rtcp,
        kNow,
        f.sources);
    CHECK(f.sources.size() == 1);
}

TEST_CASE("rtcp reporter: a collision takes a new SSRC after BYE of the old one",
          "[unit][rtp][rfc3550][3550-8.2-1][7866-8.2-3]") {
    Fixture f;
    const std::uint32_t old = f.reporter.ssrc();
    f.run(kStart);
    f.reporter.change_ssrc(f.info, f.send);
    CHECK(f.reporter.ssrc() != old);
    REQUIRE(f.sent.size() == 2);
    std::span<const std::byte> rest = f.sent[1].second;
    static_cast<void>(take_part(rest));
    static_cast<void>(take_part(rest));
    const auto bye = take_part(rest);
    REQUIRE(bye);
    CHECK(bye->type == 203);
    CHECK(siprec::rtp::sender_of(*bye) == old);
}

TEST_CASE("rtcp reporter: CNAME is 96 bits in base64", "[unit][rtp][rfc7022][3550-6.5.1-1]") {
    Fixture f;
    CHECK(f.reporter.cname().size() == 16);
    Fixture g;
    g.next_random = 0x7654321;
    CHECK(siprec::rtp::random_cname([&g] { return g.next_random += 0x31415927; }) !=
          f.reporter.cname());
}

TEST_CASE("rtcp reporter: streams of one session have one CNAME and SSRCs of their own",
          "[unit][rtp][rfc7022][3550-6.5.1-1]") {
    std::uint32_t next = 0;
    const auto random = [&next] { return next += 0x13579BDF; };
    const std::string cname = siprec::rtp::random_cname(random);
    const RtcpReporter first(kStart, random, cname);
    const RtcpReporter second(kStart, random, cname);
    CHECK(first.cname() == cname);
    CHECK(second.cname() == cname);
    CHECK(first.ssrc() != second.ssrc());
}

TEST_CASE("rtcp reporter: an inactive stream hears from us more often than NATs forget",
          "[unit][rtp][rfc6263][6263-5-1][7866-8.1.6-1][7866-10-1]") {
    Fixture f;
    f.info.direction = siprec::sdp::Direction::Inactive;
    SteadyTime last = kStart;
    f.run(kStart);
    while (last < kStart + std::chrono::minutes(30)) {
        const SteadyTime due = f.reporter.due();
        const std::size_t before = f.sent.size();
        f.run(due);
        if (f.sent.size() > before) {
            // RFC 6263 5: Tr is at least 15 s, so whatever is shorter keeps a binding.
            REQUIRE(due - last < seconds(15));
            CHECK(f.sent.back().first == *f.info.remote_rtcp);
            last = due;
        }
    }
    CHECK(f.sent.size() > 120);
}

TEST_CASE("rtcp reporter: 40 sources are all reported on",
          "[unit][rtp][rfc3550][3550-6.1-2][7866-8.2-2]") {
    Fixture f;
    for (std::uint32_t source = 1; source <= 40; ++source) {
        f.sources.on_rtp(source, SeqNum(1), 0, 0, kNow);
        f.sources.on_rtp(source, SeqNum(2), 0, 0, kNow);
    }
    f.run(kStart);
    REQUIRE(f.sent.size() == 1);
    CHECK(types_of(f.sent[0].second) == std::vector<int>{201, 201, 202});
    std::span<const std::byte> rest = f.sent[0].second;
    CHECK(take_part(rest)->count == 31);
    CHECK(take_part(rest)->count == 9);
}

TEST_CASE("rtcp reporter: sources silent for five intervals are forgotten",
          "[unit][rtp][rfc3550][3550-6.3.5-1]") {
    Fixture f;
    f.sources.on_rtp(7, SeqNum(1), 0, 0, kNow - seconds(26));
    f.sources.on_rtp(8, SeqNum(1), 0, 0, kNow - seconds(24));
    f.run(kStart);
    CHECK(f.sources.size() == 1);
}
