// The library from outside: SIP and RTP over loopback in, calls of the sinks out.
#include "support/udp_peer.hpp"

#include <siprec/recorder.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <mutex>
#include <regex>
#include <string>
#include <thread>

namespace {

using siprec::test::UdpPeer;
using namespace std::chrono_literals;

/// What the sinks were told, in order.
struct Journal {
    std::mutex mutex;
    std::vector<std::string> events;
    std::atomic<int> packets = 0;
    std::atomic<bool> ended = false;

    void add(std::string event) {
        const std::lock_guard lock(mutex);
        events.push_back(std::move(event));
    }

    std::vector<std::string> copy() {
        const std::lock_guard lock(mutex);
        return events;
    }

    bool contains(const std::string& event) {
        const auto all = copy();
        return std::find(all.begin(), all.end(), event) != all.end();
    }
};

class JournalMediaSink final : public siprec::MediaSink {
  public:
    JournalMediaSink(Journal& journal, std::string label)
        : journal_(journal), label_(std::move(label)) {}

    void on_rtp(const siprec::RtpPacket& /*packet*/) override { ++journal_.packets; }

    void on_changed(const siprec::StreamInfo& stream) override {
        journal_.add("changed " + label_ + " " + std::string(to_string(stream.direction)));
    }

    void on_closed(const siprec::StreamStats& stats, siprec::WallTime /*when*/) override {
        journal_.add("closed " + label_ + " " + std::to_string(stats.packets));
    }

  private:
    Journal& journal_;
    std::string label_;
};

class JournalSessionSink final : public siprec::SessionSink {
  public:
    explicit JournalSessionSink(Journal& journal) : journal_(journal) {}

    void on_sip(const siprec::SipMessage& message) override {
        const std::string first(message.bytes.substr(0, message.bytes.find("\r\n")));
        journal_.add((message.sent ? "sent " : "received ") + first.substr(0, 11));
    }

    void on_metadata(const siprec::MetadataEvent& event) override {
        journal_.add("metadata " + std::string(event.method) + " " +
                     (event.parsed ? std::to_string(event.state.current().participants.size())
                                   : "unusable"));
    }

    std::unique_ptr<siprec::MediaSink> open_stream(const siprec::StreamInfo& stream) override {
        journal_.add("open " + stream.label);
        return std::make_unique<JournalMediaSink>(journal_, stream.label);
    }

    void on_ended(const siprec::SessionEnd& end) override {
        journal_.add("ended " + std::string(to_string(end.cause)));
        journal_.ended = true;
    }

  private:
    Journal& journal_;
};

class JournalFactory final : public siprec::SessionSinkFactory {
  public:
    std::unique_ptr<siprec::SessionSink> open_session(const siprec::SessionInfo& session) override {
        journal.add("session " + session.call_id);
        return std::make_unique<JournalSessionSink>(journal);
    }

    Journal journal;
};

class LineLogger final : public siprec::Logger {
  public:
    void write(siprec::LogLevel /*level*/,
               std::string_view component,
               std::string_view message,
               std::span<const siprec::LogField> /*fields*/) noexcept override {
        lines.add(std::string(component) + ": " + std::string(message));
    }

    Journal lines;
};

template <typename Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

/// A recorder on loopback, and a client that speaks SIP to it by hand.
class Fixture {
  public:
    explicit Fixture(siprec::RecorderConfig config = {}) {
        config.listeners = {{siprec::Transport::Udp, *siprec::Endpoint::parse("127.0.0.1:0")}};
        config.media.addresses = {*siprec::IpAddress::parse("127.0.0.1")};
        config.media.threads = 2;
        config.media.linger = 20ms;
        // Apart from other test programs that run at the same time.
        const auto low = static_cast<std::uint16_t>(20000 + (::getpid() % 400) * 100);
        config.media.port_low = low;
        config.media.port_high = static_cast<std::uint16_t>(low + 99);
        auto started =
            siprec::Recorder::start(std::move(config), factory, siprec::default_policy(), logger);
        REQUIRE(started);
        recorder = std::move(*started);
        sip_port = recorder->listeners().front().endpoint.port;
        REQUIRE(sip_port != 0);
    }

    std::string request(const std::string& method,
                        const std::string& tag,
                        const std::string& headers,
                        const std::string& body = "") {
        ++cseq;
        return raw_request(method, cseq, tag, headers, body);
    }

    std::string raw_request(const std::string& method,
                            int sequence,
                            const std::string& tag,
                            const std::string& headers,
                            const std::string& body) const {
        const std::string client = "127.0.0.1:" + std::to_string(peer.port());
        return method + " sip:srs@127.0.0.1:" + std::to_string(sip_port) + " SIP/2.0\r\n" +
               "Via: SIP/2.0/UDP " + client + ";branch=z9hG4bK" + method +
               std::to_string(sequence) + "\r\nFrom: <sip:gw@" + client +
               ">;tag=src\r\nTo: <sip:srs@127.0.0.1>" + (tag.empty() ? "" : ";tag=" + tag) +
               "\r\nCall-ID: call-" + std::to_string(peer.port()) +
               "\r\nCSeq: " + std::to_string(sequence) + " " + (method) +
               "\r\nMax-Forwards: 70\r\nContact: <sip:gw@" + client + ">;+sip.src\r\n" + headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    std::string exchange(const std::string& message) {
        peer.send(sip_port, message);
        std::string response;
        do {
            response = peer.receive();
        } while (response.rfind("SIP/2.0 1", 0) == 0);
        return response;
    }

    static std::string tag_of(const std::string& response) {
        std::smatch match;
        const bool found =
            std::regex_search(response, match, std::regex("\nTo:[^\r]*;tag=([^;\r]+)"));
        return found ? match[1].str() : "";
    }

    static std::vector<int> ports_of(const std::string& response) {
        std::vector<int> ports;
        const std::regex line("m=audio ([0-9]+) ");
        for (std::sregex_iterator it(response.begin(), response.end(), line), end; it != end;
             ++it) {
            ports.push_back(std::stoi((*it)[1]));
        }
        return ports;
    }

    std::string start_call(const std::string& body, const std::string& content_type) {
        const std::string response = exchange(request(
            "INVITE", "", "Require: siprec\r\nContent-Type: " + content_type + "\r\n", body));
        to_tag = tag_of(response);
        if (response.rfind("SIP/2.0 200", 0) == 0) {
            peer.send(sip_port, raw_request("ACK", cseq, to_tag, "", ""));
        }
        return response;
    }

    LineLogger logger;
    JournalFactory factory;
    std::unique_ptr<siprec::Recorder> recorder;
    UdpPeer peer;
    std::uint16_t sip_port = 0;
    int cseq = 0;
    std::string to_tag;
};

std::string offer(const std::string& direction = "sendonly") {
    return "v=0\r\no=gw 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
           "m=audio 40000 RTP/AVP 0\r\na=label:1\r\na=" +
           direction + "\r\nm=audio 40002 RTP/AVP 0\r\na=label:2\r\na=" + direction + "\r\n";
}

const std::string kDocument =
    "<?xml version=\"1.0\"?><recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">"
    "<datamode>complete</datamode><participant participant_id=\"p1\"><nameID aor=\"sip:a@x\"/>"
    "</participant><participant participant_id=\"p2\"><nameID aor=\"sip:b@x\"/></participant>"
    "</recording>";

std::string multipart() {
    return "--b\r\nContent-Type: application/sdp\r\n\r\n" + offer() +
           "\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n"
           "Content-Disposition: recording-session\r\n\r\n" +
           kDocument + "\r\n--b--\r\n";
}

std::string rtp(std::uint16_t sequence, std::uint32_t ssrc) {
    std::string packet(12 + 160, '\0');
    packet[0] = static_cast<char>(0x80);
    packet[2] = static_cast<char>(sequence >> 8U);
    packet[3] = static_cast<char>(sequence & 0xFFU);
    const std::uint32_t timestamp = sequence * 160U;
    for (std::size_t i = 0; i < 4; ++i) {
        packet[4 + i] = static_cast<char>((timestamp >> (24 - 8 * i)) & 0xFFU);
        packet[8 + i] = static_cast<char>((ssrc >> (24 - 8 * i)) & 0xFFU);
    }
    return packet;
}

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
