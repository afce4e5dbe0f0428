#include "catalog/catalog.hpp"
#include "records_fixture.hpp"
#include "support/test_postgres.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

namespace {

using namespace std::chrono_literals;

using siprec::server::Catalog;
using siprec::server::RecordingQuery;
using siprec::server::RecordingRecord;
using siprec::test::november;
using siprec::test::small_recording;
using siprec::test::TestPostgres;

/// The numbers of the first participants of what the query finds, in its order.
std::vector<std::string> found(Catalog& catalog, const RecordingQuery& query) {
    const auto page = catalog.list(query);
    INFO((page ? "" : page.error().message()));
    REQUIRE(page);
    std::vector<std::string> numbers;
    for (const RecordingRecord& recording : page->recordings) {
        REQUIRE(recording.participants.size() == 1);
        CHECK(recording.tracks.size() == 1);
        numbers.push_back(recording.participants[0].number);
    }
    return numbers;
}

RecordingQuery only(std::string RecordingQuery::*filter, const char* value) {
    RecordingQuery query;
    query.*filter = value;
    return query;
}

RecordingQuery between(std::optional<siprec::WallTime> from, siprec::WallTime until) {
    RecordingQuery query;
    query.from = from;
    query.until = until;
    return query;
}

using Numbers = std::vector<std::string>;

void put_four(Catalog& catalog) {
    REQUIRE(catalog.migrate());
    RecordingRecord ann = small_recording(november(1s), "+49301111", "Ann 100%");
    ann.direction = "inbound";
    ann.src_user_agent = "Border/1.2";
    ann.call_id = "call-1";
    ann.fields = {{.name = "ucid", .value = "00FA0800AB", .source = "t"},
                  {.name = "agent_id", .value = "4711", .source = "t"}};
    RecordingRecord bob = small_recording(november(2s), "2222", "Bob_Ärmel*");
    bob.direction = "outbound";
    bob.src_uri = "sip:sbc@192.0.2.7";
    bob.fields = {{.name = "trunk", .value = "4711", .source = "t"}};
    RecordingRecord bobx = small_recording(november(-2s), "3333", "BobXÄrmel");
    RecordingRecord alice = small_recording(november(3s), "alice", "100 Prozent");
    alice.state = siprec::server::RecordingState::Partial;
    for (const RecordingRecord& recording : {ann, bob, bobx, alice}) {
        REQUIRE(catalog.put(recording));
    }
}

TEST_CASE("catalogue: list holds what the filters say when they are set", "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    put_four(*catalog);

    RecordingQuery both = only(&RecordingQuery::number, "*1*");
    both.name = "ann*";
    RecordingQuery agent;
    agent.fields = {{"agent_id", "4711"}};
    RecordingQuery agent_and_ucid;
    agent_and_ucid.fields = {{"agent_id", "4*"}, {"ucid", "00fa*"}};
    RecordingQuery no_agent;
    no_agent.fields = {{"agent_id", "4711"}, {"ucid", "4711"}};
    const std::vector<std::pair<RecordingQuery, Numbers>> cases = {
        {{}, {"alice", "2222", "+49301111", "3333"}},
        {between(november(1s), november(3s)), {"2222", "+49301111"}},
        {between(std::nullopt, november(0s)), {"3333"}},
        {only(&RecordingQuery::number, "2222"), {"2222"}},
        {only(&RecordingQuery::number, "222"), {}},
        {only(&RecordingQuery::number, "+49 30 1*"), {"+49301111"}},
        {only(&RecordingQuery::number, "*11"), {"+49301111"}},
        {only(&RecordingQuery::number, "ALICE"), {"alice"}},
        {only(&RecordingQuery::name, "*100*"), {"alice", "+49301111"}},
        {only(&RecordingQuery::name, "*100%"), {"+49301111"}},
        {only(&RecordingQuery::name, "bob_ärmel*"), {"2222"}},
        {only(&RecordingQuery::name, "bob*ärmel*"), {"2222", "3333"}},
        {only(&RecordingQuery::name, "%"), {}},
        {only(&RecordingQuery::participant, "sip:2222@*"), {"2222"}},
        {only(&RecordingQuery::participant, "*ärmel"), {"3333"}},
        {only(&RecordingQuery::participant, "alice"), {"alice"}},
        {only(&RecordingQuery::direction, "outbound"), {"2222"}},
        {only(&RecordingQuery::src, "border*"), {"+49301111"}},
        {only(&RecordingQuery::src, "*192.0.2.7"), {"2222"}},
        {only(&RecordingQuery::call_id, "call-1"), {"+49301111"}},
        {only(&RecordingQuery::call_id, "call-*"), {}},
        {only(&RecordingQuery::state, "partial"), {"alice"}},
        {both, {"+49301111"}},
        {only(&RecordingQuery::field, "4711"), {"2222", "+49301111"}},
        {only(&RecordingQuery::field, "*0800ab"), {"+49301111"}},
        {agent, {"+49301111"}},
        {agent_and_ucid, {"+49301111"}},
        {no_agent, {}},
        {only(&RecordingQuery::name, "x' OR 'a'='a"), {}},
    };
    for (const auto& [query, numbers] : cases) {
        INFO("number " << query.number << " name " << query.name << " participant "
                       << query.participant << " src " << query.src);
        CHECK(found(*catalog, query) == numbers);
    }
}

TEST_CASE("catalogue: pages hold every recording once when there are 250", "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    for (int i = 0; i < 250; ++i) {
        // Many share a start, so that the id decides; and there are two months.
        const auto start = november(std::chrono::seconds(i / 7 - 10));
        REQUIRE(catalog->put(small_recording(start, std::to_string(i), "N")));
    }
    std::set<std::string> seen;
    std::vector<siprec::WallTime> starts;
    RecordingQuery query;
    query.limit = 60;
    int pages = 0;
    do {
        const auto page = catalog->list(query);
        REQUIRE(page);
        REQUIRE(page->recordings.size() <= 60);
        for (const RecordingRecord& recording : page->recordings) {
            CHECK(seen.insert(recording.id.to_string()).second);
            starts.push_back(recording.start);
        }
        query.cursor = page->next;
        ++pages;
    } while (!query.cursor.empty() && pages < 10);
    CHECK(pages == 5);
    CHECK(seen.size() == 250);
    CHECK(std::is_sorted(starts.rbegin(), starts.rend()));
}

}  // namespace
