#include "archive/conversation_keys.hpp"
#include "capture/recovery.hpp"
#include "unit/server_archive/archive_rig.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace siprec::server::testing {
namespace {

/// A session of two streams in which CSs come and go; a packet a stream each 20 ms.
struct PersistentSession {
    explicit PersistentSession(ArchiveRig& owner, const RotationLimits& rotation = {})
        : rig(owner),
          sinks(rig.spool, "unit", rig.clock, rotation),
          session(session_info(rig.clock.wall)),
          streams{stream_info(0, "1"), stream_info(1, "2")},
          sink(sinks.open_session(session)) {
        for (StreamInfo& stream : streams) {
            stream.since = session.started;
            media.push_back(sink->open_stream(stream));
        }
    }

    void say(std::string_view mode,
             const std::string& content,
             std::string_view method = "UPDATE") {
        const std::string text =
            "<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>" + std::string(mode) +
            "</datamode>" + content + "</recording>";
        const Result<metadata::ParsedDocument> parsed = metadata::parse(text);
        (void)state.apply(parsed->document, rig.clock.wall);
        sink->on_metadata({.document = text,
                           .content_type = "application/rs-metadata+xml",
                           .method = method,
                           .received = rig.clock.wall,
                           .parsed = parsed,
                           .state = state});
    }

    void begin(const std::string& id) {
        say("partial",
            "<session session_id='" + id + "'/><participant participant_id='p-" + id +
                "'><nameID aor='sip:" + id +
                "@x'/></participant><stream stream_id='s1' session_id='" + id +
                "'><label>1</label></stream><stream stream_id='s2' session_id='" + id +
                "'><label>2</label></stream><participantsessionassoc participant_id='p-" + id +
                "' session_id='" + id + "'/><participantstreamassoc participant_id='p-" + id +
                "'><send>s1</send></participantstreamassoc>");
    }

    void stop(const std::string& id) {
        say("partial",
            "<session session_id='" + id +
                "'><stop-time>2026-03-14T09:30:00Z</stop-time></session>");
    }

    void talk(int packets) {
        for (int i = 0; i < packets; ++i) {
            for (std::size_t place = 0; place < media.size(); ++place) {
                media[place]->on_rtp(
                    pcmu_packet(sequence, 1 + static_cast<std::uint32_t>(place), std::byte{0x10})
                        .view(streams[place], rig.clock.wall));
            }
            ++sequence;
            rig.clock.pass(20ms);
        }
    }

    void hang_up() {
        for (const auto& each : media) {
            each->on_closed({}, rig.clock.wall);
        }
        media.clear();
        sink->on_ended({.cause = EndCause::Bye, .reason = {}, .time = rig.clock.wall});
        sink.reset();
    }

    ArchiveRig& rig;
    CaptureSinkFactory sinks;
    SessionInfo session;
    std::vector<StreamInfo> streams;
    metadata::State state;
    std::unique_ptr<SessionSink> sink;
    std::vector<std::unique_ptr<MediaSink>> media;
    std::uint16_t sequence = 0;
};

/// Enough for a rotated part to be handed over.
void settle_all(CaptureRig& rig) {
    rig.settle();
    rig.settle();
}

std::size_t files_in(const std::string& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

const RecordingRecord& row_of(const ArchiveRig& rig, const std::string& cs) {
    for (const auto& [id, row] : rig.catalog.rows) {
        if (row.communication_session == cs) {
            return row;
        }
    }
    FAIL("no recording of " + cs);
    return rig.only_row();
}

TEST_CASE("cutting: each CS is stored at once while its session runs on",
          "[unit][archive][7865-6.3-1][8068-F9]") {
    ArchiveRig rig;
    PersistentSession call(rig);
    call.say("complete", "", "INVITE");
    call.talk(5);
    ArchiveWorker worker = rig.worker_of_its_own();
    for (int n = 0; n < 4; ++n) {
        const std::string id = "cs-" + std::to_string(n);
        call.begin(id);
        call.talk(10);
        call.stop(id);
        call.talk(5);
        settle_all(rig);
        CHECK_FALSE(worker.run_round());
        const RecordingRecord& row = row_of(rig, id);
        CHECK(row.state == RecordingState::Stored);
        CHECK(row.verdict == Verdict::Good);
        CHECK(row.duration_s == Approx(0.2));
        CHECK(row.end_cause == "communication-session-ended");
        REQUIRE(row.tracks.size() == 2);
        CHECK(row.tracks[0].packets == 10);
        REQUIRE(row.tracks[0].owners.size() == 1);
        CHECK(row.tracks[0].owners[0].participant_src_id == "p-" + id);
        REQUIRE(row.participants.size() == 2);
        CHECK(row.documents.size() == 2);
        CHECK(row.segments.size() == 2);
        CHECK(files_in(rig.layout.live()) == 1);
        CHECK(std::filesystem::is_empty(rig.layout.captures()));
    }
    call.hang_up();
    settle_all(rig);
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.rows.size() == 4);
    CHECK(row_of(rig, "cs-0").id == recording_id(call.session.id));
    // The last part holds five idle packets and the end: of no recording, and kept.
    REQUIRE(rig.catalog.captures.size() == 1);
    CHECK(std::filesystem::exists(rig.layout.recordings() + "/" + rig.catalog.captures[0].path));
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
}

TEST_CASE("cutting: a CS that goes on over two files is one recording of both", "[unit][archive]") {
    ArchiveRig rig;
    RotationLimits rotation;
    rotation.stays = 1;
    PersistentSession call(rig, rotation);
    call.begin("long");
    call.talk(10);
    call.begin("short");
    call.say("partial", "<participantsessionassoc participant_id='p-long' session_id='long'/>");
    call.talk(10);
    call.stop("short");
    call.talk(10);
    settle_all(rig);
    CHECK(files_in(rig.layout.captures()) == 1);
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    CHECK(row_of(rig, "short").duration_s == Approx(0.2).margin(0.021));
    CHECK(row_of(rig, "short").state == RecordingState::Stored);
    CHECK(files_in(rig.layout.captures()) == 1);  // "long" needs it

    // A worker that begins anew finds the same.
    ArchiveWorker second = rig.worker_of_its_own();
    CHECK_FALSE(second.run_round());
    CHECK(rig.catalog.rows.size() == 2);

    call.hang_up();
    settle_all(rig);
    CHECK_FALSE(second.run_round());
    const RecordingRecord& row = row_of(rig, "long");
    CHECK(row.state == RecordingState::Stored);
    CHECK(row.duration_s == Approx(0.6));
    CHECK(row.tracks.at(0).packets == 30);
    CHECK(std::count_if(row.artefacts.begin(), row.artefacts.end(), [](const auto& artefact) {
              return artefact.kind == "capture";
          }) == 2);
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
}

TEST_CASE("cutting: a killed session keeps what was over and is partial in what was not",
          "[unit][archive]") {
    ArchiveRig rig;
    PersistentSession call(rig);
    call.begin("one");
    call.talk(10);
    call.stop("one");
    call.begin("two");
    call.talk(10);
    rig.spool.flush();
    // Nothing was handed over: both parts lie in live/.
    CHECK(files_in(rig.layout.live()) == 2);
    REQUIRE(recover_captures(rig.layout, null_logger()).has_value());
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    CHECK(row_of(rig, "one").state == RecordingState::Stored);
    CHECK(row_of(rig, "two").state == RecordingState::Partial);
    CHECK(row_of(rig, "two").duration_s == Approx(0.2));
    CHECK(rig.catalog.rows.size() == 2);
}

TEST_CASE("cutting: a part whose successor was never written is ended by recovery",
          "[unit][archive]") {
    ArchiveRig rig;
    PersistentSession call(rig);
    call.begin("one");
    call.talk(10);
    call.stop("one");
    rig.spool.flush();
    std::filesystem::remove(rig.layout.live() + "/" + capture_name(call.session.id, 2));
    REQUIRE(recover_captures(rig.layout, null_logger()).has_value());
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.only_row().state == RecordingState::Stored);
    CHECK(std::filesystem::is_empty(rig.layout.captures()));
}

TEST_CASE("cutting: recovery keeps what lies behind damage", "[unit][archive]") {
    ArchiveRig rig;
    PersistentSession call(rig);
    call.begin("one");
    call.talk(3);
    rig.spool.flush();
    const std::string tail(64, '\x01');
    std::ofstream(rig.live_path(call.session.id), std::ios::app) << tail;
    REQUIRE(recover_captures(rig.layout, null_logger()).has_value());
    const std::string kept = rig.layout.failed() + "/" + capture_name(call.session.id) + ".tail";
    CHECK(std::filesystem::file_size(kept) == tail.size());
    CHECK(std::filesystem::exists(kept + ".reason"));
}

TEST_CASE("cutting: set_aside can be repeated", "[unit][archive]") {
    ArchiveRig rig;
    const std::string path = rig.finished_path(Uuid::random());
    std::ofstream(path) << "x";
    CHECK(set_aside(rig.layout, path, "first").has_value());
    CHECK(set_aside(rig.layout, path, "again").has_value());
}

TEST_CASE("cutting: running CSs have a row each and those that are over wait as finalizing",
          "[unit][archive]") {
    ArchiveRig rig;
    PersistentSession call(rig);
    call.begin("one");
    call.begin("two");
    call.say("partial", "<participantsessionassoc participant_id='p-one' session_id='one'/>");
    call.talk(3);
    rig.spool.flush();
    ArchiveWorker worker = rig.worker_of_its_own();
    CHECK_FALSE(worker.run_round());
    CHECK(rig.catalog.rows.size() == 2);
    call.stop("two");
    rig.spool.flush();
    CHECK_FALSE(worker.run_round());
    CHECK(row_of(rig, "one").state == RecordingState::Recording);
    CHECK(row_of(rig, "two").state == RecordingState::Finalizing);
}

TEST_CASE("attempts: one that is ended from outside counts no more", "[unit][archive]") {
    ArchiveRig rig;
    const std::string path = rig.finished_path(Uuid::random());
    for (int i = 0; i < 5; ++i) {
        const auto attempt = Attempts::begin(path);
        REQUIRE(attempt.has_value());
        CHECK_FALSE(attempt->is_doubtful());
        CHECK(attempt->excuse().has_value());
    }
}

TEST_CASE("conversation: sessions and groups and dialogs tie and numbers do not",
          "[unit][archive][7865-6.10-4][7865-6.2-2]") {
    RecordingRecord record;
    record.recording_session = Uuid::random();
    record.participants.push_back({.src_id = "p", .names = {}, .number = "+4930123"});
    CHECK(conversation_keys(record, true).empty());
    const std::string half(32, 'a');
    const std::string nil(32, '0');
    CommunicationSessionRecord session;
    session.src_id = "9YK2zc0+TqWvIBx9YDMp0w==";
    session.group_src_id = "g1";
    session.sip_session_ids = {half + ";remote=" + nil};
    record.sessions.push_back(session);
    record.fields.push_back({.name = "ucid", .value = "00001012345678901234", .source = {}});
    const auto keys = conversation_keys(record, false);
    CHECK(keys == std::vector<std::string>{"cs:9YK2zc0+TqWvIBx9YDMp0w==",
                                           "group:" + record.recording_session.to_string() + ":g1",
                                           "sip-session:" + half});
    CHECK(conversation_keys(record, true).back() == "ucid:00001012345678901234");
}

}  // namespace
}  // namespace siprec::server::testing
