#include "media.hpp"

#include <siprec/rtp.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

using srcsim::PacerSettings;
using srcsim::RtpSource;
using srcsim::StreamSetup;

namespace {

struct Fixture {
    std::vector<std::byte> loop;
    PacerSettings settings;
    StreamSetup setup;

    Fixture() {
        for (int i = 0; i < 200; ++i) {
            loop.push_back(static_cast<std::byte>(i));
        }
        settings.format = srcsim::payload_format(srcsim::Codec::Pcmu);
        setup.clip = {loop, 0};
        setup.ssrc = 0xDEADBEEF;
        setup.first_timestamp = 0xFFFFFFF0;
        setup.first_sequence = 0xFFFF;
    }
};

}  // namespace

TEST_CASE("siprec-src media: packets continue across wrap-around and the end of the loop",
          "[unit][siprec-src][rfc3550]") {
    Fixture fixture;
    RtpSource source{fixture.settings, fixture.setup};
    const auto first = siprec::parse_rtp(source.packet(0));
    REQUIRE(first);
    CHECK(first->marker);
    CHECK(first->sequence == 0xFFFF);
    CHECK(first->timestamp == 0xFFFFFFF0);
    CHECK(first->ssrc == 0xDEADBEEF);
    CHECK(first->payload_type == 0);
    REQUIRE(first->payload.size() == 160);
    CHECK(first->payload[159] == std::byte{159});
    source.on_sent();
    const auto second = siprec::parse_rtp(source.packet(1));
    REQUIRE(second);
    CHECK_FALSE(second->marker);
    CHECK(second->sequence == 0);
    CHECK(second->timestamp == 0xFFFFFFF0 + 160U);
    CHECK(second->payload[39] == std::byte{199});
    CHECK(second->payload[40] == std::byte{0});
}

TEST_CASE("siprec-src media: after a pause time has gone on and the sequence has not",
          "[unit][siprec-src][rfc3550]") {
    Fixture fixture;
    RtpSource source{fixture.settings, fixture.setup};
    (void)source.packet(0);
    source.on_sent();
    const auto resumed = siprec::parse_rtp(source.packet(50));
    REQUIRE(resumed);
    CHECK(resumed->marker);
    CHECK(resumed->sequence == 0);
    CHECK(resumed->timestamp == 0xFFFFFFF0 + 50U * 160U);
}

TEST_CASE("siprec-src media: a sender report ties the media clock to wall time",
          "[unit][siprec-src][rfc3550]") {
    Fixture fixture;
    RtpSource source{fixture.settings, fixture.setup};
    const siprec::WallTime now{std::chrono::milliseconds{1'800'000'000'500}};
    for (const bool is_last : {false, true}) {
        const auto bytes = source.report(now, std::chrono::seconds{2}, is_last);
        CHECK(bytes.size() % 4 == 0);
        const auto report = siprec::find_sender_report(bytes);
        REQUIRE(report);
        CHECK(report->ssrc == 0xDEADBEEF);
        CHECK(report->rtp_timestamp == 0xFFFFFFF0 + 16000U);
        CHECK(std::chrono::abs(report->ntp_time - now) < std::chrono::microseconds{1});
    }
}
