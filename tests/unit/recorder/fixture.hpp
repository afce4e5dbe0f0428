#pragma once

// The library from outside: a recorder on loopback, sinks that note what they are told, and a
// client that speaks SIP by hand.

#include "support/udp_peer.hpp"

#include <siprec/recorder.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <regex>
#include <string>
#include <thread>
#include <vector>

namespace siprec::test {

using namespace std::chrono_literals;

/// What the sinks were told, in order.
struct Journal {
    std::mutex mutex;
    std::vector<std::string> events;
    std::vector<std::string> kept;
    std::atomic<int> packets = 0;
    std::atomic<bool> ended = false;

    void add(std::string event) {
        const std::lock_guard lock(mutex);
        events.push_back(std::move(event));
    }

    /// What a sink would store of a message or document.
    void keep(std::string_view text) {
        const std::lock_guard lock(mutex);
        kept.emplace_back(text);
    }

    /// Is it in anything that was kept?
    bool keeps(std::string_view text) {
        const std::lock_guard lock(mutex);
        return std::any_of(kept.begin(), kept.end(), [&](const std::string& one) {
            return one.find(text) != std::string::npos;
        });
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
        journal_.keep(message.bytes);
        const std::string first(message.bytes.substr(0, message.bytes.find("\r\n")));
        journal_.add((message.sent ? "sent " : "received ") + first.substr(0, 11));
    }

    void on_metadata(const siprec::MetadataEvent& event) override {
        journal_.keep(event.document);
        journal_.add("metadata " + std::string(event.method) + " " +
                     (event.parsed ? std::to_string(event.state.current().participants.size())
                                   : "unusable"));
    }

    std::unique_ptr<siprec::MediaSink> open_stream(const siprec::StreamInfo& stream) override {
        journal_.add("open " + stream.label);
        return std::make_unique<JournalMediaSink>(journal_, stream.label);
    }

    void on_ended(const siprec::SessionEnd& end) override {
        journal_.add("reason " + end.reason);
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
        if (session.replaces) {
            journal.add("replaces " + session.replaces->to_string());
        }
        if (session.record_aware) {
            journal.add("record-aware");
        }
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
    explicit Fixture(siprec::RecorderConfig config = {},
                     siprec::SessionPolicy& policy = siprec::default_policy()) {
        config.listeners = {{siprec::Transport::Udp, *siprec::Endpoint::parse("127.0.0.1:0")}};
        config.media.addresses = {*siprec::IpAddress::parse("127.0.0.1")};
        config.media.threads = 2;
        config.media.linger = 20ms;
        // Apart from other test programs that run at the same time.
        const auto low = static_cast<std::uint16_t>(2000 + (::getpid() % 80) * 100);
        config.media.port_low = low;
        config.media.port_high = static_cast<std::uint16_t>(low + 99);
        auto started = siprec::Recorder::start(std::move(config), factory, policy, logger);
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

    std::string start_call(const std::string& body,
                           const std::string& content_type,
                           const std::string& headers = "") {
        const std::string response =
            exchange(request("INVITE",
                             "",
                             headers + "Require: siprec\r\nContent-Type: " + content_type + "\r\n",
                             body));
        to_tag = tag_of(response);
        if (response.rfind("SIP/2.0 200", 0) == 0) {
            peer.send(sip_port, raw_request("ACK", cseq, to_tag, "", ""));
        }
        return response;
    }

    /// The next request of the recorder with this method; empty when none comes in time.
    std::string await(const std::string& method, std::chrono::milliseconds timeout = 5s) const {
        const auto deadline = std::chrono::steady_clock::now() + timeout;
        while (std::chrono::steady_clock::now() < deadline) {
            std::string message = peer.receive(100ms);
            if (message.rfind(method + " ", 0) == 0) {
                return message;
            }
        }
        return {};
    }

    static std::string header_of(const std::string& message, const std::string& name) {
        const auto at = message.find("\r\n" + name + ": ");
        if (at == std::string::npos) {
            return {};
        }
        const auto value = at + name.size() + 4;
        return message.substr(value, message.find("\r\n", value) - value);
    }

    static std::string body_of(const std::string& message) {
        return message.substr(message.find("\r\n\r\n") + 4);
    }

    /// Answers a request of the recorder. @param status  "200 OK"
    void respond(const std::string& request,
                 const std::string& status,
                 const std::string& headers = "",
                 const std::string& body = "") const {
        std::string to = header_of(request, "To");
        if (to.find(";tag=") == std::string::npos) {
            to += ";tag=src";
        }
        peer.send(
            sip_port,
            "SIP/2.0 " + status + "\r\nVia: " + header_of(request, "Via") +
                "\r\nFrom: " + header_of(request, "From") + "\r\nTo: " + to + "\r\nCall-ID: " +
                header_of(request, "Call-ID") + "\r\nCSeq: " + header_of(request, "CSeq") +
                "\r\nContact: <sip:gw@127.0.0.1:" + std::to_string(peer.port()) + ">;+sip.src\r\n" +
                headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }

    /// The id of the only session.
    [[nodiscard]] siprec::Uuid session() const { return recorder->sessions().at(0).id; }

    LineLogger logger;
    JournalFactory factory;
    std::unique_ptr<siprec::Recorder> recorder;
    UdpPeer peer;
    std::uint16_t sip_port = 0;
    int cseq = 0;
    std::string to_tag;
};

inline std::string offer(const std::string& direction = "sendonly") {
    return "v=0\r\no=gw 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
           "m=audio 40000 RTP/AVP 0\r\na=label:1\r\na=" +
           direction + "\r\nm=audio 40002 RTP/AVP 0\r\na=label:2\r\na=" + direction + "\r\n";
}

inline const std::string kDocument =
    "<?xml version=\"1.0\"?><recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">"
    "<datamode>complete</datamode><participant participant_id=\"p1\"><nameID aor=\"sip:a@x\"/>"
    "</participant><participant participant_id=\"p2\"><nameID aor=\"sip:b@x\"/></participant>"
    "</recording>";

inline std::string multipart() {
    return "--b\r\nContent-Type: application/sdp\r\n\r\n" + offer() +
           "\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n"
           "Content-Disposition: recording-session\r\n\r\n" +
           kDocument + "\r\n--b--\r\n";
}

inline std::string rtp(std::uint16_t sequence, std::uint32_t ssrc) {
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

}  // namespace siprec::test
