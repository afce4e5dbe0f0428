#include "cli/explanation.hpp"

#include "cli/siprecctl.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

using nlohmann::ordered_json;
using siprec::server::explain;
using siprec::server::explanation_text;

namespace {

const std::string kSdp =
    "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=label:1\r\na=sendonly\r\n"
    "m=audio 6002 RTP/AVP 8\r\na=label:2\r\na=inactive\r\n";

const std::string kXml =
    "<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\"><datamode>complete</datamode>"
    "<session session_id=\"cw==\"/><participant participant_id=\"cDE=\"><nameID aor=\"sip:ann@x\">"
    "<name>Ann</name></nameID></participant><stream stream_id=\"czE=\" session_id=\"cw==\"><label>1"
    "</label></stream><participantstreamassoc participant_id=\"cDE=\"><send>czE=</send>"
    "</participantstreamassoc><call xmlns=\"urn:x\"><id>77</id></call></recording>";

std::string invite(const std::string& headers) {
    const std::string body = "--b\r\nContent-Type: application/sdp\r\n\r\n" + kSdp +
                             "\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n"
                             "Content-Disposition: recording-session\r\n\r\n" +
                             kXml + "\r\n--b--\r\n";
    return "INVITE sip:srs@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
           "From: <sip:src@x>;tag=1\r\nTo: <sip:srs@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n" +
           headers + "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool breaks(const ordered_json& explanation, const std::string& rule) {
    return std::ranges::any_of(explanation["breaches"], [&](const ordered_json& breach) {
        return breach["rule"].get<std::string>().find(rule) != std::string::npos;
    });
}

}  // namespace

TEST_CASE("explain: says what an INVITE means", "[unit][cli]") {
    const auto said = explain(invite("Require: siprec\r\nContact: <sip:src@x>;+sip.src\r\n"));
    CHECK(said["understood"] == true);
    CHECK(said["recording_session"] == true);
    CHECK(said["parts"].size() == 2);
    REQUIRE(said["media"].size() == 2);
    CHECK(said["media"][0]["answer"] == "recvonly");
    CHECK(said["media"][1]["answer"] == "inactive");
    CHECK(said["metadata"]["dialect"] == "rfc7865");
    CHECK(said["senders"][0] ==
          ordered_json(
              {{"participant", "Ann"}, {"label", "1"}, {"stream", "czE="}, {"guess", false}}));
    CHECK(said["kept"][0] == ordered_json({{"where", "recording/call/id"}, {"value", "77"}}));
    // The second m-line has no stream: that, and nothing else, is against the rules.
    CHECK(said["breaches"].size() == 1);
    CHECK(breaks(said, "RFC 7865 6.7"));
    const std::string text = explanation_text(said);
    CHECK(text.find("Ann sends label 1") != std::string::npos);
}

TEST_CASE("explain: names the rules that are broken", "[unit][cli]") {
    const auto said = explain(invite("Contact: <sip:src@x>;src\r\n"));
    CHECK(said["recording_session"] == true);
    CHECK(breaks(said, "quirk: no Require"));
    CHECK(breaks(said, "quirk: Contact tag ;src"));
    std::string longer = invite("Require: siprec\r\n");
    longer.replace(longer.find("--b--"), 5, "");
    const auto cut = explain(longer);
    CHECK(breaks(cut, "RFC 3261 18.3"));
    CHECK(breaks(cut, "RFC 2046 5.1.1"));
}

TEST_CASE("explain: reads a document, an SDP and a response by themselves", "[unit][cli]") {
    CHECK(explain(kXml)["metadata"]["participants"].size() == 1);
    CHECK(explain(kSdp)["media"].size() == 2);
    const auto answer =
        explain("SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n" + kSdp);
    CHECK(answer["message"]["status"] == 200);
    CHECK(answer["media"].size() == 2);
    CHECK(explain("nothing of the kind")["understood"] == false);
    CHECK(explain("")["understood"] == false);
}

TEST_CASE("siprecctl: explains a file when there is no server", "[unit][cli]") {
    const auto path = std::filesystem::temp_directory_path() / "siprecctl-explain-test.sip";
    const auto run = [&](std::vector<std::string> arguments) {
        std::ostringstream out;
        std::ostringstream err;
        const int status = siprec::server::run_siprecctl(std::move(arguments), out, err);
        return std::pair(status, out.str());
    };
    std::ofstream(path, std::ios::binary) << invite("");
    const auto [status, text] = run({"explain", path.string()});
    CHECK(status == 0);
    CHECK(text.find("breach") != std::string::npos);
    CHECK(run({"explain", path.string(), "--strict"}).first == 1);
    CHECK(ordered_json::parse(run({"explain", "--json", path.string()}).second)["understood"] ==
          true);
    std::filesystem::remove(path);
    CHECK(run({"explain", path.string()}).first == 1);
}
