#include "rtp/picture_requests.hpp"

#include "engine_fixture.hpp"
#include "rtp/rtcp.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using siprec::StreamInfo;
using siprec::WallTime;
using siprec::rtp::PictureRequest;
using siprec::rtp::PictureRequests;
using siprec::rtp::take_part;
using siprec::test::bytes;
using siprec::test::Bytes;
using siprec::test::Client;
using siprec::test::EngineFixture;
using siprec::test::TestStream;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const WallTime kStart{seconds(1'700'000'000)};
constexpr PictureRequests::Negotiated kBoth{.fir = true, .pli = true};
constexpr PictureRequests::Negotiated kPliOnly{.fir = false, .pli = true};
constexpr PictureRequests::Negotiated kFirOnly{.fir = true, .pli = false};

}  // namespace

TEST_CASE("picture requests: each source begins with a full picture",
          "[unit][rtp][rfc5104][7866-8.1.7-1]") {
    PictureRequests requests;
    CHECK(requests.on_packet(7, 0, kStart, kBoth) == PictureRequest::Full);
    CHECK(requests.on_packet(7, 0, kStart, kBoth) == PictureRequest::None);
    CHECK(requests.on_packet(8, 0, kStart, kBoth) == PictureRequest::Full);
    CHECK(requests.on_packet(9, 0, kStart, kPliOnly) == PictureRequest::Loss);
    CHECK(requests.on_packet(10, 0, kStart, {}) == PictureRequest::None);
    requests.restart();
    CHECK(requests.on_packet(10, 0, kStart, kBoth) == PictureRequest::Full);
}

TEST_CASE("picture requests: loss asks by PLI and not again and again",
          "[unit][rtp][rfc4585][7866-8.1.7-3]") {
    PictureRequests requests;
    static_cast<void>(requests.on_packet(7, 0, kStart, kBoth));
    int asked = 0;
    // A packet each 10 ms, one in ten of them lost, for ten seconds.
    for (int i = 1; i <= 1000; ++i) {
        const auto request = requests.on_packet(7, i / 10, kStart + milliseconds(10 * i), kBoth);
        CHECK(request != PictureRequest::Full);
        asked += request == PictureRequest::Loss ? 1 : 0;
    }
    CHECK(asked >= 5);
    CHECK(asked <= 10);
}

TEST_CASE("picture requests: a packet that was overtaken is no loss",
          "[unit][rtp][rfc4585][7866-8.1.7-3]") {
    PictureRequests requests;
    static_cast<void>(requests.on_packet(7, 0, kStart, kBoth));
    CHECK(requests.on_packet(7, 1, kStart + seconds(5), kBoth) == PictureRequest::None);
    CHECK(requests.on_packet(7, 0, kStart + seconds(6), kBoth) == PictureRequest::None);
    CHECK(requests.on_packet(7, 1, kStart + seconds(9), kBoth) == PictureRequest::None);
}

TEST_CASE("picture requests: without PLI loss asks for nothing",
          "[unit][rtp][rfc5104][7866-8.1.7-3]") {
    PictureRequests requests;
    static_cast<void>(requests.on_packet(7, 0, kStart, kFirOnly));
    for (int i = 1; i < 10; ++i) {
        CHECK(requests.on_packet(7, i, kStart + seconds(i), kFirOnly) == PictureRequest::None);
    }
}

TEST_CASE("rtcp: FIR and PLI are built as their RFCs draw them", "[unit][rtp][rfc5104][rfc4585]") {
    CHECK(siprec::rtp::build_full_intra_request(0x01020304, 0x0A0B0C0D, 9) ==
          bytes({0x84, 206, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0, 0x0A, 0x0B, 0x0C, 0x0D, 9, 0, 0, 0}));
    CHECK(siprec::rtp::build_picture_loss(0x01020304, 0x0A0B0C0D) ==
          bytes({0x81, 206, 0, 2, 1, 2, 3, 4, 0x0A, 0x0B, 0x0C, 0x0D}));
}

TEST_CASE("engine: the first packet of video asks for a full picture",
          "[unit][rtp][rfc5104][7866-8.1.7-1][7866-8.1.7-2]") {
    const EngineFixture f;
    const Client client;
    const TestStream stream = f.open([&](StreamInfo& info) {
        info.remote_rtcp = client.endpoint();
        info.media_type = "video";
        info.takes_fir = true;
    });
    static_cast<void>(client.receive());  // the first report
    client.send(stream.info.local_rtp, siprec::test::rtp({.ssrc = 0x77}));
    const Bytes asked = client.receive();
    REQUIRE(siprec::rtp::is_valid_compound(asked));
    std::span<const std::byte> rest = asked;
    CHECK(take_part(rest)->type == 201);
    CHECK(take_part(rest)->type == 202);
    const auto request = take_part(rest);
    REQUIRE(request);
    CHECK(request->type == 206);
    CHECK(request->count == 4);
    f.close(stream);
}
