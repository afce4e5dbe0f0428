#include "session/recording_session.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace {

using siprec::BodyPart;
using siprec::Endpoint;
using siprec::Error;
using siprec::ErrorCode;
using siprec::IpAddress;
using siprec::Result;
using siprec::Uuid;
using siprec::session::Outcome;
using siprec::session::PortSource;
using siprec::session::RecordingSession;
using siprec::session::StreamChange;
using siprec::session::StreamPorts;
using Kind = StreamChange::Kind;

class FakePorts final : public PortSource {
  public:
    Result<StreamPorts> open(const Uuid& /*stream*/,
                             const std::optional<IpAddress>& client,
                             bool rtcp_mux) override {
        if (left == 0) {
            return Error(failure, "none left");
        }
        --left;
        last_client = client;
        const auto address = *IpAddress::parse("192.0.2.9");
        const std::uint16_t port = next;
        next = static_cast<std::uint16_t>(next + 2);
        return StreamPorts{
            .rtp = {.address = address, .port = port},
            .rtcp = {.address = address,
                     .port = static_cast<std::uint16_t>(rtcp_mux ? port : port + 1)}};
    }

    ErrorCode failure = ErrorCode::ResourceExhausted;
    int left = 100;
    std::uint16_t next = 30000;
    std::optional<IpAddress> last_client;
};

std::string sdp(const std::string& media, const std::string& version = "1") {
    return "v=0\r\no=src 1 " + version +
           " IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" + media;
}

std::string audio(int port, const std::string& label, const std::string& direction = "sendonly") {
    return "m=audio " + std::to_string(port) + " RTP/AVP 0 8\r\na=label:" + label +
           "\r\na=" + direction + "\r\n";
}

Result<std::vector<BodyPart>> body(const std::string& text) {
    return siprec::parse_body("application/sdp", "", text);
}

Result<std::vector<BodyPart>> no_body() {
    return std::vector<BodyPart>{};
}

bool has_line(const std::string& text, const std::string& line) {
    return text.find("\r\n" + line + "\r\n") != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++found;
    }
    return found;
}

RecordingSession make_session(std::size_t max_streams = 64) {
    return RecordingSession({.sdp_session_id = 77, .max_streams = max_streams});
}

}  // namespace

TEST_CASE("session: two sendonly lines are answered recvonly with their labels",
          "[unit][session][rfc7866][7866-7.2-1][7866-7.1.1-2][7866-8.4-1][7866-8.3-1]"
          "[7866-7.1-1]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome =
        session.on_offer(true, body(sdp(audio(6000, "96") + audio(6002, "97"))), ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(count(outcome.reply.body, "a=recvonly") == 2);
    CHECK(has_line(outcome.reply.body, "a=label:96"));
    CHECK(has_line(outcome.reply.body, "a=label:97"));
    REQUIRE(outcome.changes.size() == 2);
    CHECK(outcome.changes[0].kind == Kind::Open);
    CHECK(outcome.changes[0].stream.label == "96");
    CHECK(outcome.changes[1].stream.local_rtp.port == 30002);
    CHECK(outcome.changes[0].stream.remote_rtp->port == 6000);
    CHECK(outcome.changes[0].stream.remote_rtcp->port == 6001);
    CHECK(session.streams().size() == 2);
}

TEST_CASE("session: an unchanged offer keeps the version and changes nothing",
          "[unit][session][rfc3264][3264-8-1]") {
    auto session = make_session();
    FakePorts ports;
    const auto offer = body(sdp(audio(6000, "1") + audio(6002, "2")));
    const Outcome first = session.on_offer(true, offer, ports);
    const Outcome second = session.on_offer(true, offer, ports);
    CHECK(second.reply.body == first.reply.body);
    CHECK(second.changes.empty());
}

TEST_CASE("session: hold changes the streams and raises the version by one",
          "[unit][session][rfc3264][3264-8-1][8068-R5][3264-8.3-1]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome first =
        session.on_offer(true, body(sdp(audio(6000, "1") + audio(6002, "2"))), ports);
    REQUIRE(first.reply.body.find("o=siprec 77 1 ") != std::string::npos);
    const Outcome held = session.on_offer(
        true, body(sdp(audio(6000, "1", "inactive") + audio(6002, "2", "inactive"))), ports);
    CHECK(count(held.reply.body, "a=inactive") == 2);
    CHECK(held.reply.body.find("o=siprec 77 2 ") != std::string::npos);
    REQUIRE(held.changes.size() == 2);
    CHECK(held.changes[0].kind == Kind::Change);
    CHECK(held.changes[0].stream.direction == siprec::sdp::Direction::Inactive);
    CHECK(held.changes[0].stream.id == first.changes[0].stream.id);
    CHECK(held.changes[0].stream.local_rtp == first.changes[0].stream.local_rtp);
}

TEST_CASE("session: a line offered with port 0 is closed and stays in its place",
          "[unit][session][rfc7866][3264-8.2-1][7866-7.1.1.1-1][7866-7.1.1.1-2][8068-R6]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome first =
        session.on_offer(true, body(sdp(audio(6000, "1") + audio(6002, "2"))), ports);
    const Outcome second =
        session.on_offer(true, body(sdp(audio(0, "1") + audio(6002, "2"))), ports);
    REQUIRE(second.reply.status == 200);
    CHECK(count(second.reply.body, "m=audio") == 2);
    CHECK(second.reply.body.find("m=audio 0 RTP/AVP") < second.reply.body.find("m=audio 30002"));
    REQUIRE(second.changes.size() == 1);
    CHECK(second.changes[0].kind == Kind::Close);
    CHECK(second.changes[0].stream.id == first.changes[0].stream.id);
    // The slot is used again: another stream, with ports of its own.
    const Outcome third =
        session.on_offer(true, body(sdp(audio(6100, "1") + audio(6002, "2"))), ports);
    REQUIRE(third.changes.size() == 1);
    CHECK(third.changes[0].kind == Kind::Open);
    CHECK(third.changes[0].stream.id != first.changes[0].stream.id);
}

TEST_CASE("session: an SDP without m-line gets 488", "[unit][session]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome = session.on_offer(true, body(sdp("")), ports);
    CHECK(outcome.reply.status == 488);
    CHECK(outcome.reply.body.empty());
    CHECK_FALSE(outcome.notes.empty());
}

TEST_CASE("session: an SDP that does not parse gets 400 with the cause", "[unit][session]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome = session.on_offer(true, body("this is no SDP\r\n"), ports);
    CHECK(outcome.reply.status >= 400);
    CHECK(outcome.reply.status < 500);
    CHECK_FALSE(outcome.reply.warning.empty());
}

TEST_CASE("session: a damaged multipart gets 400", "[unit][session]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome =
        session.on_offer(true, siprec::parse_body("multipart/mixed", "", "x"), ports);
    CHECK(outcome.reply.status == 400);
}

TEST_CASE("session: unusable lines are refused with port 0 and the call goes on",
          "[unit][session][rfc7866][7866-8.3.1-1][3264-6-1][3264-6-2]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome = session.on_offer(
        true,
        body(sdp(audio(6000, "1") + "m=image 7000 udptl t38\r\na=label:9\r\n" + audio(6002, "2"))),
        ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(outcome.reply.body.find("m=image 0 udptl") != std::string::npos);
    CHECK(outcome.changes.size() == 2);
    CHECK(outcome.changes[1].stream.media_index == 2);
}

TEST_CASE("session: an initial offer of which nothing can be taken gets 488",
          "[unit][session][rfc7866]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome =
        session.on_offer(true, body(sdp("m=image 7000 udptl t38\r\na=label:1\r\n")), ports);
    CHECK(outcome.reply.status == 488);
    CHECK(outcome.changes.empty());
}

TEST_CASE("session: exhausted ports refuse a new session with 503 and keep a running one",
          "[unit][session]") {
    FakePorts ports;
    ports.left = 1;
    auto session = make_session();
    const Outcome outcome =
        session.on_offer(true, body(sdp(audio(6000, "1") + audio(6002, "2"))), ports);
    CHECK(outcome.reply.status == 503);
    CHECK(outcome.reply.retry_after_s > 0);
    CHECK(outcome.changes.empty());
    CHECK(session.streams().empty());

    FakePorts one;
    one.left = 1;
    auto running = make_session();
    REQUIRE(running.on_offer(true, body(sdp(audio(6000, "1"))), one).reply.status == 200);
    const Outcome more =
        running.on_offer(true, body(sdp(audio(6000, "1") + audio(6002, "2"))), one);
    CHECK(more.reply.status == 200);
    CHECK(running.streams().size() == 1);
    CHECK(more.reply.body.find("m=audio 0 RTP/AVP") != std::string::npos);
}

TEST_CASE("session: media of an address family that is not served gets 488", "[unit][session]") {
    FakePorts ports;
    ports.left = 0;
    ports.failure = ErrorCode::Unsupported;
    auto session = make_session();
    const Outcome outcome = session.on_offer(true, body(sdp(audio(6000, "1"))), ports);
    CHECK(outcome.reply.status == 488);
    CHECK(outcome.reply.retry_after_s == 0);
}

TEST_CASE("session: an INVITE without SDP gets an offer whose answer comes in the ACK",
          "[unit][session][rfc3264][8068-F9]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome = session.on_offer(true, no_body(), ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(count(outcome.reply.body, "m=audio") == 2);
    CHECK(count(outcome.reply.body, "a=recvonly") == 2);
    CHECK(outcome.changes.size() == 2);
    const Outcome acked = session.on_ack(body(sdp(audio(7000, "1") + audio(0, "2"))));
    REQUIRE(acked.changes.size() == 2);
    CHECK(acked.changes[0].kind == Kind::Change);
    CHECK(acked.changes[0].stream.remote_rtp->port == 7000);
    CHECK(acked.changes[1].kind == Kind::Close);
}

TEST_CASE("session: an offerless re-INVITE repeats the streams and adds none",
          "[unit][session][rfc7866][7866-7.2-5][8068-T6][8068-F9]") {
    auto session = make_session();
    FakePorts ports;
    REQUIRE(session.on_offer(true, body(sdp(audio(6000, "96"))), ports).reply.status == 200);
    const Outcome outcome = session.on_offer(true, no_body(), ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(count(outcome.reply.body, "m=audio") == 1);
    CHECK(has_line(outcome.reply.body, "a=label:96"));
    CHECK(outcome.changes.empty());
}

TEST_CASE("session: an UPDATE with metadata only has an empty answer and one document",
          "[unit][session][rfc7866][7866-9.2-1][7866-9.1-7]") {
    auto session = make_session();
    FakePorts ports;
    REQUIRE(session.on_offer(true, body(sdp(audio(6000, "1"))), ports).reply.status == 200);
    const Outcome outcome = session.on_offer(
        false, siprec::parse_body("application/rs-metadata+xml", "", "<recording/>"), ports);
    CHECK(outcome.reply.status == 200);
    CHECK(outcome.reply.body.empty());
    CHECK(outcome.documents.size() == 1);
    CHECK(outcome.changes.empty());
}

TEST_CASE("session: a change of rtcp-mux opens another stream",
          "[unit][session][rfc5761][5761-5.1.1-2]") {
    auto session = make_session();
    FakePorts ports;
    REQUIRE(session.on_offer(true, body(sdp(audio(6000, "1"))), ports).reply.status == 200);
    const Outcome outcome =
        session.on_offer(true, body(sdp(audio(6000, "1") + "a=rtcp-mux\r\n")), ports);
    REQUIRE(outcome.changes.size() == 2);
    CHECK(outcome.changes[0].kind == Kind::Close);
    CHECK(outcome.changes[1].kind == Kind::Open);
    CHECK(outcome.changes[1].stream.local_rtcp == outcome.changes[1].stream.local_rtp);
    CHECK(has_line(outcome.reply.body, "a=rtcp-mux"));
}

TEST_CASE("session: lines beyond the limit are refused", "[unit][session]") {
    auto session = make_session(1);
    FakePorts ports;
    const Outcome outcome =
        session.on_offer(true, body(sdp(audio(6000, "1") + audio(6002, "2"))), ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(outcome.changes.size() == 1);
    CHECK(outcome.reply.body.find("m=audio 0 RTP/AVP") != std::string::npos);
}

TEST_CASE("session: audio and video of both parties are four streams",
          "[unit][session][rfc7866][7866-8.4-1][7866-8.4-2][8068-F1]") {
    const auto video = [](int port, const char* label) {
        return "m=video " + std::to_string(port) +
               " RTP/AVPF 98\r\na=rtpmap:98 H264/90000\r\na=sendonly\r\na=label:" + label + "\r\n";
    };
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome = session.on_offer(true,
                                             body(sdp(audio(49170, "96") + video(49174, "97") +
                                                      audio(51372, "98") + video(49176, "99"))),
                                             ports);
    REQUIRE(outcome.reply.status == 200);
    REQUIRE(outcome.changes.size() == 4);
    std::vector<std::string> streams;
    for (const auto& change : outcome.changes) {
        CHECK(change.kind == Kind::Open);
        CHECK(change.stream.direction == siprec::sdp::Direction::RecvOnly);
        streams.push_back(change.stream.media_type + change.stream.label);
    }
    CHECK(streams == std::vector<std::string>{"audio96", "video97", "audio98", "video99"});
    CHECK(count(outcome.reply.body, "RTP/AVPF 98") == 2);
    CHECK(count(outcome.reply.body, "a=recvonly") == 4);
}

TEST_CASE("session: one mixed line or very many lines are taken",
          "[unit][session][rfc7866][7866-8.4-3][8068-F6]") {
    const int lines = GENERATE(1, 8, 32);
    auto session = make_session();
    FakePorts ports;
    std::string media;
    for (int i = 0; i < lines; ++i) {
        media += audio(6000 + 2 * i, std::to_string(i));
    }
    const Outcome outcome = session.on_offer(true, body(sdp(media)), ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(outcome.changes.size() == static_cast<std::size_t>(lines));
    CHECK(count(outcome.reply.body, "a=recvonly") == static_cast<std::size_t>(lines));
}

TEST_CASE("session: a second offer right behind the first is answered",
          "[unit][session][rfc7866][7866-8.3.1-10][8068-R6]") {
    auto session = make_session();
    FakePorts ports;
    REQUIRE(session.on_offer(true, body(sdp(audio(6000, "m"))), ports).reply.status == 200);
    const Outcome outcome =
        session.on_offer(true, body(sdp(audio(6000, "a") + audio(6002, "b"))), ports);
    REQUIRE(outcome.reply.status == 200);
    REQUIRE(outcome.changes.size() == 2);
    CHECK(outcome.changes[0].kind == Kind::Change);
    CHECK(outcome.changes[0].stream.label == "a");
    CHECK(outcome.changes[1].kind == Kind::Open);
    CHECK(outcome.changes[1].stream.label == "b");
}

TEST_CASE("session: missing and doubled labels cost no stream",
          "[unit][session][rfc7866][7866-7.1.1-11]") {
    auto session = make_session();
    FakePorts ports;
    const std::string unlabelled = "m=audio 6004 RTP/AVP 0\r\na=sendonly\r\n";
    const Outcome outcome =
        session.on_offer(true, body(sdp(audio(6000, "1") + audio(6002, "1") + unlabelled)), ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(outcome.changes.size() == 3);
    CHECK(count(outcome.reply.body, "a=label:") == 2);
}

TEST_CASE("session: labels that change places with new metadata name the streams anew",
          "[unit][session][rfc7866][7866-7.1.1-1]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome first =
        session.on_offer(true, body(sdp(audio(6000, "1") + audio(6002, "2"))), ports);
    const Outcome swapped =
        session.on_offer(true, body(sdp(audio(6000, "2") + audio(6002, "1"))), ports);
    REQUIRE(swapped.changes.size() == 2);
    CHECK(swapped.changes[0].stream.id == first.changes[0].stream.id);
    CHECK(swapped.changes[0].stream.label == "2");
    CHECK(swapped.changes[1].stream.label == "1");
    CHECK(has_line(swapped.reply.body, "a=label:2"));
}

namespace {

/// Two audio lines and one of text that a client bundles.
std::string bundled(const std::string& group, const std::string& second = "6000") {
    const std::string mid = "a=rtcp-mux\r\na=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    return "v=0\r\no=src 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" +
           group + audio(6000, "1") + mid + "a=mid:a\r\n" + "m=audio " + second +
           " RTP/AVP 0 8\r\na=label:2\r\na=sendonly\r\na=bundle-only\r\n" + mid + "a=mid:b\r\n" +
           "m=text 6004 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\na=label:3\r\na=sendonly\r\n"
           "a=mid:c\r\n";
}

}  // namespace

TEST_CASE("session: bundled lines share the port of the tagged one",
          "[unit][session][rfc9143][9143-7.3-1][9143-7.1.3-1][9143-9.3-1]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome outcome =
        session.on_offer(true, body(bundled("a=group:BUNDLE a b\r\n", "0")), ports);
    REQUIRE(outcome.reply.status == 200);
    CHECK(has_line(outcome.reply.body, "a=group:BUNDLE a b"));
    CHECK(count(outcome.reply.body, "m=audio 30000 RTP/AVP") == 2);
    CHECK(count(outcome.reply.body, "m=text 30002 RTP/AVP") == 1);
    CHECK(count(outcome.reply.body, "a=rtcp-mux\r\n") == 1);
    CHECK(count(outcome.reply.body, "a=rtcp:") == 0);
    CHECK(count(outcome.reply.body, "bundle-only") == 0);
    CHECK(count(outcome.reply.body, "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid") == 2);
    REQUIRE(outcome.changes.size() == 3);
    const auto& tagged = outcome.changes[0].stream;
    const auto& other = outcome.changes[1].stream;
    REQUIRE(tagged.bundled);
    REQUIRE(other.bundled);
    CHECK(tagged.bundled->transport == tagged.id);
    CHECK(other.bundled->transport == tagged.id);
    CHECK(other.bundled->mid == "b");
    CHECK(other.bundled->mid_extension == 3);
    CHECK(other.label == "2");
    CHECK(other.local_rtp == tagged.local_rtp);
    CHECK(other.local_rtcp == tagged.local_rtp);
    CHECK(other.remote_rtp == tagged.remote_rtp);
    CHECK_FALSE(outcome.changes[2].stream.bundled);
    // The offer repeated, with the one address that a bundle has by now.
    const Outcome again = session.on_offer(true, body(bundled("a=group:BUNDLE a b\r\n")), ports);
    CHECK(again.changes.empty());
    CHECK(again.reply.body == outcome.reply.body);
    // An offer of ours says the same.
    const Outcome own = session.on_offer(true, no_body(), ports);
    CHECK(has_line(own.reply.body, "a=group:BUNDLE a b"));
    CHECK(count(own.reply.body, "m=audio 30000 RTP/AVP") == 2);
}

TEST_CASE("session: a line that is not bundled keeps its own port",
          "[unit][session][rfc9143][9143-7.3-1][9143-7.3.3-1]") {
    auto session = make_session();
    FakePorts ports;
    SECTION("no group: a bundle-only line stays refused") {
        const Outcome outcome = session.on_offer(true, body(bundled("", "0")), ports);
        REQUIRE(outcome.changes.size() == 2);
        CHECK(count(outcome.reply.body, "group") == 0);
        CHECK(count(outcome.reply.body, "m=audio 0 RTP/AVP") == 1);
        CHECK(count(outcome.reply.body, "bundle-only") == 0);
    }
    SECTION("a refused line is not in the group") {
        auto offer = bundled("a=group:BUNDLE a d b\r\n", "0");
        offer += "m=image 6006 udptl t38\r\na=mid:d\r\n";
        const Outcome outcome = session.on_offer(true, body(offer), ports);
        CHECK(has_line(outcome.reply.body, "a=group:BUNDLE a b"));
        CHECK(count(outcome.reply.body, "m=image 0 ") == 1);
        CHECK(count(outcome.reply.body, "a=mid:d") == 0);
    }
    SECTION("a bundle given up opens the streams anew") {
        REQUIRE(session.on_offer(true, body(bundled("a=group:BUNDLE a b\r\n", "0")), ports)
                    .reply.status == 200);
        const Outcome apart = session.on_offer(true, body(bundled("", "6002")), ports);
        CHECK(count(apart.reply.body, "group") == 0);
        const auto opened = std::ranges::count(apart.changes, Kind::Open, &StreamChange::kind);
        CHECK(opened == 1);
        CHECK(session.streams().at(0).local_rtp != session.streams().at(1).local_rtp);
    }
    SECTION("the tagged line goes and the other gets a port of its own") {
        REQUIRE(session.on_offer(true, body(bundled("a=group:BUNDLE a b\r\n", "0")), ports)
                    .reply.status == 200);
        auto offer = bundled("a=group:BUNDLE b\r\n", "6002");
        offer.replace(offer.find("m=audio 6000"), 12, "m=audio 0");
        const Outcome outcome = session.on_offer(true, body(offer), ports);
        CHECK(count(outcome.reply.body, "m=audio 0 RTP/AVP") == 1);
        REQUIRE(session.streams().size() == 2);
        CHECK_FALSE(session.streams().at(0).bundled);
    }
}

TEST_CASE("session: an UPDATE with SDP of no use leaves everything as it was",
          "[unit][session][rfc3311][3311-5.2-3]") {
    auto session = make_session();
    FakePorts ports;
    const Outcome first = session.on_offer(true, body(sdp(audio(6000, "1"))), ports);
    const Outcome refused = session.on_offer(false, body(sdp("")), ports);
    CHECK(refused.reply.status == 488);
    CHECK(refused.changes.empty());
    REQUIRE(session.streams().size() == 1);
    CHECK(session.streams()[0].local_rtp == first.changes[0].stream.local_rtp);
    CHECK(session.on_offer(false, body(sdp(audio(6000, "1"))), ports).reply.body ==
          first.reply.body);
}
