#include "catalog/query.hpp"

#include "catalog/migrations.hpp"

#include <catch2/catch.hpp>

namespace {

using siprec::ErrorCode;
using siprec::Uuid;
using siprec::server::decode_cursor;
using siprec::server::encode_cursor;
using siprec::server::like_pattern;
using siprec::server::list_sql;
using siprec::server::PagePosition;
using siprec::server::RecordingQuery;

TEST_CASE("query: cursor comes back when it is encoded and decoded", "[unit][catalog]") {
    for (const std::int64_t start :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'793'491'200'123'456}}) {
        const PagePosition position{.start_us = start, .id = Uuid::random()};
        const std::string cursor = encode_cursor(position);
        CHECK(cursor.find_first_of("+/=") == std::string::npos);
        CHECK(decode_cursor(cursor) == position);
    }
}

TEST_CASE("query: cursor is refused when it was not made by us", "[unit][catalog]") {
    CHECK_FALSE(decode_cursor(""));
    CHECK_FALSE(decode_cursor("abc"));
    CHECK_FALSE(decode_cursor(std::string(32, '!')));
    // A start beyond all times that can be said.
    CHECK_FALSE(decode_cursor(std::string(32, 'f')));
    RecordingQuery query;
    query.cursor = "'; DROP TABLE recordings; --";
    const auto sql = list_sql(query);
    REQUIRE_FALSE(sql);
    CHECK(sql.error().code() == ErrorCode::InvalidArgument);
}

TEST_CASE("query: wildcard becomes a pattern when the rest is escaped", "[unit][catalog]") {
    CHECK(like_pattern("*12*") == "%12%");
    CHECK(like_pattern("100%") == "100\\%");
    CHECK(like_pattern("a_b\\c") == "a\\_b\\\\c");
    CHECK(like_pattern("plain").find('%') == std::string::npos);
}

TEST_CASE("query: statement holds no value when filters are given", "[unit][catalog]") {
    RecordingQuery query;
    query.number = "+49 (30) 12-34*";
    query.name = "O'Hara";
    query.fields = {{"ucid", "00FA*"}};
    query.call_id = "id-1";
    const auto sql = list_sql(query);
    REQUIRE(sql);
    CHECK(sql->text.find("Hara") == std::string::npos);
    CHECK(sql->text.find("LIMIT 51") != std::string::npos);
    CHECK(sql->parameters ==
          std::vector<std::string>{"+49301234%", "O'Hara", "ucid", "00FA%", "id-1"});
}

TEST_CASE("query: refused when limit or state make no sense", "[unit][catalog]") {
    for (const std::uint32_t limit : {0U, 1001U}) {
        RecordingQuery query;
        query.limit = limit;
        CHECK_FALSE(list_sql(query));
    }
    RecordingQuery query;
    query.state = "lost";
    CHECK_FALSE(list_sql(query));
    query.state = "partial";
    CHECK(list_sql(query));
}

TEST_CASE("migrations: ascend when they are read in order", "[unit][catalog]") {
    const auto all = siprec::server::migrations();
    REQUIRE(all.size() >= 2);
    int before = 0;
    for (const auto& migration : all) {
        CHECK(migration.version > before);
        CHECK_FALSE(migration.sql.empty());
        before = migration.version;
    }
}

}  // namespace
