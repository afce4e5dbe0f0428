#include "sip/convert.hpp"

#include <catch2/catch.hpp>
#include <sofia-sip/sip_parser.h>

#include <string>

namespace {

using siprec::sip::MessagePtr;
using siprec::sip::Method;
using siprec::sip::Request;

/// What the user agent makes of a datagram.
Request read(const std::string& bytes) {
    const MessagePtr message(msg_make(sip_default_mclass(),
                                      MSG_DO_EXTRACT_COPY,
                                      bytes.data(),
                                      static_cast<ssize_t>(bytes.size())));
    REQUIRE(message);
    const sip_t* sip = sip_object(message.get());
    REQUIRE(sip != nullptr);
    Request request = siprec::sip::to_request(*sip);
    request.wire.bytes = siprec::sip::wire_bytes(message.get());
    siprec::sip::fill_from_wire(request);
    return request;
}

std::string invite(const std::string& extra, const std::string& body = "") {
    return "INVITE sip:srs@192.0.2.1 SIP/2.0\r\n"
           "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1\r\n"
           "From: \"Gate Way\" <sip:gw@192.0.2.7>;tag=a\r\n"
           "To: <sip:srs@192.0.2.1>\r\n"
           "Call-ID: call-1\r\nCSeq: 101 INVITE\r\n" +
           extra + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("sip convert: a well-formed INVITE", "[unit][sip][rfc7866][7866-6.1.1-11]") {
    const Request request =
        read(invite("Require: siprec\r\nSupported: timer, replaces\r\n"
                    "Contact: <sip:gw@192.0.2.7:5060>;+sip.src\r\n"
                    "User-Agent: Gateway/1\r\nContent-Type: application/sdp\r\n",
                    "v=0\r\n"));
    CHECK(request.method == Method::Invite);
    CHECK(request.call_id == "call-1");
    CHECK(request.from_uri == "sip:gw@192.0.2.7");
    CHECK(request.from_display == "\"Gate Way\"");
    CHECK(request.require == std::vector<std::string>{"siprec"});
    CHECK(request.supported == std::vector<std::string>{"timer", "replaces"});
    CHECK(request.contact_is_src);
    CHECK(request.user_agent == "Gateway/1");
    CHECK(request.content_type == "application/sdp");
    CHECK(request.body == "v=0\r\n");
    CHECK_FALSE(request.has_to_tag);
}

TEST_CASE("sip convert: the wire bytes come back as they were", "[unit][sip]") {
    const std::string bytes = invite(
        "X-Odd:   two   blanks\r\nRecv-Info:\r\nContent-Type:application/sdp\r\n", "v=0\r\n");
    CHECK(read(bytes).wire.bytes == bytes);
}

TEST_CASE("sip convert: every shape of the SRC feature tag", "[unit][sip][7866-6.1.1-10]") {
    const std::string contact = GENERATE(as<std::string>{},
                                         "Contact: <sip:gw@192.0.2.7>;+sip.src",
                                         "Contact: <sip:gw@192.0.2.7>;+sip.src=\"TRUE\"",
                                         "Contact: <sip:gw@192.0.2.7>;expires=60;+SIP.SRC",
                                         "Contact: <sip:gw@192.0.2.7;transport=tcp>;src",
                                         "Contact: <sip:gw@192.0.2.7;+sip.src>",
                                         "m: <sip:gw@192.0.2.7>;+sip.src",
                                         "Contact: <sip:gw@192.0.2.7;x=%>;+sip.src",
                                         "Contact: <sip:gw@192.0.2.7;+sip.src");
    CAPTURE(contact);
    CHECK(read(invite(contact + "\r\n")).contact_is_src);
}

TEST_CASE("sip convert: a plain Contact is no SRC", "[unit][sip]") {
    const std::string contact = GENERATE(as<std::string>{},
                                         "Contact: <sip:src@192.0.2.7>",
                                         "Contact: <sip:gw@192.0.2.7>;+sip.instance=\"<src>\"");
    CAPTURE(contact);
    CHECK_FALSE(read(invite(contact + "\r\n")).contact_is_src);
}

TEST_CASE("sip convert: folded headers are joined", "[unit][sip][7866-6.1.1-10]") {
    const Request request = read(invite("X-Long: one\r\n two\r\nUser-Agent: GW\r\n"));
    const auto found = std::find_if(request.headers.begin(),
                                    request.headers.end(),
                                    [](const auto& h) { return h.first == "X-Long"; });
    REQUIRE(found != request.headers.end());
    CHECK(found->second == "one two");
    CHECK(request.user_agent == "GW");
}
