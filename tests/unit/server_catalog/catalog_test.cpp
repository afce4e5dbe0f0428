#include "catalog/catalog.hpp"

#include "records_fixture.hpp"
#include "support/test_postgres.hpp"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

using siprec::ErrorCode;
using siprec::Uuid;
using siprec::server::Catalog;
using siprec::server::RecordingQuery;
using siprec::server::RecordingRecord;
using siprec::server::RecordingState;
using siprec::test::full_recording;
using siprec::test::november;
using siprec::test::small_recording;
using siprec::test::TestPostgres;

RecordingRecord stored(Catalog& catalog, const Uuid& id) {
    auto got = catalog.get(id);
    INFO((got ? "" : got.error().message()));
    REQUIRE(got);
    return *got;
}

void check_fields(const RecordingRecord& got, const RecordingRecord& put) {
    CHECK(got.id == put.id);
    CHECK(got.recording_session == put.recording_session);
    CHECK(got.state == put.state);
    CHECK(got.start == put.start);
    CHECK(got.end == put.end);
    CHECK(got.duration_s == put.duration_s);
    CHECK(got.direction == put.direction);
    CHECK(got.src_uri == put.src_uri);
    CHECK(got.src_address == put.src_address);
    CHECK(got.src_user_agent == put.src_user_agent);
    CHECK(got.call_id == put.call_id);
    CHECK(got.to_uri == put.to_uri);
    CHECK(got.headers_json == R"({"X-Call": ["1"]})");
    CHECK(got.end_cause == put.end_cause);
    CHECK(got.end_reason == put.end_reason);
    CHECK(got.verdict == put.verdict);
    CHECK(got.reasons == put.reasons);
    CHECK(got.extension_json == R"([{"name": "x"}])");
}

void check_metadata(const RecordingRecord& got, const RecordingRecord& put) {
    REQUIRE(got.groups.size() == 1);
    CHECK(got.groups[0].src_id == "g1");
    CHECK(got.groups[0].associated == put.groups[0].associated);
    CHECK_FALSE(got.groups[0].disassociated);
    REQUIRE(got.sessions.size() == 1);
    CHECK(got.sessions[0].group_src_id == "g1");
    CHECK(got.sessions[0].sip_session_ids == put.sessions[0].sip_session_ids);
    CHECK(got.sessions[0].stop_time == put.sessions[0].stop_time);
    CHECK(got.sessions[0].extension_json == "[1]");
    REQUIRE(got.participants.size() == 2);
    REQUIRE(got.participants[0].names.size() == 2);
    CHECK(got.participants[0].names[0].name == put.participants[0].names[0].name);
    CHECK(got.participants[0].names[1].aor == "tel:+49301234");
    CHECK(got.participants[1].src_id == "unknown-1");
    CHECK(got.participants[1].names.empty());
    REQUIRE(got.associations.size() == 2);
    CHECK(got.associations[0].estimated);
    CHECK(got.associations[0].until == put.associations[0].until);
    CHECK(got.associations[1].guess);
    CHECK_FALSE(got.associations[1].until);
    REQUIRE(got.documents.size() == 1);
    CHECK(got.documents[0].document == put.documents[0].document);
    CHECK_FALSE(got.documents[0].usable);
    CHECK(got.documents[0].findings_json == R"(["broken"])");
}

void check_media(const RecordingRecord& got, const RecordingRecord& put) {
    REQUIRE(got.tracks.size() == 2);
    CHECK(got.tracks[0].id == put.tracks[0].id);
    CHECK(got.tracks[0].packets == put.tracks[0].packets);
    CHECK(got.tracks[0].bytes == put.tracks[0].bytes);
    CHECK(got.tracks[0].lost == -3);
    CHECK(got.tracks[0].channel == 0U);
    CHECK(got.tracks[0].first_packet == put.tracks[0].first_packet);
    CHECK_FALSE(got.tracks[1].channel);
    CHECK_FALSE(got.tracks[1].first_packet);
    REQUIRE(got.segments.size() == 1);
    CHECK(got.segments[0].track == put.tracks[0].id);
    CHECK(got.segments[0].until == put.segments[0].until);
    REQUIRE(got.artefacts.size() == 1);
    CHECK(got.artefacts[0].bytes == put.artefacts[0].bytes);
    CHECK(got.artefacts[0].path == put.artefacts[0].path);
    REQUIRE(got.telephone_events.size() == 1);
    CHECK(got.telephone_events[0].digit == "#");
    CHECK(got.telephone_events[0].offset_s == 1.25);
    REQUIRE(got.fields.size() == 2);
    CHECK(got.fields[1].value == "00FB");
    CHECK(got.fields[1].source == put.fields[1].source);
    REQUIRE(got.profiles.size() == 1);
    CHECK(got.profiles[0].reason == put.profiles[0].reason);
    REQUIRE(got.voices.size() == 1);
    CHECK(got.voices[0].track == put.voices[0].track);
    CHECK(got.voices[0].role == "remote");
    CHECK(got.voices[0].certainty == "likely");
    CHECK(got.voices[0].contradicted);
}

TEST_CASE("catalogue: recordings that share a key are of one conversation",
          "[unit][catalog][7865-6.10-4]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    std::vector<RecordingRecord> recordings;
    for (const auto& keys : std::vector<std::vector<std::string>>{
             {"cs:a", "group:g"}, {"cs:b"}, {"cs:c"}, {}, {"cs:b", "group:g"}}) {
        RecordingRecord recording = small_recording(november(1h), "x", "1");
        recording.conversation_keys = keys;
        recording.communication_session = "of one";
        REQUIRE(catalog->put(recording));
        REQUIRE(catalog->put(recording));
        recordings.push_back(recording);
    }
    const auto conversation = [&](std::size_t index) {
        return stored(*catalog, recordings.at(index).id).conversation;
    };
    // The last one has tied the first two.
    REQUIRE(conversation(0).has_value());
    CHECK(conversation(0) == conversation(1));
    CHECK(conversation(0) == conversation(4));
    CHECK(conversation(2).has_value());
    CHECK(conversation(0) != conversation(2));
    CHECK_FALSE(conversation(3).has_value());
    CHECK(stored(*catalog, recordings[0].id).communication_session == "of one");

    RecordingQuery query;
    query.conversation = conversation(0)->to_string();
    const auto page = catalog->list(query);
    REQUIRE(page);
    CHECK(page->recordings.size() == 3);
    query.conversation = "none";
    CHECK(catalog->list(query).error().code() == ErrorCode::InvalidArgument);
}

TEST_CASE("catalogue: keeps who sent a track and the parts of no recording", "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    RecordingRecord recording = full_recording();
    recording.tracks[0].owners = {{.participant_src_id = "p1",
                                   .stream_src_id = "s1",
                                   .from = november(1h),
                                   .until = november(2h),
                                   .guess = true},
                                  {.participant_src_id = "p2",
                                   .stream_src_id = "s2",
                                   .from = november(2h),
                                   .until = {},
                                   .guess = false}};
    recording.associations[0].noted_from = november(1h);
    REQUIRE(catalog->put(recording));
    const RecordingRecord got = stored(*catalog, recording.id);
    REQUIRE(got.tracks.at(0).owners.size() == 2);
    CHECK(got.tracks[0].owners[0].participant_src_id == "p1");
    CHECK(got.tracks[0].owners[0].until == november(2h));
    CHECK(got.tracks[0].owners[0].guess);
    CHECK(got.tracks[0].owners[1].stream_src_id == "s2");
    CHECK_FALSE(got.tracks[0].owners[1].until.has_value());
    CHECK(got.tracks.at(1).owners.empty());
    CHECK(got.associations.at(0).noted_from == november(1h));
    CHECK_FALSE(got.associations.at(0).noted_until.has_value());
    siprec::server::SessionCaptureRecord capture;
    capture.recording_session = recording.recording_session;
    capture.part = 3;
    capture.path = "2026/11/21/x.pcapng";
    CHECK(catalog->put_capture(capture));
    CHECK(catalog->put_capture(capture));
}

TEST_CASE("catalogue: takes a recording when its texts are longer than an index entry",
          "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    RecordingRecord recording = full_recording();
    // Random letters: what compresses well would fit all the same.
    std::string text;
    for (std::uint32_t i = 0, state = 1; i < 20'000; ++i) {
        state = state * 1'664'525U + 1'013'904'223U;
        text += static_cast<char>('a' + (state >> 24U) % 26U);
    }
    recording.call_id = text;
    recording.participants[0].number = text;
    recording.participants[0].names[0].aor = text;
    recording.participants[0].names[0].name = text;
    const auto put = catalog->put(recording);
    CHECK(put.has_value());
    CHECK(stored(*catalog, recording.id).participants.size() == 2);
}

TEST_CASE("catalogue: recording comes back whole when put once or twice", "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    RecordingRecord recording = full_recording();
    for (int round = 0; round < 2; ++round) {
        REQUIRE(catalog->put(recording));
        const RecordingRecord got = stored(*catalog, recording.id);
        check_fields(got, recording);
        check_metadata(got, recording);
        check_media(got, recording);
        const auto page = catalog->list({});
        REQUIRE(page);
        REQUIRE(page->recordings.size() == 1);
        CHECK(page->recordings[0].artefacts.size() == recording.artefacts.size());
    }

    SECTION("and moves when its start changes month") {
        recording.start = november(-1us);
        recording.state = RecordingState::Stored;
        REQUIRE(catalog->put(recording));
        CHECK(stored(*catalog, recording.id).start == recording.start);
        const auto page = catalog->list({});
        REQUIRE(page);
        CHECK(page->recordings.size() == 1);
    }

    SECTION("and what has gone is gone when it is put with less") {
        recording.participants.pop_back();
        recording.documents.clear();
        recording.end.reset();
        REQUIRE(catalog->put(recording));
        const RecordingRecord got = stored(*catalog, recording.id);
        CHECK(got.participants.size() == 1);
        CHECK(got.documents.empty());
        CHECK_FALSE(got.end);
    }
}

TEST_CASE("catalogue: text is replaced where PostgreSQL cannot hold it", "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    RecordingRecord recording = small_recording(november(1s), "1", "");
    recording.end_reason = std::string("a\0b\xC3(", 5);
    recording.headers_json = R"({"a\u0000":"\u0000"})";
    recording.extension_json = "{broken";
    REQUIRE(catalog->put(recording));
    const RecordingRecord got = stored(*catalog, recording.id);
    CHECK(got.end_reason ==
          "a\xEF\xBF\xBD"
          "b\xEF\xBF\xBD(");
    CHECK(got.headers_json == "{\"a\xEF\xBF\xBD\": \"\xEF\xBF\xBD\"}");
    CHECK(got.extension_json == "\"{broken\"");
}

TEST_CASE("catalogue: unknown id is not found", "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    const auto before = catalog->get(Uuid::random());
    REQUIRE_FALSE(before);
    CHECK(before.error().code() == ErrorCode::Unavailable);  // the schema is not there yet
    REQUIRE(catalog->migrate());
    const auto got = catalog->get(Uuid::random());
    REQUIRE_FALSE(got);
    CHECK(got.error().code() == ErrorCode::NotFound);
}

TEST_CASE("catalogue: migrates once when two threads start together", "[unit][catalog]") {
    TestPostgres database;
    std::vector<siprec::Result<void>> results(2);
    {
        std::vector<std::jthread> starters;
        for (auto& result : results) {
            starters.emplace_back([&] { result = Catalog::create(database.url())->migrate(); });
        }
    }
    for (const auto& result : results) {
        INFO((result ? "" : result.error().message()));
        CHECK(result);
    }
    CHECK(Catalog::create(database.url())->migrate());
}

TEST_CASE("catalogue: answers again when the database was away", "[unit][catalog]") {
    TestPostgres database;
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    const RecordingRecord recording = small_recording(november(1s), "1", "Ann");
    REQUIRE(catalog->put(recording));
    database.stop();
    for (const auto& answer : {catalog->ping(), catalog->put(recording), catalog->migrate()}) {
        REQUIRE_FALSE(answer);
        CHECK(answer.error().is_retryable());
    }
    database.start();
    CHECK(catalog->ping());
    CHECK(catalog->put(recording));
    CHECK(stored(*catalog, recording.id).start == recording.start);
}

TEST_CASE("catalogue: unavailable when no database is configured or none listens",
          "[unit][catalog]") {
    const auto none = Catalog::create("")->ping();
    REQUIRE_FALSE(none);
    CHECK(none.error().code() == ErrorCode::Unavailable);
    const auto refused = Catalog::create("postgresql://127.0.0.1:1/siprec")->list({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::Unavailable);
}

}  // namespace
