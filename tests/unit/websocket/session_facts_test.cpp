#include "websocket/session_facts.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;
using siprec::websocket::SessionFacts;

siprec::StreamInfo stream(std::uint32_t number, const std::string& label) {
    siprec::StreamInfo info;
    info.media_index = number;
    info.label = label;
    info.formats = {{.payload_type = 8, .encoding = "PCMA", .parameters = {}}};
    return info;
}

siprec::metadata::Document document(const std::string& body) {
    auto parsed = siprec::metadata::parse("<recording xmlns='urn:ietf:params:xml:ns:recording:1'>" +
                                          body + "</recording>");
    REQUIRE(parsed);
    return parsed->document;
}

const std::string kAnn =
    "<participant participant_id='p1'><nameID aor='sip:ann@x'><name>Ann</name></nameID>"
    "</participant><participantstreamassoc participant_id='p1'><send>s1</send>"
    "</participantstreamassoc><stream stream_id='s1'><label>96</label></stream>";

std::vector<Json> parsed(const std::vector<std::string>& messages) {
    std::vector<Json> all;
    for (const std::string& message : messages) {
        all.push_back(Json::parse(message));
    }
    return all;
}

}  // namespace

TEST_CASE("websocket facts: a participant is told again when her stream opens",
          "[unit][websocket]") {
    SessionFacts facts({});
    auto news = parsed(facts.set_metadata(document(kAnn)));
    REQUIRE(news.size() == 2);
    CHECK(news[0].at("type") == "metadata");
    CHECK(news[1].at("id") == "p1");
    CHECK(news[1].at("streams").empty());
    news = parsed(facts.set_stream(stream(0, "96"), true));
    REQUIRE(news.size() == 2);
    CHECK(news[0].at("type") == "stream");
    CHECK(news[0].at("codec") == "PCMA");
    CHECK(news[0].at("active") == true);
    CHECK(news[1].at("streams") == Json::array({0}));
    news = parsed(facts.set_stream(stream(1, "97"), true));
    CHECK(news.size() == 1);  // nobody's
}

TEST_CASE("websocket facts: those who leave are told", "[unit][websocket]") {
    SessionFacts facts({});
    static_cast<void>(facts.set_metadata(document(kAnn)));
    SECTION("by a document without them") {
        const auto news = parsed(facts.set_metadata(document("")));
        REQUIRE(news.size() == 2);
        CHECK(news[1].at("id") == "p1");
        CHECK(news[1].at("present") == false);
    }
    SECTION("by a disassociate-time") {
        const auto news =
            parsed(facts.set_metadata(document(
                kAnn + "<session session_id='c1'/><participantsessionassoc participant_id='p1' "
                       "session_id='c1'><associate-time>2026-01-01T00:00:00Z</associate-time>"
                       "<disassociate-time>2026-01-01T00:01:00Z</disassociate-time>"
                       "</participantsessionassoc>")));
        REQUIRE(news.size() == 2);
        CHECK(news[0].at("sessions").at(0).at("id") == "c1");
        CHECK(news[1].at("present") == false);
        CHECK(news[1].at("name") == "Ann");
    }
}

TEST_CASE("websocket facts: a stream that was given up is nobody's", "[unit][websocket]") {
    SessionFacts facts({});
    static_cast<void>(facts.set_stream(stream(0, "96"), true));
    const auto news = parsed(facts.set_metadata(document(
        "<participant participant_id='p1'/><stream stream_id='s1'><label>96</label></stream>"
        "<participantstreamassoc participant_id='p1'><send>s1</send>"
        "<disassociate-time>2026-01-01T00:01:00Z</disassociate-time></participantstreamassoc>")));
    REQUIRE(news.size() == 2);
    CHECK(news[1].at("streams").empty());
}

TEST_CASE("websocket facts: the greeting says all that holds", "[unit][websocket]") {
    siprec::SessionInfo info;
    info.call_id = "a\xFFz";  // no UTF-8
    SessionFacts facts(info);
    static_cast<void>(facts.set_stream(stream(0, "96"), true));
    static_cast<void>(facts.set_stream(stream(1, "97"), true));
    static_cast<void>(facts.set_stream(stream(1, "97"), false));
    static_cast<void>(facts.set_metadata(document(kAnn)));
    const auto all = parsed(facts.greeting(16000, std::chrono::milliseconds(20), true));
    REQUIRE(all.size() == 5);
    CHECK(all[0].at("type") == "start");
    CHECK(all[0].at("version") == 1);
    CHECK(all[0].at("resumed") == true);
    CHECK(all[0].at("call_id") == "a\xEF\xBF\xBDz");
    CHECK(all[0].at("audio").at("frame_ms") == 20);
    CHECK(all[1].at("open") == true);
    CHECK(all[2].at("open") == false);
    CHECK(all[2].at("active") == false);
    CHECK(all[3].at("type") == "metadata");
    CHECK(all[4].at("streams") == Json::array({0}));
}
