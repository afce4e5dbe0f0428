#include "tls/via_rewriter.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace siprec::tls;
using siprec::Endpoint;

namespace {

const Endpoint kClient = *Endpoint::parse("192.0.2.7:4000");
const Endpoint kOurs = *Endpoint::parse("198.51.100.1:5061");

std::string mark(std::string head) {
    return "<" + head + ">";
}

}  // namespace

TEST_CASE("via rewriter: the transport changes however the Via is written", "[unit][tls][sip]") {
    const std::array<std::string, 5> lines{
        "Via: SIP/2.0/TLS a;branch=1",
        "v:SIP/2.0/TLS a;branch=1",
        "VIA : SIP / 2.0 / TLS  a;branch=1",
        "Via:\r\n SIP/2.0/TLS\r\n a;branch=1",
        "Subject: Via: x\r\nVia: SIP/2.0/TLS a;branch=1, SIP/2.0/UDP b",
    };
    for (const std::string& line : lines) {
        const std::string head = "INVITE sip:a SIP/2.0\r\n" + line + "\r\nl: 0\r\n\r\n";
        std::string expected = head;
        expected.replace(expected.find("TLS"), 3, "TCP");
        CHECK(with_transport(head, "TCP") == expected);
    }
}

TEST_CASE("via rewriter: a head without a usable Via stays as it is", "[unit][tls][sip]") {
    for (const std::string& head : {std::string("INVITE sip:a SIP/2.0\r\n\r\n"),
                                    std::string("junk"),
                                    std::string("x\r\nVia:\r\n\r\n"),
                                    std::string("x\r\nVia: SIP/2.0\r\n\r\n"),
                                    std::string("x\nVia: a/b/")}) {
        CHECK(with_transport(head, "TCP") == head);
        CHECK(for_client(head, kClient, kOurs) == head);
    }
}

TEST_CASE("via rewriter: responses name the client and requests name us", "[unit][tls][sip]") {
    CHECK(for_client(
              "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP pbx;rport=61000;branch=1;received=127.0.0.1, "
              "SIP/2.0/TCP x;rport=1\r\n\r\n",
              kClient,
              kOurs) ==
          "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS "
          "pbx;rport=4000;branch=1;received=192.0.2.7, "
          "SIP/2.0/TCP x;rport=1\r\n\r\n");
    CHECK(for_client("BYE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:61000;branch=1;rport\r\n\r\n",
                     kClient,
                     kOurs) ==
          "BYE sip:a SIP/2.0\r\nVia: SIP/2.0/TLS 198.51.100.1:5061;branch=1;rport\r\n\r\n");
}

TEST_CASE("via rewriter: messages are found in a stream cut anywhere", "[unit][tls][sip]") {
    const std::string first = "INVITE a SIP/2.0\r\nContent-Length: 5\r\n\r\n";
    const std::string second = "BYE a SIP/2.0\nl: 0\n\n";
    const std::string stream = "\r\n\r\n" + first + "ab\r\nc" + "\r\n" + second + first + "12345";
    const std::string expected =
        "\r\n\r\n<" + first + ">ab\r\nc\r\n<" + second + "><" + first + ">12345";
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        StreamRewriter rewriter(1000);
        std::string out;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            REQUIRE(rewriter.push(std::string_view(stream).substr(at, piece), out, mark));
        }
        CHECK(out == expected);
    }
}

TEST_CASE("via rewriter: an endless head ends the stream", "[unit][tls][sip]") {
    StreamRewriter rewriter(100);
    std::string out;
    CHECK(rewriter.push(std::string(100, 'x'), out, mark));
    CHECK_FALSE(rewriter.push("x", out, mark));
    CHECK(out.empty());
}
