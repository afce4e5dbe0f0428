#include "archive/record_builder.hpp"

#include "archive/call_facts.hpp"
#include "archive/sequence_counter.hpp"
#include "unit/server_capture/capture_fixture.hpp"

#include <catch2/catch.hpp>

namespace siprec::server::testing {
namespace {

CaptureDigest& digest_file_into(CaptureDigest& digest, const std::string& path) {
    REQUIRE(play_file(path, digest).has_value());
    digest.close();
    return digest;
}

BuiltRecord built_from(const std::string& path) {
    CaptureDigest digest;
    digest_file_into(digest, path);
    BuiltRecord built = build_finished_record(
        digest,
        digest.tracker().stays().empty() ? nullptr : &digest.tracker().stays().front(),
        DecoderRegistry::with_defaults(),
        8000,
        false);
    complete_record(built, digest, std::nullopt);
    return built;
}

bool has_reason(const RecordingRecord& record, const std::string& reason) {
    return std::find(record.reasons.begin(), record.reasons.end(), reason) != record.reasons.end();
}

TEST_CASE("record: session and parties and tracks are filled from the capture", "[unit][archive]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const WallTime first = rig.clock.wall + 2s;
    call.talk(first);
    call.hang_up(first + 1s);
    rig.settle();
    const BuiltRecord built = built_from(rig.finished_path(call.session.id));
    const RecordingRecord& record = built.record;

    CHECK(record.id == recording_id(call.session.id));
    CHECK(record.recording_session == call.session.id);
    CHECK(record.state == RecordingState::Stored);
    CHECK(record.start == first);
    CHECK(record.end == first + 1s);
    CHECK(record.call_id == call.session.call_id);
    CHECK(record.src_address == "192.0.2.10:40000");
    CHECK(record.headers_json == R"({"Require":["siprec"],"X-Note":["one","two"]})");
    CHECK(record.end_cause == "bye");
    CHECK(record.direction == "inbound");
    CHECK(record.verdict == Verdict::Good);
    CHECK(record.reasons.empty());

    REQUIRE(record.participants.size() == 2);
    CHECK(record.participants[0].names.at(0).name == "Alice");
    CHECK(record.participants[0].number == "+12125550100");
    CHECK(record.participants[1].number == "bob");
    REQUIRE(record.tracks.size() == 2);
    CHECK(record.tracks[0].stream_src_id == "st1");
    CHECK(record.tracks[1].stream_src_id == "st2");
    CHECK(record.tracks[0].codec == "PCMU");
    CHECK(record.tracks[0].channel == 0U);
    CHECK(record.tracks[1].channel == 1U);
    CHECK(record.tracks[1].first_packet == first + 200ms);
    CHECK(record.tracks[0].packets == 50);
    CHECK(built.plan.origin == first);
    CHECK(built.plan.tracks == std::vector<Uuid>{call.streams[0].id, call.streams[1].id});

    REQUIRE(record.groups.size() == 1);
    REQUIRE(record.sessions.size() == 1);
    CHECK(record.sessions[0].group_src_id == "g1");
    CHECK(record.sessions[0].extension_json.find("terminating") != std::string::npos);
    const auto sends = std::count_if(
        record.associations.begin(), record.associations.end(), [](const auto& association) {
            return association.participant_src_id == "p1" && association.stream_src_id == "st1" &&
                   association.until.has_value();
        });
    CHECK(sends == 1);
    REQUIRE(record.documents.size() == 1);
    CHECK(record.documents[0].document == kMetadata);
    CHECK(record.documents[0].usable);
    CHECK(record.segments.size() == 2);
}

TEST_CASE("record: hold cuts the segment of its track", "[unit][archive]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const WallTime start = rig.clock.wall;
    call.talk(start);
    StreamInfo held = call.streams[0];
    held.direction = sdp::Direction::Inactive;
    held.since = start + 10s;
    call.media[0]->on_changed(held);
    call.streams[0].since = start + 15s;
    call.media[0]->on_changed(call.streams[0]);
    call.hang_up(start + 20s);
    rig.settle();
    std::vector<std::pair<WallTime, WallTime>> stretches;
    for (const auto& segment : built_from(rig.finished_path(call.session.id)).record.segments) {
        if (segment.track == call.streams[0].id) {
            stretches.emplace_back(segment.from, segment.until);
        }
    }
    CHECK(stretches == std::vector<std::pair<WallTime, WallTime>>{{start, start + 10s},
                                                                  {start + 15s, start + 20s}});
}

TEST_CASE(
    "record: a segment begins with the message that brought its stream when we come to it late",
    "[unit][archive]") {
    CaptureRig rig;
    const SessionInfo session = session_info(rig.clock.wall);
    StreamInfo stream = stream_info(0, "1");
    stream.since = session.started;
    auto sink = rig.sinks.open_session(session);
    rig.clock.pass(150ms);  // the packet waited in its socket meanwhile
    auto media = sink->open_stream(stream);
    media->on_rtp(pcmu_packet(1, 1, std::byte{1}).view(stream, session.started + 20ms));
    media->on_closed({}, session.started + 1s);
    sink->on_ended({.cause = EndCause::Bye, .reason = {}, .time = session.started + 1s});
    rig.settle();
    const auto segments = built_from(rig.finished_path(session.id)).record.segments;
    REQUIRE(segments.size() == 1);
    CHECK(segments[0].from == session.started);
    CHECK(segments[0].until == session.started + 1s);
}

TEST_CASE("record: labels in metadata without SDP meet the streams that are there",
          "[unit][archive][7866-9.1-5]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    const WallTime first = rig.clock.wall + 2s;
    call.talk(first);
    send_metadata(
        *call.sink,
        "<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>partial</datamode>"
        "<stream stream_id='later'><label>" +
            call.streams[0].label + "</label></stream></recording>",
        first + 500ms);
    call.hang_up(first + 1s);
    rig.settle();
    const RecordingRecord record = built_from(rig.finished_path(call.session.id)).record;
    REQUIRE(record.tracks.size() == 2);
    CHECK(record.tracks[0].stream_src_id == "later");
    CHECK(record.tracks[1].stream_src_id == "st2");
}

TEST_CASE("record: a client without metadata gives the parties of its INVITE",
          "[unit][archive][7866-9.1-1]") {
    CaptureRig rig;
    const SessionInfo session = session_info(rig.clock.wall);
    const StreamInfo stream = stream_info(0, "");
    auto sink = rig.sinks.open_session(session);
    auto media = sink->open_stream(stream);
    media->on_rtp(pcmu_packet(1, 1, std::byte{1}).view(stream, rig.clock.wall));
    media->on_closed({}, rig.clock.wall + 1s);
    sink->on_ended({.cause = EndCause::MediaTimeout, .reason = {}, .time = rig.clock.wall + 1s});
    rig.settle();
    const RecordingRecord record = built_from(rig.finished_path(session.id)).record;
    REQUIRE(record.participants.size() == 3);
    CHECK(record.participants[0].names.at(0).aor == session.from_uri);
    CHECK(record.participants[0].names.at(0).name == session.from_display);
    CHECK(record.participants[1].names.at(0).aor == session.to_uri);
    CHECK(record.participants[2].src_id == "unknown-1");
    CHECK(record.direction == "unknown");
    CHECK(record.verdict == Verdict::Degraded);
    CHECK(has_reason(record, "metadata-missing"));
    CHECK(has_reason(record, "media-timeout"));
}

TEST_CASE("record: reasons say which stream was silent and what could not be decoded",
          "[unit][archive]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    send_metadata(*call.sink, "<nothing", rig.clock.wall);
    call.media[0]->on_rtp(
        TestPacket(18, 1, 0, 1, std::vector<std::byte>(20)).view(call.streams[0], rig.clock.wall));
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    const RecordingRecord record = built_from(rig.finished_path(call.session.id)).record;
    CHECK(record.verdict == Verdict::Degraded);
    CHECK(has_reason(record, "stream-silent:97"));
    CHECK(has_reason(record, "undecodable-codec:PT-18"));
    CHECK(record.documents.size() == 2);
}

TEST_CASE("record: a call without any packet failed", "[unit][archive]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    call.hang_up(rig.clock.wall + 1s);
    rig.settle();
    const BuiltRecord built = built_from(rig.finished_path(call.session.id));
    CHECK(built.record.verdict == Verdict::Failed);
    CHECK(has_reason(built.record, "no-media"));
    CHECK(built.record.start == call.session.started);
    CHECK(built.plan.tracks.empty());
    CHECK_FALSE(built.record.tracks.at(0).channel.has_value());
}

TEST_CASE("record: an interrupted session is partial and counts its own losses",
          "[unit][archive]") {
    CaptureRig rig;
    TwoPartyCall call(rig);
    for (const std::uint16_t sequence : std::initializer_list<std::uint16_t>{1, 2, 2, 5}) {
        call.media[0]->on_rtp(pcmu_packet(sequence, 1, std::byte{1})
                                  .view(call.streams[0], rig.clock.wall + sequence * 20ms));
    }
    rig.spool.flush();
    const RecordingRecord record = built_from(rig.live_path(call.session.id)).record;
    CHECK(record.state == RecordingState::Partial);
    CHECK(record.end_cause == "interrupted");
    CHECK(has_reason(record, "interrupted"));
    CHECK(has_reason(record, "packet-loss"));
    CHECK(record.tracks.at(0).lost == 2);
    CHECK(record.tracks.at(0).duplicates == 1);
    CHECK(record.end == rig.clock.wall + 100ms);
}

TEST_CASE("sequence: loss and duplicates are right across the wrap", "[unit][archive][rfc3550]") {
    SequenceCounter counter;
    for (const unsigned sequence : {65533U, 65535U, 65534U, 65535U, 0U, 3U, 2U}) {
        counter.add(7, static_cast<std::uint16_t>(sequence));
    }
    CHECK(counter.lost() == 1);
    CHECK(counter.duplicates() == 1);
    CHECK(counter.ssrc_changes() == 0);
    counter.add(8, 100);
    CHECK(counter.lost() == 1);
    CHECK(counter.ssrc_changes() == 1);
}

TEST_CASE("number: the searchable form is the user part of the address", "[unit][archive]") {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"sip:+1-212-555-0100@example.com;user=phone", "+12125550100"},
        {"tel:(030) 12.34;phone-context=+49", "0301234"},
        {"\"Bob\" <SIPS:bob.smith@example.com>", "bob.smith"},
        {"sip:%2B4930@example.com", "+4930"},
        {"7001", "7001"},
        {"", ""},
    };
    for (const auto& [aor, number] : cases) {
        CHECK(normalised_number(aor) == number);
    }
}

}  // namespace
}  // namespace siprec::server::testing
