// The rules of a dialog that RFC 3261 and RFC 3311 set, over the network.
#include "unit/recorder/fixture.hpp"

namespace {

using namespace siprec::test;

const std::string kSdpType = "Content-Type: application/sdp\r\n";

/// The next final response to this CSeq.
std::string answer_to(const Fixture& fixture, const std::string& cseq) {
    std::string answer;
    do {
        answer = fixture.peer.receive();
    } while (!answer.empty() &&
             (answer.rfind("SIP/2.0 ", 0) != 0 || answer.rfind("SIP/2.0 1", 0) == 0 ||
              Fixture::header_of(answer, "CSeq") != cseq));
    return answer;
}

}  // namespace

TEST_CASE("dialog: an UPDATE behind another is served as the first has its answer already",
          "[unit][recorder][3311-5.2-1]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const std::string first =
        fixture.request("UPDATE", fixture.to_tag, kSdpType, offer("inactive"));
    const std::string second = fixture.request("UPDATE", fixture.to_tag, kSdpType, offer());
    fixture.peer.send(fixture.sip_port, first);
    fixture.peer.send(fixture.sip_port, second);
    CHECK(answer_to(fixture, "2 UPDATE").rfind("SIP/2.0 200", 0) == 0);
    CHECK(answer_to(fixture, "3 UPDATE").find("a=recvonly") != std::string::npos);
    auto& journal = fixture.factory.journal;
    CHECK(eventually([&] { return journal.contains("changed 1 recvonly"); }));
    CHECK(journal.contains("changed 1 inactive"));
}

TEST_CASE("dialog: an offer that cannot be taken gets 488 and changes nothing",
          "[unit][recorder][3311-5.2-3]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const std::string refused =
        fixture.exchange(fixture.request("UPDATE",
                                         fixture.to_tag,
                                         kSdpType,
                                         "v=0\r\no=gw 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"));
    CHECK(refused.rfind("SIP/2.0 488", 0) == 0);
    CHECK(Fixture::header_of(refused, "Warning").find("m-line") != std::string::npos);
    CHECK(fixture.recorder->sessions().at(0).streams == 2);
}

TEST_CASE("dialog: an UPDATE moves the place that our requests go to",
          "[unit][recorder][3311-5.1-1]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const UdpPeer moved;
    std::string update = fixture.request("UPDATE", fixture.to_tag, "");
    const std::string before = "Contact: <sip:gw@127.0.0.1:" + std::to_string(fixture.peer.port());
    REQUIRE(update.find(before) != std::string::npos);
    update.replace(update.find(before),
                   before.size(),
                   "Contact: <sip:gw@127.0.0.1:" + std::to_string(moved.port()));
    REQUIRE(fixture.exchange(update).rfind("SIP/2.0 200", 0) == 0);
    REQUIRE(fixture.recorder->end_session(fixture.session(), "moved").has_value());
    CHECK(moved.receive().rfind("BYE ", 0) == 0);
}

TEST_CASE("dialog: a Replaces that crossed the BYE of its session gets 603",
          "[unit][recorder][3891-3-2]") {
    Fixture fixture;
    const std::string first = fixture.start_call(offer(), "application/sdp");
    REQUIRE(fixture.exchange(fixture.request("BYE", fixture.to_tag, "")).rfind("SIP/2.0 200", 0) ==
            0);
    std::string invite =
        fixture.request("INVITE",
                        "",
                        "Require: siprec\r\nReplaces: " + Fixture::header_of(first, "Call-ID") +
                            ";to-tag=" + fixture.to_tag + ";from-tag=src\r\n" + kSdpType,
                        offer());
    invite.replace(invite.find("Call-ID: call-"), 14, "Call-ID: next-");
    CHECK(fixture.exchange(invite).rfind("SIP/2.0 603", 0) == 0);
}

TEST_CASE("dialog: a re-INVITE without the feature tag is served and noted",
          "[unit][recorder][7866-6.1.1-2]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    std::string again = fixture.request("INVITE", fixture.to_tag, kSdpType, offer("inactive"));
    again.erase(again.find(";+sip.src"), 9);
    CHECK(fixture.exchange(again).rfind("SIP/2.0 200", 0) == 0);
    CHECK(fixture.recorder->sessions().size() == 1);
    CHECK(
        fixture.logger.lines.contains("recorder: INVITE without +sip.src in a recording session"));
}

TEST_CASE("dialog: a repeated request gets the same answer and is applied once",
          "[unit][recorder][rfc3261]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const std::string update = fixture.request(
        "UPDATE", fixture.to_tag, "Content-Type: application/rs-metadata+xml\r\n", kDocument);
    const std::string answer = fixture.exchange(update);
    CHECK(fixture.exchange(update) == answer);
    CHECK(fixture.recorder->stats().metadata_documents == 1);
}

TEST_CASE("dialog: a 200 that is never acknowledged is followed by BYE and the recording kept",
          "[unit][recorder][3261-14.2-2]") {
    siprec::RecorderConfig config;
    config.transaction_timeout = 1s;
    Fixture fixture(config);
    const std::string response =
        fixture.exchange(fixture.request("INVITE", "", "Require: siprec\r\n" + kSdpType, offer()));
    REQUIRE(response.rfind("SIP/2.0 200", 0) == 0);
    const auto ports = Fixture::ports_of(response);
    fixture.peer.send(static_cast<std::uint16_t>(ports.at(0)), rtp(1, 0x1111));
    CHECK_FALSE(fixture.await("BYE").empty());
    auto& journal = fixture.factory.journal;
    CHECK(eventually([&] { return journal.contains("ended no-ack"); }));
    CHECK(journal.contains("closed 1 1"));
}

TEST_CASE("dialog: a client that answers nothing is told of as such", "[unit][recorder][rfc3261]") {
    siprec::RecorderConfig config;
    config.transaction_timeout = 1s;
    Fixture fixture(config);
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const auto id = fixture.session();
    const auto paused = fixture.recorder->pause(id);
    REQUIRE_FALSE(paused);
    CHECK(paused.error().code() == siprec::ErrorCode::Timeout);
}
