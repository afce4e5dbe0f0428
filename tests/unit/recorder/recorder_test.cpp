// The library from outside: SIP and RTP over loopback in, calls of the sinks out.
#include "unit/recorder/fixture.hpp"

namespace {

using namespace siprec::test;

}  // namespace

TEST_CASE("recorder: a call from INVITE to BYE reaches the sinks in order",
          "[unit][recorder][7866-9.1-6][7866-9-1][8068-F0][8068-R1]") {
    Fixture fixture;
    const std::string response = fixture.start_call(multipart(), "multipart/mixed;boundary=b");
    REQUIRE(response.rfind("SIP/2.0 200", 0) == 0);
    CHECK(response.find(">;+sip.srs") != std::string::npos);
    CHECK(response.find("Content-Type: application/sdp") != std::string::npos);
    const auto ports = Fixture::ports_of(response);
    REQUIRE(ports.size() == 2);
    for (std::uint16_t sequence = 1; sequence <= 50; ++sequence) {
        fixture.peer.send(static_cast<std::uint16_t>(ports[0]), rtp(sequence, 0x1111));
        fixture.peer.send(static_cast<std::uint16_t>(ports[1]), rtp(sequence, 0x2222));
    }
    const std::string bye = fixture.exchange(fixture.request("BYE", fixture.to_tag, ""));
    CHECK(bye.rfind("SIP/2.0 200", 0) == 0);
    auto& journal = fixture.factory.journal;
    REQUIRE(eventually([&] { return journal.ended.load(); }));
    CHECK(journal.packets == 100);
    const auto events = journal.copy();
    REQUIRE(events.size() >= 5);
    CHECK(events[0].rfind("session call-", 0) == 0);
    CHECK(events[1] == "received INVITE sip:");
    CHECK(events[2] == "open 1");
    CHECK(events[3] == "open 2");
    CHECK(events[4] == "metadata INVITE 2");
    CHECK(journal.contains("sent SIP/2.0 200"));
    CHECK(journal.contains("received ACK sip:srs"));
    CHECK(journal.contains("received BYE sip:srs"));
    CHECK(journal.contains("closed 1 50"));
    CHECK(journal.contains("closed 2 50"));
    CHECK(events.back() == "ended bye");
    CHECK(fixture.recorder->stats().sessions_ended == 1);
    CHECK(fixture.recorder->stats().ports_in_use == 0);
}

TEST_CASE("recorder: hold by re-INVITE and metadata by UPDATE",
          "[unit][recorder][rfc7866][7866-9.2-1][7866-7.1.1.1-3][8068-R5][7866-9.1-7]"
          "[7866-9.1-2][7866-6.2-2][3311-4-1]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const std::string held = fixture.exchange(fixture.request(
        "INVITE", fixture.to_tag, "Content-Type: application/sdp\r\n", offer("inactive")));
    REQUIRE(held.rfind("SIP/2.0 200", 0) == 0);
    CHECK(held.find("a=inactive") != std::string::npos);
    CHECK(held.find(">;+sip.srs") != std::string::npos);
    CHECK(std::regex_search(held, std::regex("\nAllow: [^\r]*UPDATE")));
    fixture.peer.send(fixture.sip_port,
                      fixture.raw_request("ACK", fixture.cseq, fixture.to_tag, "", ""));
    const std::string updated = fixture.exchange(fixture.request(
        "UPDATE", fixture.to_tag, "Content-Type: application/rs-metadata+xml\r\n", kDocument));
    CHECK(updated.rfind("SIP/2.0 200", 0) == 0);
    CHECK(updated.find("application/sdp") == std::string::npos);
    CHECK(updated.find(">;+sip.srs") != std::string::npos);
    auto& journal = fixture.factory.journal;
    CHECK(eventually([&] { return journal.contains("metadata UPDATE 2"); }));
    CHECK(journal.contains("changed 1 inactive"));
    CHECK(journal.contains("changed 2 inactive"));
}

TEST_CASE("recorder: what is no recording session is refused on purpose",
          "[unit][recorder][rfc7866][7866-6.1.1-1]") {
    Fixture fixture;
    std::string invite =
        fixture.request("INVITE", "", "Content-Type: application/sdp\r\n", offer());
    invite.erase(invite.find(";+sip.src"), 9);
    CHECK(fixture.exchange(invite).rfind("SIP/2.0 403", 0) == 0);
    CHECK(fixture.factory.journal.copy().empty());
    CHECK(fixture.recorder->stats().sessions_refused == 1);
}

TEST_CASE("recorder: an unknown required extension gets 420 with its name",
          "[unit][recorder][rfc3261][7866-6.1.1-3]") {
    Fixture fixture;
    const std::string response = fixture.exchange(fixture.request(
        "INVITE", "", "Require: siprec, foo\r\nContent-Type: application/sdp\r\n", offer()));
    CHECK(response.rfind("SIP/2.0 420", 0) == 0);
    CHECK(response.find("Unsupported: foo\r\n") != std::string::npos);
}

TEST_CASE("recorder: OPTIONS tells whether a session could start",
          "[unit][recorder][7866-11.1.1-1]") {
    Fixture fixture;
    const std::string healthy = fixture.exchange(fixture.request("OPTIONS", "", ""));
    CHECK(healthy.rfind("SIP/2.0 200", 0) == 0);
    CHECK(healthy.find("Allow: INVITE") != std::string::npos);
    CHECK(healthy.find("application/rs-metadata+xml") != std::string::npos);
    CHECK_FALSE(std::regex_search(healthy, std::regex("\nSupported:[^\r]*siprec")));
    fixture.recorder->drain();
    const std::string draining = fixture.exchange(fixture.request("OPTIONS", "", ""));
    CHECK(draining.rfind("SIP/2.0 503", 0) == 0);
    CHECK(draining.find("Retry-After:") != std::string::npos);
}

TEST_CASE("recorder: requests for unknown dialogs get 481", "[unit][recorder][rfc3261]") {
    Fixture fixture;
    const std::string method = GENERATE(as<std::string>{}, "BYE", "UPDATE", "INVITE", "INFO");
    CAPTURE(method);
    CHECK(fixture.exchange(fixture.request(method, "nobody", "")).rfind("SIP/2.0 481", 0) == 0);
}

TEST_CASE("recorder: an ACK whose CSeq fits no INVITE still acknowledges", "[unit][recorder]") {
    Fixture fixture;
    const std::string response = fixture.exchange(fixture.request(
        "INVITE", "", "Require: siprec\r\nContent-Type: application/sdp\r\n", offer()));
    REQUIRE(response.rfind("SIP/2.0 200", 0) == 0);
    const std::string tag = Fixture::tag_of(response);
    fixture.peer.send(fixture.sip_port, fixture.raw_request("ACK", fixture.cseq + 7, tag, "", ""));
    CHECK(eventually([&] { return fixture.factory.journal.contains("received ACK sip:srs"); }));
    CHECK_FALSE(fixture.factory.journal.contains("sent SIP/2.0 405"));
}

TEST_CASE("recorder: what is no SIP is counted and logged", "[unit][recorder]") {
    Fixture fixture;
    fixture.peer.send(fixture.sip_port, "INVITE sip:x SIP/2.0\r\nVia: broken\r\n\r\n");
    CHECK(eventually([&] { return fixture.recorder->stats().sip_malformed > 0; }));
    CHECK(eventually([&] {
        return fixture.logger.lines.contains(
            "sip: malformed messages dropped or refused by the stack");
    }));
}

TEST_CASE("recorder: a CANCEL that comes after the answer changes nothing",
          "[unit][recorder][rfc3261]") {
    Fixture fixture;
    const std::string invite = fixture.request(
        "INVITE", "", "Require: siprec\r\nContent-Type: application/sdp\r\n", offer());
    const std::string response = fixture.exchange(invite);
    REQUIRE(response.rfind("SIP/2.0 200", 0) == 0);
    std::string cancel = fixture.raw_request("CANCEL", fixture.cseq, "", "", "");
    cancel.replace(cancel.find("z9hG4bKCANCEL"), 13, "z9hG4bKINVITE");
    fixture.peer.send(fixture.sip_port, cancel);
    std::string answer;
    do {
        answer = fixture.peer.receive();
    } while (!answer.empty() && answer.find("CSeq: 1 CANCEL") == std::string::npos);
    CHECK(answer.rfind("SIP/2.0 ", 0) == 0);
    CHECK(fixture.recorder->sessions().size() == 1);
}

TEST_CASE("recorder: metadata that does not parse is kept and the call recorded",
          "[unit][recorder][7866-9.2-4]") {
    Fixture fixture;
    const std::string body =
        "--b\r\nContent-Type: application/sdp\r\n\r\n" + offer() +
        "\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n"
        "<!DOCTYPE x [<!ENTITY e \"e\">]><recording>&e;</recording>\r\n--b--\r\n";
    REQUIRE(fixture.start_call(body, "multipart/mixed;boundary=b").rfind("SIP/2.0 200", 0) == 0);
    CHECK(eventually([&] { return fixture.factory.journal.contains("metadata INVITE unusable"); }));
    CHECK(fixture.recorder->stats().metadata_unusable == 1);
}

TEST_CASE("recorder: stop hangs up and lets the sinks finish", "[unit][recorder]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    fixture.recorder->stop();
    CHECK(fixture.factory.journal.contains("ended shutdown"));
    std::string message;
    do {
        message = fixture.peer.receive(1s);
    } while (!message.empty() && message.rfind("BYE ", 0) != 0);
    CHECK(message.rfind("BYE ", 0) == 0);
    CHECK(message.find("Reason: SIP") != std::string::npos);
    fixture.recorder->stop();
}

TEST_CASE("recorder: sinks attached to a running session get what comes from then on",
          "[unit][recorder]") {
    JournalFactory late;
    Fixture fixture;
    const std::string response = fixture.start_call(multipart(), "multipart/mixed;boundary=b");
    const auto ports = Fixture::ports_of(response);
    REQUIRE(ports.size() == 2);
    auto& first = fixture.factory.journal;
    fixture.peer.send(static_cast<std::uint16_t>(ports[0]), rtp(1, 0x1111));
    REQUIRE(eventually([&] { return first.packets == 1; }));
    const auto id = fixture.recorder->sessions().at(0).id;
    REQUIRE(fixture.recorder->attach_sinks(id, late).has_value());
    REQUIRE(eventually([&] { return late.journal.contains("open 2"); }));
    fixture.peer.send(static_cast<std::uint16_t>(ports[0]), rtp(2, 0x1111));
    REQUIRE(eventually([&] { return first.packets == 2; }));
    fixture.exchange(fixture.request("BYE", fixture.to_tag, ""));
    REQUIRE(eventually([&] { return first.ended && late.journal.ended; }));
    CHECK(late.journal.packets == 1);
    CHECK(late.journal.contains("metadata  2"));
    CHECK(late.journal.contains("ended bye"));
    CHECK_FALSE(fixture.recorder->attach_sinks(id, late).has_value());
}

TEST_CASE("recorder: one session can be ended by the program", "[unit][recorder]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const auto sessions = fixture.recorder->sessions();
    REQUIRE(sessions.size() == 1);
    CHECK(sessions[0].streams == 2);
    CHECK(fixture.recorder->end_session(sessions[0].id, "operator").has_value());
    CHECK_FALSE(fixture.recorder->end_session(sessions[0].id, "operator").has_value());
    CHECK(eventually([&] { return fixture.factory.journal.contains("ended local-stop"); }));
}

TEST_CASE("recorder: a session without media ends after the media timeout", "[unit][recorder]") {
    siprec::RecorderConfig config;
    config.media.timeout = 1s;
    Fixture fixture(config);
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    CHECK(eventually([&] { return fixture.factory.journal.contains("ended media-timeout"); }));
}

TEST_CASE("recorder: more sessions than configured get 503", "[unit][recorder]") {
    siprec::RecorderConfig config;
    config.limits.max_sessions = 0;
    Fixture fixture(config);
    const std::string response = fixture.start_call(offer(), "application/sdp");
    CHECK(response.rfind("SIP/2.0 503", 0) == 0);
    CHECK(response.find("Retry-After:") != std::string::npos);
}

TEST_CASE("recorder: a listener that is taken is reported with its address", "[unit][recorder]") {
    Fixture fixture;
    siprec::RecorderConfig config;
    config.listeners = {
        {siprec::Transport::Udp,
         {.address = *siprec::IpAddress::parse("127.0.0.1"), .port = fixture.sip_port}}};
    JournalFactory factory;
    const auto started = siprec::Recorder::start(config, factory);
    REQUIRE_FALSE(started);
    CHECK(started.error().message().find(std::to_string(fixture.sip_port)) != std::string::npos);
}

TEST_CASE("recorder: video is asked for a picture by INFO unless FIR was agreed on",
          "[unit][recorder][rfc5168][7866-8.1.7-2]") {
    Fixture fixture;
    const bool has_fir = GENERATE(false, true);
    const std::string video =
        std::string("m=video 40004 RTP/AVPF 97\r\na=rtpmap:97 H264/90000\r\n") +
        (has_fir ? "a=rtcp-fb:97 ccm fir\r\n" : "") + "a=sendonly\r\n";
    REQUIRE(fixture.start_call(offer() + video, "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    std::string message;
    do {
        message = fixture.peer.receive(1s);
    } while (!message.empty() && message.rfind("INFO ", 0) != 0);
    CHECK(message.empty() == has_fir);
    if (!has_fir) {
        CHECK(message.find("Content-Type: application/media_control+xml") != std::string::npos);
        CHECK(message.find("<picture_fast_update/>") != std::string::npos);
    }
}
