#include "api/recording_query.hpp"

#include <catch2/catch.hpp>

using siprec::server::parse_recording_query;

TEST_CASE("recording query: takes every filter when all are given", "[unit][api]") {
    const auto query = parse_recording_query(
        "from=2026-11-21T20:00:00Z&until=2026-11-22T00:00:00%2B01:00&number=*4711&name=Ann*&"
        "participant=sip:bob%40example.com&direction=inbound&src=gw&call_id=a%26b&state=stored&"
        "limit=7&cursor=abc&field=x+y&field.ucid=00FA*&field.calling_number=+1");
    REQUIRE(query);
    CHECK(siprec::to_rfc3339(*query->from) == "2026-11-21T20:00:00.000000Z");
    CHECK(siprec::to_rfc3339(*query->until) == "2026-11-21T23:00:00.000000Z");
    CHECK(query->number == "*4711");
    CHECK(query->name == "Ann*");
    CHECK(query->participant == "sip:bob@example.com");
    CHECK(query->direction == "inbound");
    CHECK(query->src == "gw");
    CHECK(query->call_id == "a&b");
    CHECK(query->state == "stored");
    CHECK(query->limit == 7);
    CHECK(query->cursor == "abc");
    CHECK(query->field == "x y");
    CHECK(query->fields == std::vector<std::pair<std::string, std::string>>{
                               {"ucid", "00FA*"}, {"calling_number", "+1"}});
    CHECK_FALSE(parse_recording_query("field.UCID=1"));
    CHECK_FALSE(parse_recording_query("field.=1"));
}

TEST_CASE("recording query: reads plus as itself or as a blank when the field says so",
          "[unit][api]") {
    const auto query =
        parse_recording_query("number=+49711*&name=Ann+M%C3%BCller&from=2026-11-21T20:00:00+01:00");
    REQUIRE(query);
    CHECK(query->number == "+49711*");
    CHECK(query->name == "Ann M\xc3\xbcller");
    CHECK(siprec::to_rfc3339(*query->from) == "2026-11-21T19:00:00.000000Z");
}

TEST_CASE("recording query: has defaults when nothing is asked", "[unit][api]") {
    for (const char* text : {"", "&&", "name=", "name=&state="}) {
        const auto query = parse_recording_query(text);
        REQUIRE(query);
        CHECK(query->limit == 50);
        CHECK(query->name.empty());
        CHECK_FALSE(query->from);
    }
}

TEST_CASE("recording query: names the parameter when it cannot be read", "[unit][api]") {
    struct Row {
        std::string text;
        const char* named;
    };

    const auto row = GENERATE(Row{"form=2026", "form"},
                              Row{"from=yesterday", "from"},
                              Row{"until=2026-11-21T20:00:00", "until"},
                              Row{"limit=0", "limit"},
                              Row{"limit=1001", "limit"},
                              Row{"limit=5x", "limit"},
                              Row{"limit=-1", "limit"},
                              Row{"direction=up", "direction"},
                              Row{"state=gone", "state"},
                              Row{"name=a&name=b", "name"},
                              Row{"name=%zz", "query"},
                              Row{"name=%4", "query"},
                              Row{"name=%00", "query"},
                              Row{"name=%ff", "query"},
                              Row{"name=%ed%a0%80", "query"},
                              Row{"name=%c0%af", "query"},
                              Row{"name=" + std::string(1025, 'a'), "query"});
    const auto query = parse_recording_query(row.text);
    REQUIRE_FALSE(query);
    CHECK(query.error().code() == siprec::ErrorCode::InvalidArgument);
    CHECK(query.error().message().starts_with(std::string(row.named) + ":"));
}
