#include "offer.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using srcsim::MediaOffer;
using srcsim::Message;

namespace {

struct Row {
    const char* what;
    const char* contact;
    const char* type;
    std::string body;
    std::vector<std::string> problems;
};

constexpr const char* kContact = "<sip:rec@127.0.0.1>;+sip.srs";
constexpr const char* kSdp = "application/sdp";

std::string stream(const char* port, const char* format, const char* attributes) {
    return std::string{"m=audio "} + port + " RTP/AVP " + format + "\r\n" + attributes;
}

std::string sdp(const std::string& first, const std::string& second) {
    return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + first +
           second;
}

const std::string& good_second() {
    static const std::string kStream = stream("30002", "0", "a=recvonly\r\na=label:2\r\n");
    return kStream;
}

std::string good() {
    return sdp(stream("30000", "0", "a=recvonly\r\na=label:1\r\n"), good_second());
}

MediaOffer offer() {
    MediaOffer out;
    out.labels = {"1", "2"};
    out.format = {0, "PCMU", 8000, 1, {}};
    return out;
}

Message response(const char* contact, const char* type, const std::string& body) {
    Message out;
    out.status = 200;
    if (*contact != '\0') {
        out.add("Contact", contact);
    }
    out.add("Content-Type", type);
    out.body = body;
    return out;
}

std::vector<Row> table() {
    using Problems = std::vector<std::string>;
    const std::string multipart =
        "--b\r\nContent-Type: application/sdp\r\n\r\n" + good() + "\r\n--b--\r\n";
    return {
        {"good", kContact, kSdp, good(), {}},
        {"type with parameters", kContact, "Application/SDP; charset=utf-8", good(), {}},
        {"inactive",
         kContact,
         kSdp,
         sdp(stream("30000", "0", "a=inactive\r\na=label:1\r\n"), good_second()),
         {}},
        {"no Contact", "", kSdp, good(), Problems{"no Contact"}},
        {"no feature tag", "<sip:rec@127.0.0.1>", kSdp, good(), Problems{"no +sip.srs in Contact"}},
        {"tag in URI",
         "<sip:rec@127.0.0.1;+sip.srs>",
         kSdp,
         good(),
         Problems{"+sip.srs inside the brackets of Contact"}},
        {"no body", kContact, kSdp, "", Problems{"no SDP"}},
        {"multipart",
         kContact,
         "multipart/mixed;boundary=b",
         multipart,
         Problems{"body is not plain application/sdp"}},
        {"no SDP at all", kContact, kSdp, "hello", Problems{"SDP malformed"}},
        {"one m-line",
         kContact,
         kSdp,
         sdp("", good_second()),
         Problems{"number of m-lines changed"}},
        {"label missing",
         kContact,
         kSdp,
         sdp(stream("30000", "0", "a=recvonly\r\n"), good_second()),
         Problems{"label missing"}},
        {"labels swapped",
         kContact,
         kSdp,
         sdp(good_second(), stream("30000", "0", "a=recvonly\r\na=label:1\r\n")),
         Problems{"label changed", "label changed"}},
        {"sendrecv",
         kContact,
         kSdp,
         sdp(stream("30000", "0", "a=label:1\r\n"), good_second()),
         Problems{"direction sendrecv"}},
        {"sendonly",
         kContact,
         kSdp,
         sdp(stream("30000", "0", "a=sendonly\r\na=label:1\r\n"), good_second()),
         Problems{"direction sendonly"}},
        {"refused",
         kContact,
         kSdp,
         sdp(stream("0", "0", "a=label:1\r\n"), good_second()),
         Problems{"stream refused"}},
        {"other format",
         kContact,
         kSdp,
         sdp(stream("30000", "8", "a=recvonly\r\na=label:1\r\n"), good_second()),
         Problems{"offered format not in the answer"}},
    };
}

}  // namespace

TEST_CASE("siprec-src answer: each flaw of an answer is named", "[unit][siprec-src][rfc7866]") {
    for (const Row& row : table()) {
        INFO(row.what);
        const auto answer =
            srcsim::check_answer(response(row.contact, row.type, row.body), offer());
        CHECK(answer.problems == row.problems);
    }
}

TEST_CASE("siprec-src answer: streams go where the answer says", "[unit][siprec-src][rfc3605]") {
    const auto answer = srcsim::check_answer(
        response(kContact,
                 kSdp,
                 sdp(stream("30000",
                            "0",
                            "c=IN IP4 127.0.0.9\r\na=rtcp:31000\r\na=recvonly\r\na=label:1\r\n"),
                     stream("30002", "0", "a=inactive\r\na=label:2\r\n"))),
        offer());
    REQUIRE(answer.streams.size() == 2);
    CHECK(answer.streams[0].rtp.to_string() == "127.0.0.9:30000");
    CHECK(answer.streams[0].rtcp.port == 31000);
    CHECK(answer.streams[0].is_active);
    CHECK(answer.streams[1].rtcp.to_string() == "127.0.0.1:30003");
    CHECK_FALSE(answer.streams[1].is_active);
}

TEST_CASE("siprec-src answer: media can still flow when the answer is a multipart",
          "[unit][siprec-src][rfc7866]") {
    const auto answer = srcsim::check_answer(
        response(kContact,
                 "multipart/mixed;boundary=b",
                 "--b\r\nContent-Type: application/sdp\r\n\r\n" + good() + "\r\n--b--\r\n"),
        offer());
    CHECK(answer.problems.size() == 1);
    CHECK(answer.streams.size() == 2);
}
