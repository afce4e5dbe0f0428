#include "archive/archive_worker.hpp"

#include "capture/recovery.hpp"
#include "unit/server_archive/archive_rig.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

namespace siprec::server::testing {
namespace {

Uuid finish_call(CaptureRig& rig) {
    TwoPartyCall call(rig);
    call.talk(rig.clock.wall);
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    return call.session.id;
}

TEST_CASE("archive: a finished capture becomes artefacts and one row", "[unit][archive]") {
    ArchiveRig rig;
    const Uuid session = finish_call(rig);
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    const RecordingRecord& row = rig.only_row();
    CHECK(row.state == RecordingState::Stored);
    CHECK(row.duration_s == Approx(1.0));
    REQUIRE(row.artefacts.size() == 2);
    CHECK(row.artefacts[0].kind == "wav");
    CHECK(row.artefacts[1].kind == "capture");
    for (const ArtefactRecord& artefact : row.artefacts) {
        const auto digest = digest_file(rig.stored(artefact));
        REQUIRE(digest.has_value());
        CHECK(digest->sha256 == artefact.sha256);
        CHECK(digest->bytes == artefact.bytes);
    }
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
    CHECK_FALSE(std::filesystem::exists(rig.finished_path(session)));
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.states.size() == 1);
}

TEST_CASE("archive: a capture is entered once when the catalogue was away for a while",
          "[unit][archive]") {
    ArchiveRig rig;
    const Uuid first = finish_call(rig);
    rig.catalog.away = true;
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    const Uuid second = finish_call(rig);
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.asked == 1);
    CHECK(std::filesystem::exists(rig.finished_path(first)));
    CHECK(std::filesystem::exists(rig.finished_path(second)));

    rig.clock.pass(1s);
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.asked == 2);
    rig.catalog.away = false;
    rig.clock.pass(1s);
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.asked == 2);
    rig.clock.pass(1s);
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.asked == 4);
    CHECK(rig.catalog.rows.size() == 2);
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
}

TEST_CASE("archive: a worker that died before its last step is repeated with the same result",
          "[unit][archive]") {
    ArchiveRig rig;
    const Uuid session = finish_call(rig);
    CaptureArchiver archiver(
        rig.layout, RenderConfig{}, {}, rig.profiles, rig.decoders, null_logger());
    SessionJob died;
    died.session = session;
    died.parts[1].name = capture_name(session);
    REQUIRE(archiver.prepare(died).value_or(false));
    REQUIRE(archiver.prepare(died).value_or(false));
    REQUIRE(archiver.enter(died, rig.catalog).has_value());
    const RecordingRecord before = rig.only_row();

    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    const RecordingRecord& after = rig.only_row();
    CHECK(after.id == before.id);
    REQUIRE(after.artefacts.size() == before.artefacts.size());
    for (std::size_t i = 0; i < after.artefacts.size(); ++i) {
        CHECK(after.artefacts[i].path == before.artefacts[i].path);
        CHECK(after.artefacts[i].sha256 == before.artefacts[i].sha256);
    }
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
}

TEST_CASE("archive: one refused recording does not keep the others", "[unit][archive]") {
    ArchiveRig rig;
    finish_call(rig);
    rig.catalog.refused = true;
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    rig.catalog.refused = false;
    finish_call(rig);
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.rows.size() == 1);
    rig.clock.pass(2s);
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.rows.size() == 2);
}

TEST_CASE("archive: a running session is entered and entered again when it says something new",
          "[unit][archive]") {
    ArchiveRig rig;
    TwoPartyCall call(rig);
    call.talk(rig.clock.wall);
    rig.spool.flush();
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.only_row().state == RecordingState::Recording);
    CHECK(rig.only_row().verdict == Verdict::Unknown);
    CHECK(rig.only_row().participants.size() == 2);
    CHECK_FALSE(rig.only_row().end.has_value());

    call.talk(rig.clock.wall + 1s);
    rig.spool.flush();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.asked == 1);
    send_metadata(*call.sink, kMetadata, rig.clock.wall + 2s);
    rig.spool.flush();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.asked == 2);
    CHECK(rig.only_row().documents.size() == 2);

    call.hang_up(rig.clock.wall + 3s);
    rig.settle();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.only_row().state == RecordingState::Stored);
}

TEST_CASE("archive: a killed session is stored as partial after recovery", "[unit][archive]") {
    ArchiveRig rig;
    TwoPartyCall call(rig);
    call.talk(rig.clock.wall);
    rig.spool.flush();
    REQUIRE(recover_captures(rig.layout, null_logger()).has_value());
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.only_row().state == RecordingState::Partial);
    CHECK(rig.only_row().verdict == Verdict::Degraded);
    CHECK(rig.only_row().duration_s == Approx(1.0));
}

TEST_CASE("archive: a capture that cannot be read goes to failed with a row of its own",
          "[unit][archive]") {
    ArchiveRig rig;
    const Uuid session = Uuid::random();
    std::ofstream(rig.finished_path(session))
        << "this is no capture at all, whatever its name says";
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.only_row().recording_session == session);
    CHECK(rig.only_row().verdict == Verdict::Failed);
    CHECK(std::filesystem::exists(rig.layout.failed() + "/" + capture_name(session)));
    CHECK(std::filesystem::exists(rig.layout.failed() + "/" + capture_name(session) + ".reason"));
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
}

TEST_CASE("archive: a capture that kills its worker again and again is stored without audio",
          "[unit][archive]") {
    ArchiveRig rig;
    const Uuid session = finish_call(rig);
    std::ofstream(rig.finished_path(session) + ".attempts") << "+++";
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    REQUIRE(rig.only_row().artefacts.size() == 1);
    CHECK(rig.only_row().artefacts[0].kind == "capture");
    CHECK(rig.only_row().reasons == std::vector<std::string>{"render-failed"});
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
}

TEST_CASE("archive: workers share the captures without overlap", "[unit][archive]") {
    for (int i = 0; i < 50; ++i) {
        const std::string name = capture_name(Uuid::random());
        CHECK(WorkerShare{0, 2}.has(name) != WorkerShare{1, 2}.has(name));
        CHECK(WorkerShare{}.has(name));
    }
}

TEST_CASE("back-off: the delay doubles to 30 s and starts anew after a success",
          "[unit][archive]") {
    Backoff backoff;
    SteadyTime now{};
    CHECK(backoff.is_due(now));
    for (const std::chrono::seconds delay : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
        backoff.fail(now);
        CHECK_FALSE(backoff.is_due(now + delay - 1ms));
        now += delay;
        CHECK(backoff.is_due(now));
    }
    backoff.succeed();
    backoff.fail(now);
    CHECK(backoff.is_due(now + 1s));
}

}  // namespace
}  // namespace siprec::server::testing
