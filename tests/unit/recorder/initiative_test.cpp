// What the recorder asks of its clients, and what keeps or ends a dialog.
#include "unit/recorder/fixture.hpp"

#include <future>

namespace {

using namespace siprec::test;

using siprec::ErrorCode;
using siprec::RecorderConfig;

const std::string kSdpType = "Content-Type: application/sdp\r\n";
const std::string kAllowUpdate = "Allow: INVITE, ACK, BYE, UPDATE, OPTIONS\r\n";

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++found;
    }
    return found;
}

/// Session timers of a second or two.
RecorderConfig short_timer(std::chrono::seconds expires) {
    RecorderConfig config;
    config.timer.allow_short = true;
    config.timer.min_se = 1s;
    config.timer.expires = expires;
    return config;
}

template <typename Call>
std::future<siprec::Result<void>> in_background(Call call) {
    return std::async(std::launch::async, std::move(call));
}

}  // namespace

TEST_CASE("initiative: pause and resume by re-INVITE",
          "[unit][recorder][7866-7.2-3][7866-7.2-5][7866-6.2-2]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const auto id = fixture.session();
    auto paused = in_background([&] { return fixture.recorder->pause(id); });
    const std::string invite = fixture.await("INVITE");
    REQUIRE_FALSE(invite.empty());
    CHECK(count(invite, "a=inactive") == 2);
    CHECK(count(invite, "m=audio") == 2);
    CHECK(invite.find(">;+sip.srs") != std::string::npos);
    CHECK(Fixture::header_of(invite, "Supported").find("timer") != std::string::npos);
    CHECK(Fixture::header_of(invite, "Supported").find("siprec") == std::string::npos);
    CHECK(Fixture::header_of(invite, "Allow").find("UPDATE") != std::string::npos);
    fixture.respond(invite, "200 OK", kSdpType, offer("inactive"));
    CHECK_FALSE(fixture.await("ACK").empty());
    CHECK(paused.get().has_value());
    CHECK(fixture.recorder->sessions().at(0).paused);
    auto& journal = fixture.factory.journal;
    CHECK(eventually([&] { return journal.contains("changed 2 inactive"); }));
    CHECK(eventually([&] { return journal.contains("sent ACK sip:gw@"); }));
    CHECK(journal.contains("sent INVITE sip:"));

    auto resumed = in_background([&] { return fixture.recorder->resume(id); });
    const std::string again = fixture.await("INVITE");
    CHECK(count(again, "a=recvonly") == 2);
    fixture.respond(again, "200 OK", kSdpType, offer());
    CHECK(resumed.get().has_value());
    CHECK(eventually([&] { return journal.contains("changed 1 recvonly"); }));
    CHECK_FALSE(fixture.recorder->sessions().at(0).paused);
}

TEST_CASE("initiative: the 2xx is acknowledged each time it comes", "[unit][recorder][rfc3261]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    auto paused = in_background([&] { return fixture.recorder->pause(fixture.session()); });
    const std::string invite = fixture.await("INVITE");
    fixture.respond(invite, "200 OK", kSdpType, offer("inactive"));
    CHECK_FALSE(fixture.await("ACK").empty());
    fixture.respond(invite, "200 OK", kSdpType, offer("inactive"));
    CHECK_FALSE(fixture.await("ACK").empty());
    CHECK(paused.get().has_value());
}

TEST_CASE("initiative: a refused request is told and the session goes on",
          "[unit][recorder][rfc3261]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const auto id = fixture.session();
    auto dropped = in_background([&] { return fixture.recorder->drop_stream(id, 1); });
    const std::string invite = fixture.await("INVITE");
    CHECK(count(invite, "m=audio 0 ") == 1);
    fixture.respond(invite, "488 Not Acceptable Here");
    const auto outcome = dropped.get();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code() == ErrorCode::Conflict);
    CHECK(outcome.error().message().find("488") != std::string::npos);
    CHECK(fixture.recorder->sessions().at(0).streams == 2);
    CHECK_FALSE(fixture.recorder->drop_stream(id, 7));
    CHECK(fixture.recorder->pause(siprec::Uuid::random()).error().code() == ErrorCode::NotFound);
}

TEST_CASE("initiative: a dropped stream is closed and the other goes on",
          "[unit][recorder][7866-7.2-4]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    auto dropped =
        in_background([&] { return fixture.recorder->drop_stream(fixture.session(), 0); });
    const std::string invite = fixture.await("INVITE");
    std::string answer = offer();
    answer.replace(answer.find("40000"), 5, "0");
    fixture.respond(invite, "200 OK", kSdpType, answer);
    CHECK(dropped.get().has_value());
    CHECK(eventually([&] { return fixture.factory.journal.contains("closed 1 0"); }));
    CHECK(fixture.recorder->sessions().at(0).streams == 1);
}

TEST_CASE("initiative: glare is met with 491 and with a later second try",
          "[unit][recorder][3261-14.2-1][3311-5.2-2][7866-7.2-3]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const auto id = fixture.session();
    auto paused = in_background([&] { return fixture.recorder->pause(id); });
    const std::string invite = fixture.await("INVITE");
    REQUIRE_FALSE(invite.empty());
    fixture.peer.send(fixture.sip_port,
                      fixture.request("INVITE", fixture.to_tag, kSdpType, offer("inactive")));
    std::string answer;
    do {
        answer = fixture.peer.receive();
    } while (!answer.empty() && answer.rfind("SIP/2.0 491", 0) != 0);
    CHECK(answer.rfind("SIP/2.0 491", 0) == 0);
    fixture.peer.send(fixture.sip_port,
                      fixture.raw_request("ACK", fixture.cseq, fixture.to_tag, "", ""));
    const auto refused = std::chrono::steady_clock::now();
    fixture.respond(invite, "491 Request Pending");
    std::string again;
    do {
        again = fixture.await("INVITE");
    } while (!again.empty() &&
             Fixture::header_of(again, "CSeq") == Fixture::header_of(invite, "CSeq"));
    REQUIRE_FALSE(again.empty());
    // We did not choose the Call-ID: 0 to 2 s (RFC 3261 14.1).
    CHECK(std::chrono::steady_clock::now() - refused < 3s);
    fixture.respond(again, "200 OK", kSdpType, offer("inactive"));
    CHECK(paused.get().has_value());
}

TEST_CASE("initiative: a snapshot request is an UPDATE with its disposition and no SDP",
          "[unit][recorder][7866-9.2-5][7866-9.2-6][7866-9.2-7][7866-9.2-9]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp", kAllowUpdate).rfind("SIP/2.0 200", 0) ==
            0);
    auto asked = in_background(
        [&] { return fixture.recorder->request_snapshot(fixture.session(), "test"); });
    const std::string update = fixture.await("UPDATE");
    REQUIRE_FALSE(update.empty());
    CHECK(Fixture::header_of(update, "Content-Type") == "application/rs-metadata+xml");
    CHECK(Fixture::header_of(update, "Content-Disposition") == "recording-session");
    CHECK(update.find("<requestsnapshot") != std::string::npos);
    CHECK(update.find("application/sdp\r\n\r\n") == std::string::npos);
    CHECK(update.find("m=audio") == std::string::npos);
    CHECK(update.find(">;+sip.srs") != std::string::npos);
    fixture.respond(update, "200 OK");
    CHECK(asked.get().has_value());
}

TEST_CASE("initiative: a client without UPDATE is not asked for a snapshot",
          "[unit][recorder][7866-9.2-8]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp", "Allow: INVITE, ACK, BYE\r\n")
                .rfind("SIP/2.0 200", 0) == 0);
    const auto asked = fixture.recorder->request_snapshot(fixture.session(), "test");
    REQUIRE_FALSE(asked);
    CHECK(asked.error().code() == ErrorCode::Unsupported);
    CHECK(fixture.await("UPDATE", 300ms).empty());
    CHECK(fixture.await("INVITE", 100ms).empty());
}

TEST_CASE("initiative: a partial document without a baseline is met with one snapshot request",
          "[unit][recorder][7866-9.2-3][7866-9.2-4][7866-9.1-3]") {
    Fixture fixture;
    REQUIRE(fixture
                .start_call(offer(),
                            "application/sdp",
                            kAllowUpdate + "Accept: application/sdp, "
                                           "application/rs-metadata-request\r\n")
                .rfind("SIP/2.0 200", 0) == 0);
    const std::string partial =
        "<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\"><datamode>partial</datamode>"
        "</recording>";
    const auto send = [&](const std::string& document) {
        return fixture.exchange(fixture.request(
            "UPDATE", fixture.to_tag, "Content-Type: application/rs-metadata+xml\r\n", document));
    };
    REQUIRE(send(partial).rfind("SIP/2.0 200", 0) == 0);
    const std::string update = fixture.await("UPDATE");
    REQUIRE(update.find("requestsnapshot") != std::string::npos);
    fixture.respond(update, "200 OK");
    REQUIRE(send(partial).rfind("SIP/2.0 200", 0) == 0);
    REQUIRE(send("<!DOCTYPE x [<!ENTITY e \"e\">]><recording>&e;</recording>")
                .rfind("SIP/2.0 200", 0) == 0);
    CHECK(fixture.await("UPDATE", 500ms).empty());
    CHECK(fixture.recorder->sessions().size() == 1);
}

TEST_CASE("initiative: a client that announced nothing is not asked by ourselves",
          "[unit][recorder][7866-9.2-4]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp", kAllowUpdate).rfind("SIP/2.0 200", 0) ==
            0);
    REQUIRE(fixture
                .exchange(fixture.request("UPDATE",
                                          fixture.to_tag,
                                          "Content-Type: application/rs-metadata+xml\r\n",
                                          "<recording><datamode>partial</datamode></recording>"))
                .rfind("SIP/2.0 200", 0) == 0);
    CHECK(fixture.await("UPDATE", 400ms).empty());
}

TEST_CASE("initiative: a session is started towards an SRC",
          "[unit][recorder][7866-6.2-2][7866-6.2-3][7866-6.2-4][7866-7.2-6][7866-6.1.1-12]"
          "[7866-9.1-4][7866-11.1.1-1]") {
    Fixture fixture;
    const std::string target = "sip:src@127.0.0.1:" + std::to_string(fixture.peer.port());
    auto started =
        std::async(std::launch::async, [&] { return fixture.recorder->start_session(target); });
    const std::string invite = fixture.await("INVITE");
    REQUIRE_FALSE(invite.empty());
    CHECK(Fixture::header_of(invite, "Require") == "siprec");
    CHECK(Fixture::header_of(invite, "Content-Length") == "0");
    CHECK(invite.find(">;+sip.srs") != std::string::npos);
    CHECK(Fixture::header_of(invite, "Supported").find("siprec") == std::string::npos);
    fixture.respond(invite, "200 OK", "Content-Type: multipart/mixed;boundary=b\r\n", multipart());
    const std::string ack = fixture.await("ACK");
    REQUIRE_FALSE(ack.empty());
    CHECK(Fixture::header_of(ack, "Content-Type") == "application/sdp");
    CHECK(count(ack, "a=recvonly") == 2);
    const auto outcome = started.get();
    REQUIRE(outcome);
    CHECK(fixture.session() == *outcome);
    auto& journal = fixture.factory.journal;
    CHECK(eventually([&] { return journal.contains("metadata INVITE 2"); }));
    CHECK(journal.contains("sent INVITE sip:"));
    CHECK(journal.contains("received SIP/2.0 200"));
    CHECK(eventually([&] { return journal.contains("sent ACK sip:gw@"); }));
    const auto ports = Fixture::ports_of(ack);
    REQUIRE(ports.size() == 2);
    fixture.peer.send(static_cast<std::uint16_t>(ports[0]), rtp(1, 0x1111));
    CHECK(eventually([&] { return journal.packets == 1; }));
    CHECK(fixture.recorder->end_session(*outcome, "enough").has_value());
    const std::string bye = fixture.await("BYE");
    CHECK(bye.find("text=\"enough\"") != std::string::npos);
}

TEST_CASE("initiative: an SRC that refuses is not asked again", "[unit][recorder][7866-6.2-3]") {
    Fixture fixture;
    const std::string target = "sip:src@127.0.0.1:" + std::to_string(fixture.peer.port());
    auto started =
        std::async(std::launch::async, [&] { return fixture.recorder->start_session(target); });
    const std::string invite = fixture.await("INVITE");
    fixture.respond(invite, "420 Bad Extension", "Unsupported: siprec\r\n");
    const auto outcome = started.get();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code() == ErrorCode::Conflict);
    CHECK(outcome.error().message().find("420") != std::string::npos);
    CHECK_FALSE(fixture.await("ACK").empty());
    CHECK(fixture.await("INVITE", 700ms).empty());
    CHECK(fixture.recorder->sessions().empty());
    CHECK(fixture.recorder->start_session("http://x").error().code() == ErrorCode::InvalidArgument);
}

TEST_CASE("initiative: the 2xx grants a session timer that the SRC refreshes",
          "[unit][recorder][rfc4028][4028-9-3][4028-9-4][4028-9-2]") {
    Fixture fixture;
    const std::string response = fixture.start_call(
        offer(), "application/sdp", "Supported: timer\r\nSession-Expires: 3600\r\n");
    CHECK(Fixture::header_of(response, "Session-Expires") == "1800;refresher=uac");
    CHECK(Fixture::header_of(response, "Require") == "timer");
    CHECK(Fixture::header_of(response, "Supported").find("timer") != std::string::npos);
    const std::string update = fixture.exchange(
        fixture.request("UPDATE", fixture.to_tag, "Supported: timer\r\nSession-Expires: 1200\r\n"));
    CHECK(Fixture::header_of(update, "Session-Expires") == "1200;refresher=uac");
    const std::string small = fixture.exchange(
        fixture.request("UPDATE", fixture.to_tag, "Supported: timer\r\nSession-Expires: 60\r\n"));
    CHECK(small.rfind("SIP/2.0 422", 0) == 0);
    CHECK(Fixture::header_of(small, "Min-SE") == "90");
}

TEST_CASE("initiative: an interval below the minimum gets 422", "[unit][recorder][4028-9-1]") {
    Fixture fixture;
    const std::string response = fixture.start_call(
        offer(), "application/sdp", "Supported: timer\r\nSession-Expires: 60\r\n");
    CHECK(response.rfind("SIP/2.0 422", 0) == 0);
    CHECK(Fixture::header_of(response, "Min-SE") == "90");
    CHECK(fixture.recorder->stats().sessions_started == 0);
}

TEST_CASE("initiative: a session that the SRC does not refresh ends with BYE",
          "[unit][recorder][4028-10-1]") {
    Fixture fixture(short_timer(2s));
    REQUIRE(fixture
                .start_call(offer(),
                            "application/sdp",
                            "Supported: timer\r\nSession-Expires: 2;refresher=uac\r\n")
                .rfind("SIP/2.0 200", 0) == 0);
    CHECK_FALSE(fixture.await("BYE").empty());
    CHECK(eventually([&] { return fixture.factory.journal.contains("ended session-timeout"); }));
}

TEST_CASE("initiative: we refresh by UPDATE where the SRC allows it",
          "[unit][recorder][4028-7.4-1][4028-7.1-1]") {
    Fixture fixture(short_timer(2s));
    REQUIRE(
        fixture
            .start_call(offer(),
                        "application/sdp",
                        kAllowUpdate + "Supported: timer\r\nSession-Expires: 2;refresher=uas\r\n")
            .rfind("SIP/2.0 200", 0) == 0);
    for (int i = 0; i < 3; ++i) {
        const std::string update = fixture.await("UPDATE");
        REQUIRE_FALSE(update.empty());
        CHECK(Fixture::header_of(update, "Session-Expires") == "2;refresher=uac");
        CHECK(Fixture::header_of(update, "Supported").find("timer") != std::string::npos);
        CHECK(Fixture::body_of(update).empty());
        fixture.respond(update, "200 OK", "Require: timer\r\nSession-Expires: 2;refresher=uac\r\n");
    }
    CHECK(fixture.recorder->sessions().size() == 1);
}

TEST_CASE("initiative: without UPDATE we refresh by re-INVITE with the same SDP",
          "[unit][recorder][4028-7.4-1][3264-8-1]") {
    Fixture fixture(short_timer(4s));
    const std::string response = fixture.start_call(
        offer(), "application/sdp", "Supported: timer\r\nSession-Expires: 4;refresher=uas\r\n");
    const std::string invite = fixture.await("INVITE");
    REQUIRE_FALSE(invite.empty());
    CHECK(Fixture::body_of(invite) == Fixture::body_of(response));
    // A refusal other than 408 and 481 does not end the recording.
    fixture.respond(invite, "500 Server Internal Error");
    CHECK(fixture.await("BYE", 1000ms).empty());
    CHECK(fixture.recorder->sessions().size() == 1);
}

TEST_CASE("initiative: a refresh that meets 481 ends the session", "[unit][recorder][rfc4028]") {
    Fixture fixture(short_timer(2s));
    REQUIRE(
        fixture
            .start_call(offer(),
                        "application/sdp",
                        kAllowUpdate + "Supported: timer\r\nSession-Expires: 2;refresher=uas\r\n")
            .rfind("SIP/2.0 200", 0) == 0);
    fixture.respond(fixture.await("UPDATE"), "481 Call/Transaction Does Not Exist");
    CHECK_FALSE(fixture.await("BYE").empty());
    CHECK(eventually([&] { return fixture.factory.journal.contains("ended session-timeout"); }));
}

TEST_CASE("initiative: a silent peer without timer is probed and ended when it is gone",
          "[unit][recorder][rfc4028]") {
    RecorderConfig config;
    config.timer.probe_after = 1s;
    Fixture fixture(config);
    REQUIRE(fixture.start_call(offer("inactive"), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const std::string first = fixture.await("OPTIONS");
    REQUIRE_FALSE(first.empty());
    fixture.respond(first, "405 Method Not Allowed");  // alive
    const std::string second = fixture.await("OPTIONS");
    REQUIRE_FALSE(second.empty());
    CHECK(fixture.recorder->sessions().size() == 1);
    fixture.respond(second, "481 Call/Transaction Does Not Exist");
    CHECK_FALSE(fixture.await("BYE").empty());
    CHECK(eventually([&] { return fixture.factory.journal.contains("ended session-timeout"); }));
}

TEST_CASE("initiative: a session that another INVITE replaces is ended after it was accepted",
          "[unit][recorder][3891-3-4][3891-6.2-1]") {
    Fixture fixture;
    const std::string first = fixture.start_call(offer(), "application/sdp");
    REQUIRE(first.rfind("SIP/2.0 200", 0) == 0);
    CHECK(Fixture::header_of(first, "Supported").find("replaces") != std::string::npos);
    const auto old = fixture.session();
    const std::string call_id = Fixture::header_of(first, "Call-ID");
    std::string invite =
        fixture.request("INVITE",
                        "",
                        "Require: siprec, replaces\r\nReplaces: " + call_id +
                            ";to-tag=" + fixture.to_tag + ";from-tag=src\r\n" + kSdpType,
                        offer());
    invite.replace(invite.find("Call-ID: call-"), 14, "Call-ID: next-");
    const std::string response = fixture.exchange(invite);
    CHECK(response.rfind("SIP/2.0 200", 0) == 0);
    const std::string bye = fixture.await("BYE");
    CHECK(Fixture::header_of(bye, "Call-ID") == call_id);
    auto& journal = fixture.factory.journal;
    CHECK(eventually([&] { return journal.contains("ended replaced"); }));
    CHECK(journal.contains("replaces " + old.to_string()));
    CHECK(journal.contains("reason replaced by " + fixture.session().to_string()));
    CHECK(fixture.recorder->sessions().size() == 1);
}

TEST_CASE("initiative: a Replaces that does not fit is refused and the session untouched",
          "[unit][recorder][3891-3-1][3891-3-3]") {
    struct Row {
        std::string header;
        std::string status;
    };

    class NoTakeover final : public siprec::SessionPolicy {
      public:
        bool may_replace(const siprec::SessionInfo& /*running*/,
                         const siprec::SessionInfo& /*taker*/) override {
            return allowed;
        }

        bool allowed = true;
    };

    NoTakeover policy;
    Fixture fixture({}, policy);
    const std::string first = fixture.start_call(offer(), "application/sdp");
    const std::string good = "Replaces: " + Fixture::header_of(first, "Call-ID") +
                             ";to-tag=" + fixture.to_tag + ";from-tag=src";
    const std::vector<Row> rows{
        {"Replaces: nobody@x;to-tag=a;from-tag=b\r\n", "SIP/2.0 481"},
        {good + ";early-only\r\n", "SIP/2.0 486"},
        {good + "\r\n" + good + "\r\n", "SIP/2.0 400"},
    };
    const auto try_with = [&](const std::string& header) {
        std::string invite =
            fixture.request("INVITE", "", "Require: siprec\r\n" + header + kSdpType, offer());
        invite.replace(invite.find("Call-ID: call-"), 14, "Call-ID: next-");
        return fixture.exchange(invite);
    };
    for (const Row& row : rows) {
        CAPTURE(row.header);
        CHECK(try_with(row.header).rfind(row.status, 0) == 0);
    }
    policy.allowed = false;
    CHECK(try_with(good + "\r\n").rfind("SIP/2.0 403", 0) == 0);
    CHECK(fixture.exchange(fixture.request("UPDATE", fixture.to_tag, "")).rfind("SIP/2.0 200", 0) ==
          0);
    CHECK(fixture.recorder->sessions().size() == 1);
    CHECK(fixture.await("BYE", 200ms).empty());
}

TEST_CASE("initiative: a session that is accepted paused answers inactive until it is resumed",
          "[unit][recorder][7866-7.2-2][7866-7.2-3]") {
    class NotReady final : public siprec::SessionPolicy {
        siprec::SessionDecision on_invite(const siprec::SessionInfo& /*session*/) override {
            return siprec::SessionDecision::accept_paused();
        }
    };

    NotReady policy;
    Fixture fixture({}, policy);
    const std::string response = fixture.start_call(offer(), "application/sdp");
    REQUIRE(response.rfind("SIP/2.0 200", 0) == 0);
    CHECK(count(response, "a=inactive") == 2);
    CHECK(Fixture::ports_of(response).at(0) != 0);
    auto resumed = in_background([&] { return fixture.recorder->resume(fixture.session()); });
    const std::string invite = fixture.await("INVITE");
    CHECK(count(invite, "a=recvonly") == 2);
    fixture.respond(invite, "200 OK", kSdpType, offer());
    CHECK(resumed.get().has_value());
}

TEST_CASE("initiative: strict mode refuses what RFC 7866 does not allow",
          "[unit][recorder][7866-6.2-1][7866-6.1.1-3]") {
    RecorderConfig config;
    config.strict = true;
    Fixture fixture(config);
    const auto status = [&](const std::string& headers,
                            bool src,
                            const std::string& body,
                            const std::string& type) {
        std::string invite =
            fixture.request("INVITE", "", headers + "Content-Type: " + type + "\r\n", body);
        if (!src) {
            invite.erase(invite.find(";+sip.src"), 9);
        }
        return fixture.exchange(invite).substr(0, 11);
    };
    const std::string sdp = "application/sdp";
    CHECK(status("", true, offer(), sdp) == "SIP/2.0 403");
    CHECK(status("Require: siprec\r\n", false, offer(), sdp) == "SIP/2.0 403");
    CHECK(status("Require: siprecc\r\n", true, offer(), sdp) == "SIP/2.0 420");
    const std::string broken =
        "--b\r\nContent-Type: application/sdp\r\n\r\n" + offer() +
        "\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n<recording><\r\n--b--\r\n";
    CHECK(status("Require: siprec\r\n", true, broken, "multipart/mixed;boundary=b") ==
          "SIP/2.0 400");
    CHECK(fixture.recorder->stats().sessions_started == 0);
    CHECK(fixture.recorder->stats().sessions_refused == 4);
    CHECK(fixture.factory.journal.copy().empty());
    CHECK(status("Require: siprec\r\n", true, offer(), sdp) == "SIP/2.0 200");
}

TEST_CASE("initiative: a body that is nothing but strange gets 415 with Accept",
          "[unit][recorder][3261-8.2.3-1][5621-8.2-1]") {
    Fixture fixture;
    const auto send = [&](const std::string& disposition) {
        return fixture.exchange(
            fixture.request("INVITE",
                            "",
                            "Require: siprec\r\nContent-Type: text/x-unknown\r\n" + disposition,
                            "what is this"));
    };
    const std::string refused = send("");
    CHECK(refused.rfind("SIP/2.0 415", 0) == 0);
    CHECK(Fixture::header_of(refused, "Accept").find("application/sdp") != std::string::npos);
    CHECK(send("Content-Disposition: x;handling=optional\r\n").rfind("SIP/2.0 200", 0) == 0);
}

TEST_CASE("initiative: a request with a lower CSeq gets 500 and is not applied",
          "[unit][recorder][3261-12.2.2-1][7866-9.2-2]") {
    Fixture fixture;
    fixture.cseq = 10;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    const std::string late = fixture.exchange(fixture.raw_request(
        "UPDATE", 5, fixture.to_tag, "Content-Type: application/rs-metadata+xml\r\n", kDocument));
    CHECK(late.rfind("SIP/2.0 500", 0) == 0);
    CHECK(fixture.recorder->stats().metadata_documents == 0);
}

TEST_CASE("initiative: a forked INVITE that comes twice makes one session",
          "[unit][recorder][rfc3261]") {
    Fixture fixture;
    const std::string invite =
        fixture.request("INVITE", "", "Require: siprec\r\n" + kSdpType, offer());
    REQUIRE(fixture.exchange(invite).rfind("SIP/2.0 200", 0) == 0);
    std::string fork = invite;
    fork.insert(fork.find(";branch=z9hG4bK") + 15, "other");
    fixture.peer.send(fixture.sip_port, fork);
    std::string answer;
    do {
        answer = fixture.peer.receive();
    } while (!answer.empty() && answer.rfind("SIP/2.0 482", 0) != 0);
    CHECK(answer.rfind("SIP/2.0 482", 0) == 0);  // RFC 3261 8.2.2.2
    CHECK(fixture.recorder->stats().sessions_started == 1);
}

TEST_CASE("initiative: 100rel that is required needs no provisional answer",
          "[unit][recorder][rfc3262]") {
    Fixture fixture;
    CHECK(fixture
              .exchange(
                  fixture.request("INVITE", "", "Require: siprec, 100rel\r\n" + kSdpType, offer()))
              .rfind("SIP/2.0 200", 0) == 0);
}

TEST_CASE("initiative: a PRACK that acknowledges nothing gets 481", "[unit][recorder][rfc3262]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp").rfind("SIP/2.0 200", 0) == 0);
    CHECK(fixture.exchange(fixture.request("PRACK", fixture.to_tag, "RAck: 1 1 INVITE\r\n"))
              .rfind("SIP/2.0 481", 0) == 0);
}

TEST_CASE("initiative: a 180 goes ahead where it is wanted, reliably for who knows 100rel",
          "[unit][recorder][rfc3262]") {
    siprec::RecorderConfig config;
    config.ringing = true;
    Fixture fixture(config);
    const std::string how = GENERATE("Supported: 100rel\r\n", "Require: 100rel\r\n");
    fixture.peer.send(fixture.sip_port, fixture.request("INVITE", "", how + kSdpType, offer()));
    std::string ringing;
    do {
        ringing = fixture.peer.receive();
    } while (ringing.rfind("SIP/2.0 100", 0) == 0);
    REQUIRE(ringing.rfind("SIP/2.0 180", 0) == 0);
    CHECK(ringing.find("\r\nRequire: 100rel\r\n") != std::string::npos);
    std::smatch sequence;
    REQUIRE(std::regex_search(ringing, sequence, std::regex("\r\nRSeq: ([0-9]+)\r\n")));
    CHECK(ringing.find("m=audio") == std::string::npos);
    const std::string answer = fixture.peer.receive();
    REQUIRE(answer.rfind("SIP/2.0 200", 0) == 0);
    const std::string tag = Fixture::tag_of(answer);
    CHECK(Fixture::tag_of(ringing) == tag);
    const std::string rack =
        "RAck: " + sequence[1].str() + " " + std::to_string(fixture.cseq) + " INVITE\r\n";
    CHECK(fixture.exchange(fixture.request("PRACK", tag, "RAck: 2 1 INVITE\r\n"))
              .rfind("SIP/2.0 481", 0) == 0);
    const std::string acknowledged = fixture.exchange(fixture.request("PRACK", tag, rack));
    INFO(acknowledged);
    CHECK(acknowledged.rfind("SIP/2.0 200", 0) == 0);
    CHECK(fixture.exchange(fixture.request("PRACK", tag, rack)).rfind("SIP/2.0 481", 0) == 0);
}

TEST_CASE("initiative: a 180 for a client without 100rel is an ordinary one",
          "[unit][recorder][rfc3262]") {
    siprec::RecorderConfig config;
    config.ringing = true;
    Fixture fixture(config);
    fixture.peer.send(fixture.sip_port, fixture.request("INVITE", "", kSdpType, offer()));
    std::string ringing;
    do {
        ringing = fixture.peer.receive();
    } while (ringing.rfind("SIP/2.0 100", 0) == 0);
    REQUIRE(ringing.rfind("SIP/2.0 180", 0) == 0);
    CHECK(ringing.find("100rel") == std::string::npos);
    CHECK(ringing.find("RSeq") == std::string::npos);
    CHECK(fixture.peer.receive().rfind("SIP/2.0 200", 0) == 0);
}

TEST_CASE("initiative: record-aware is noted", "[unit][recorder][rfc7866]") {
    Fixture fixture;
    REQUIRE(fixture.start_call(offer(), "application/sdp", "Supported: record-aware\r\n")
                .rfind("SIP/2.0 200", 0) == 0);
    CHECK(eventually([&] { return fixture.factory.journal.contains("record-aware"); }));
}
