// Offers of ours: RFC 7866 7.2, RFC 3264 8, and glare.
#include "session/recording_session.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace {

using siprec::BodyPart;
using siprec::IpAddress;
using siprec::Result;
using siprec::Uuid;
using siprec::sdp::Direction;
using siprec::session::PortSource;
using siprec::session::RecordingSession;
using siprec::session::StreamChange;
using siprec::session::StreamPorts;
using Wish = RecordingSession::Wish;

class CountingPorts final : public PortSource {
  public:
    Result<StreamPorts> open(const Uuid& /*stream*/,
                             const std::optional<IpAddress>& /*client*/,
                             bool /*rtcp_mux*/) override {
        const auto address = *IpAddress::parse("192.0.2.9");
        next = static_cast<std::uint16_t>(next + 2);
        return StreamPorts{
            .rtp = {.address = address, .port = next},
            .rtcp = {.address = address, .port = static_cast<std::uint16_t>(next + 1)}};
    }

    std::uint16_t next = 30000;
};

std::string sdp(const std::string& directions_1, const std::string& direction_2 = "sendonly") {
    return "v=0\r\no=src 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
           "m=audio 6000 RTP/AVP 0 8\r\na=label:1\r\na=" +
           directions_1 + "\r\nm=audio 6002 RTP/AVP 0 8\r\na=label:2\r\na=" + direction_2 + "\r\n";
}

Result<std::vector<BodyPart>> body(const std::string& text) {
    return siprec::parse_body("application/sdp", "", text);
}

Result<std::vector<BodyPart>> metadata() {
    return siprec::parse_body("application/rs-metadata+xml", "recording-session", "<recording/>");
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++found;
    }
    return found;
}

std::string version_of(const std::string& text) {
    const auto line = text.find("o=");
    const auto id = text.find(' ', text.find(' ', line) + 1);
    return text.substr(id + 1, text.find(' ', id + 1) - id - 1);
}

struct Session {
    explicit Session(bool ready = true)
        : machine({.sdp_session_id = 77, .max_streams = 64, .ready = ready}) {
        answer = machine.on_offer(true, body(sdp("sendonly")), ports).reply.body;
    }

    CountingPorts ports;
    RecordingSession machine;
    std::string answer;
};

}  // namespace

TEST_CASE("own offer: a pause offers inactive on the same m-lines with the next version",
          "[unit][session][7866-7.2-3][7866-7.2-5][3264-8-1][7866-7.1.1.1-3]") {
    Session session;
    auto paused = session.machine.make_own_offer(Wish::Pause);
    REQUIRE(paused);
    CHECK(count(paused->reply.body, "m=audio") == 2);
    CHECK(count(paused->reply.body, "a=inactive") == 2);
    CHECK(std::stoi(version_of(paused->reply.body)) == std::stoi(version_of(session.answer)) + 1);
    // At once: what still comes is not recorded.
    REQUIRE(paused->changes.size() == 2);
    CHECK(paused->changes[0].stream.direction == Direction::Inactive);
    CHECK(session.machine.is_paused());
    CHECK(session.machine.on_own_answer(body(sdp("inactive", "inactive"))).changes.empty());

    const auto resumed = session.machine.make_own_offer(Wish::Resume);
    REQUIRE(resumed);
    CHECK(count(resumed->reply.body, "a=recvonly") == 2);
    REQUIRE(resumed->changes.size() == 2);
    CHECK(resumed->changes[0].stream.direction == Direction::RecvOnly);
    const auto answered = session.machine.on_own_answer(body(sdp("sendonly", "inactive")));
    REQUIRE(answered.changes.size() == 1);
    CHECK(answered.changes[0].stream.label == "2");
    CHECK(answered.changes[0].stream.direction == Direction::Inactive);
}

TEST_CASE("own offer: while paused an offer of the client is answered inactive",
          "[unit][session][7866-7.2-2]") {
    Session session;
    REQUIRE(session.machine.make_own_offer(Wish::Pause));
    static_cast<void>(session.machine.on_own_answer(body(sdp("inactive", "inactive"))));
    const auto outcome = session.machine.on_offer(true, body(sdp("sendonly")), session.ports);
    CHECK(outcome.reply.status == 200);
    CHECK(count(outcome.reply.body, "a=inactive") == 2);
    for (const auto& stream : session.machine.streams()) {
        CHECK(stream.direction == Direction::Inactive);
    }
}

TEST_CASE("own offer: a session that is not ready answers inactive with its ports",
          "[unit][session][7866-7.2-2][7866-7.2-3]") {
    Session session(false);
    CHECK(count(session.answer, "a=inactive") == 2);
    CHECK(session.answer.find("m=audio 0 ") == std::string::npos);
    const auto resumed = session.machine.make_own_offer(Wish::Resume);
    REQUIRE(resumed);
    CHECK(count(resumed->reply.body, "a=recvonly") == 2);
}

TEST_CASE("own offer: dropping a stream keeps its place with port 0",
          "[unit][session][7866-7.2-4][7866-7.2-5][3264-8-1]") {
    Session session;
    const auto offer = session.machine.make_own_offer(Wish::Drop, 0);
    REQUIRE(offer);
    CHECK(offer->reply.body.find("m=audio 0 ") < offer->reply.body.find("m=audio 30004"));
    CHECK(offer->changes.empty());
    auto answer = sdp("inactive");
    answer.replace(answer.find("6000"), 4, "0");
    const auto outcome = session.machine.on_own_answer(body(answer));
    REQUIRE(outcome.changes.size() == 1);
    CHECK(outcome.changes[0].kind == StreamChange::Kind::Close);
    CHECK(session.machine.streams().size() == 1);
    // It stays dropped, and later offers of ours keep both places.
    const auto again = session.machine.on_offer(true, body(sdp("sendonly")), session.ports);
    CHECK(count(again.reply.body, "m=audio 0 ") == 1);
    const auto paused = session.machine.make_own_offer(Wish::Pause);
    REQUIRE(paused);
    CHECK(count(paused->reply.body, "m=audio") == 2);
    CHECK_FALSE(session.machine.make_own_offer(Wish::Drop, 5));
}

TEST_CASE("own offer: a session refresh repeats the description with its version",
          "[unit][session][rfc4028][4028-7.4-1][3264-8-1]") {
    Session session;
    const auto offer = session.machine.make_own_offer(Wish::Refresh);
    REQUIRE(offer);
    CHECK(offer->reply.body == session.answer);
    CHECK(session.machine.on_own_answer(body(sdp("sendonly"))).changes.empty());
    CHECK(session.machine.make_own_offer(Wish::Refresh)->reply.body == session.answer);
}

TEST_CASE("own offer: what crosses it gets 491 and leaves no trace",
          "[unit][session][3311-5.2-2][3261-14.2-1]") {
    Session session;
    REQUIRE(session.machine.make_own_offer(Wish::Pause));
    const auto invite = session.machine.on_offer(true, body(sdp("inactive")), session.ports);
    CHECK(invite.reply.status == 491);
    CHECK(invite.changes.empty());
    CHECK(session.machine.on_offer(true, metadata(), session.ports).reply.status == 491);
    CHECK(session.machine.on_offer(false, body(sdp("inactive")), session.ports).reply.status ==
          491);
    // Metadata alone has no offer.
    const auto update = session.machine.on_offer(false, metadata(), session.ports);
    CHECK(update.reply.status == 200);
    CHECK(update.documents.size() == 1);
    CHECK_FALSE(session.machine.make_own_offer(Wish::Resume));
    static_cast<void>(session.machine.on_own_refused());
    CHECK(session.machine.on_offer(true, body(sdp("sendonly")), session.ports).reply.status == 200);
}

TEST_CASE("own offer: an offer that the client refuses changes nothing but the pause",
          "[unit][session][rfc3261]") {
    Session session;
    REQUIRE(session.machine.make_own_offer(Wish::Drop, 1));
    CHECK(session.machine.on_own_refused().changes.empty());
    CHECK(session.machine.streams().size() == 2);
    CHECK(session.machine.make_own_offer(Wish::Refresh)->reply.body == session.answer);
    static_cast<void>(session.machine.on_own_refused());
    REQUIRE(session.machine.make_own_offer(Wish::Pause));
    static_cast<void>(session.machine.on_own_refused());
    CHECK(session.machine.is_paused());
    REQUIRE(session.machine.make_own_offer(Wish::Resume));
    CHECK(session.machine.on_own_refused().changes.size() == 2);
    CHECK(session.machine.is_paused());
}

TEST_CASE("own offer: none is made while an offer in a 200 waits for its ACK",
          "[unit][session][rfc3264][3311-5.2-2]") {
    Session session;
    const auto late = session.machine.on_offer(true, std::vector<BodyPart>{}, session.ports);
    REQUIRE(late.reply.status == 200);
    CHECK(count(late.reply.body, "m=audio") == 2);
    CHECK_FALSE(session.machine.make_own_offer(Wish::Pause));
    CHECK(session.machine.on_offer(false, body(sdp("sendonly")), session.ports).reply.status ==
          491);
    static_cast<void>(session.machine.on_ack(body(sdp("sendonly"))));
    CHECK(session.machine.make_own_offer(Wish::Pause));
}

TEST_CASE("own offer: a=record and a=recordpref of the client are noted",
          "[unit][session][7866-6.1.2-1]") {
    Session session;
    auto text = sdp("sendonly");
    text.insert(text.find("a=label:1"), "a=record:on\r\na=recordpref:off\r\n");
    const auto outcome = session.machine.on_offer(true, body(text), session.ports);
    REQUIRE(outcome.changes.size() == 1);
    CHECK(outcome.changes[0].stream.record == "on");
    CHECK(outcome.changes[0].stream.recordpref == "off");
}
