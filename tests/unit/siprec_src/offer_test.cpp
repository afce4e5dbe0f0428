#include "offer.hpp"

#include <siprec/metadata.hpp>
#include <siprec/sdp.hpp>

#include <catch2/catch.hpp>

using siprec::sdp::Direction;
using srcsim::CallFacts;
using srcsim::MediaOffer;

namespace {

MediaOffer two_streams(const char* address) {
    MediaOffer offer;
    offer.session_id = 17;
    offer.labels = {"1", "2"};
    const auto ip = siprec::IpAddress::parse(address).value();
    offer.local = {{ip, 40000}, {ip, 40002}};
    offer.format = {0, "PCMU", 8000, 1, {}};
    return offer;
}

CallFacts facts(std::size_t streams) {
    CallFacts out;
    out.ids = srcsim::MetadataIds::random(streams);
    out.labels = streams == 1 ? std::vector<std::string>{"1"} : std::vector<std::string>{"1", "2"};
    out.caller = {"Alice & Co", "sip:+4930100@example.com"};
    out.callee = {"Bob", "tel:+4930200"};
    out.transferee = {"Carol", "sip:carol@example.com"};
    out.start = siprec::WallTime{std::chrono::seconds{1'800'000'000}};
    return out;
}

}  // namespace

TEST_CASE("siprec-src offer: the library reads the SDP as it was meant",
          "[unit][siprec-src][rfc3264]") {
    const char* address = GENERATE("127.0.0.1", "::1");
    const MediaOffer offer = two_streams(address);
    const auto sdp =
        siprec::sdp::parse(srcsim::write_sdp(offer, {Direction::SendOnly, Direction::Inactive}, 3));
    REQUIRE(sdp);
    CHECK(sdp->origin_session_id == "17");
    CHECK(sdp->origin_version == "3");
    REQUIRE(sdp->media.size() == 2);
    CHECK(sdp->media[0].label == "1");
    CHECK(sdp->media[1].label == "2");
    CHECK(sdp->media[0].port == 40000);
    CHECK(sdp->media[1].port == 40002);
    CHECK(sdp->media[0].direction == Direction::SendOnly);
    CHECK(sdp->media[1].direction == Direction::Inactive);
    CHECK(sdp->media[0].connection == offer.local[0].address);
    REQUIRE(sdp->media[0].formats.size() == 1);
    CHECK(sdp->media[0].formats[0].encoding == "PCMU");
    CHECK(sdp->media[0].ptime_ms == 20U);
}

TEST_CASE("siprec-src offer: the answer to the SRS follows its directions and our hold",
          "[unit][siprec-src][rfc7866]") {
    const auto offer = siprec::sdp::parse(
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 1000 RTP/AVP 0\r\na=recvonly\r\n"
        "m=audio 1002 RTP/AVP 0\r\na=inactive\r\n");
    REQUIRE(offer);
    CHECK(srcsim::answer_directions(*offer, false) ==
          std::vector<Direction>{Direction::SendOnly, Direction::Inactive});
    CHECK(srcsim::answer_directions(*offer, true) ==
          std::vector<Direction>{Direction::Inactive, Direction::Inactive});
    const auto targets = srcsim::stream_targets(*offer);
    REQUIRE(targets.size() == 2);
    CHECK(targets[0].is_active);
    CHECK_FALSE(targets[1].is_active);
    CHECK(targets[0].rtcp.port == 1001);
}

TEST_CASE("siprec-src metadata: the library reads back the complete document",
          "[unit][siprec-src][rfc7865]") {
    const CallFacts call = facts(2);
    const auto parsed =
        siprec::metadata::parse(siprec::metadata::write(srcsim::complete_metadata(call)));
    REQUIRE(parsed);
    CHECK(parsed->dialect == siprec::metadata::Dialect::Rfc7865);
    CHECK(parsed->findings.empty());
    const auto& document = parsed->document;
    CHECK(document.mode == siprec::metadata::DataMode::Complete);
    REQUIRE(document.sessions.size() == 1);
    CHECK(document.sessions[0].group_ref == call.ids.group);
    CHECK(document.sessions[0].start_time == call.start);
    REQUIRE(document.participants.size() == 2);
    CHECK(document.participants[0].names[0].name == "Alice & Co");
    CHECK(document.participants[1].names[0].aor == "tel:+4930200");
    REQUIRE(document.streams.size() == 2);
    CHECK(document.streams[1].label == "2");
    REQUIRE(document.participant_stream_assocs.size() == 2);
    CHECK(document.participant_stream_assocs[0].send ==
          std::vector<std::string>{call.ids.streams[0]});
    CHECK(document.participant_stream_assocs[0].recv ==
          std::vector<std::string>{call.ids.streams[1]});
    CHECK(document.participant_session_assocs.size() == 2);
    CHECK(document.session_recording_assocs.size() == 1);
}

TEST_CASE("siprec-src metadata: both parties send the one stream when it is mixed",
          "[unit][siprec-src][rfc7865]") {
    const CallFacts call = facts(1);
    const auto document = srcsim::complete_metadata(call);
    REQUIRE(document.participant_stream_assocs.size() == 2);
    for (const auto& assoc : document.participant_stream_assocs) {
        CHECK(assoc.send == call.ids.streams);
        CHECK(assoc.recv == call.ids.streams);
    }
}

TEST_CASE("siprec-src metadata: a transfer changes who sends the callee's stream",
          "[unit][siprec-src][rfc7865]") {
    const CallFacts call = facts(2);
    const auto later = call.start + std::chrono::seconds{5};
    siprec::metadata::State state;
    (void)state.apply(srcsim::complete_metadata(call), call.start);
    const auto parsed =
        siprec::metadata::parse(siprec::metadata::write(srcsim::transfer_metadata(call, later)));
    REQUIRE(parsed);
    CHECK(parsed->document.mode == siprec::metadata::DataMode::Partial);
    CHECK(state.apply(parsed->document, later).empty());
    const auto sender_at_end = [&] {
        std::string sender;
        for (const auto& interval : state.history()) {
            if (interval.stream_id == call.ids.streams[1] && !interval.until) {
                sender += interval.participant_id;
            }
        }
        return sender;
    };
    CHECK(sender_at_end() == call.ids.transferee);
}
