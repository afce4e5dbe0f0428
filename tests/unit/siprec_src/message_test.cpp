#include "message.hpp"

#include <catch2/catch.hpp>

#include <string>

using srcsim::Message;

TEST_CASE("siprec-src message: a response is read when names are compact and lines folded",
          "[unit][siprec-src][rfc3261]") {
    const auto message = srcsim::parse_message(
        "SIP/2.0 200 All good\r\nv: SIP/2.0/UDP 127.0.0.1\r\nf: <sip:a@b>;tag=1\r\n"
        "t: <sip:c@d>\r\n ;tag=2\r\ni: id-1\r\nCSEQ: 7 INVITE\r\nl: 3\r\n\r\nabcdef");
    REQUIRE(message);
    CHECK_FALSE(message->is_request());
    CHECK(message->status == 200);
    CHECK(message->reason == "All good");
    CHECK(message->value("Call-ID") == "id-1");
    CHECK(message->value("to") == "<sip:c@d> ;tag=2");
    CHECK(message->value("CSeq") == "7 INVITE");
    CHECK(message->body == "abc");
}

TEST_CASE("siprec-src message: a request survives writing and reading",
          "[unit][siprec-src][rfc3261]") {
    Message request;
    request.method = "OPTIONS";
    request.uri = "sip:rec@[::1]:5060";
    request.add("Via", "SIP/2.0/UDP one");
    request.add("Via", "SIP/2.0/UDP two");
    request.body = "hello";
    const auto read = srcsim::parse_message(request.to_text());
    REQUIRE(read);
    CHECK(read->method == "OPTIONS");
    CHECK(read->uri == request.uri);
    CHECK(read->values("via").size() == 2);
    CHECK(read->value("Content-Length") == "5");
    CHECK(read->body == "hello");
}

TEST_CASE("siprec-src message: text that is not SIP is refused", "[unit][siprec-src][rfc3261]") {
    const std::string text = GENERATE("",
                                      "GET / HTTP/1.1\r\n\r\n",
                                      "SIP/2.0 abc OK\r\n\r\n",
                                      "SIP/2.0 99 Low\r\n\r\n",
                                      "INVITE sip:a@b\r\n\r\n",
                                      "SIP/2.0 200 OK\r\nno colon here\r\n\r\n");
    CHECK_FALSE(srcsim::parse_message(text));
}

TEST_CASE("siprec-src message: a name-addr keeps URI and header parameters apart",
          "[unit][siprec-src][rfc3261]") {
    const auto inside = srcsim::parse_name_addr("\"A <,>;x\" <sip:a@b;lr;+sip.srs>;Expires=\"3\"");
    REQUIRE(inside);
    CHECK(inside->display == "A <,>;x");
    CHECK(inside->uri == "sip:a@b;lr;+sip.srs");
    CHECK(inside->param("+sip.srs") == nullptr);
    REQUIRE(inside->param("expires") != nullptr);
    CHECK(*inside->param("expires") == "3");

    const auto bare = srcsim::parse_name_addr("sip:a@b;+sip.srs, sip:other@b");
    REQUIRE(bare);
    CHECK(bare->uri == "sip:a@b");
    CHECK(bare->param("+SIP.SRS") != nullptr);
    CHECK_FALSE(srcsim::parse_name_addr("<sip:never-closed"));
}

TEST_CASE("siprec-src message: a SIP URI is taken apart for the next hop",
          "[unit][siprec-src][rfc3261]") {
    const auto uri = srcsim::parse_sip_uri("SIP:rec@[2001:db8::1]:5070;transport=TCP;lr?x=y");
    REQUIRE(uri);
    CHECK(uri->user == "rec");
    CHECK(uri->host == "2001:db8::1");
    CHECK(uri->port == 5070);
    CHECK(uri->transport == "tcp");
    const auto plain = srcsim::parse_sip_uri("sip:192.0.2.1");
    REQUIRE(plain);
    CHECK(plain->host == "192.0.2.1");
    CHECK_FALSE(plain->port);
    const std::string bad = GENERATE("tel:+49", "sip:", "sip:a@b:port", "sip:a@[::1", "rec@host");
    CHECK_FALSE(srcsim::parse_sip_uri(bad));
}

TEST_CASE("siprec-src message: a stream is cut into messages wherever the reads fall",
          "[unit][siprec-src][rfc3261]") {
    Message one;
    one.status = 200;
    one.reason = "OK";
    one.body = "12345";
    const std::string text = "\r\n\r\n" + one.to_text() + one.to_text();
    const std::size_t step = GENERATE(1U, 7U, 1000U);
    srcsim::StreamFramer framer;
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += step) {
        framer.push(std::string_view{text}.substr(at, step));
        for (auto next = framer.next(); next && next->has_value(); next = framer.next()) {
            CHECK((*next)->body == "12345");
            ++count;
        }
    }
    CHECK(count == 2);
}

TEST_CASE("siprec-src message: a stream that is not SIP is an error",
          "[unit][siprec-src][rfc3261]") {
    srcsim::StreamFramer framer;
    framer.push("HTTP/1.1 400 Bad Request\r\n\r\n");
    CHECK_FALSE(framer.next());
}
