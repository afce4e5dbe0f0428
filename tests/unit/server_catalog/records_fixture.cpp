#include "records_fixture.hpp"

namespace siprec::test {

using namespace std::chrono_literals;

WallTime november(std::chrono::microseconds offset) {
    return WallTime{std::chrono::sys_days{std::chrono::year{2026} / 11 / 1}} + offset;
}

namespace {

server::TrackRecord silent_track() {
    server::TrackRecord track;
    track.id = Uuid::random();
    track.label = "97";
    return track;
}

}  // namespace

server::RecordingRecord full_recording() {
    server::RecordingRecord recording;
    recording.id = Uuid::random();
    recording.recording_session = Uuid::random();
    recording.state = server::RecordingState::Partial;
    recording.start = november(1h + 123456us);
    recording.end = november(2h);
    recording.duration_s = 3599.876544;
    recording.direction = "inbound";
    recording.src_uri = "sip:sbc@192.0.2.1";
    recording.src_address = "192.0.2.1:5060";
    recording.src_user_agent = "Border/1.2";
    recording.call_id = "a'b\"c;--";
    recording.to_uri = "sip:srs@192.0.2.2";
    recording.headers_json = R"({"X-Call":["1"]})";
    recording.end_cause = "interrupted";
    recording.end_reason = "the server was killed";
    recording.verdict = server::Verdict::Degraded;
    recording.reasons = {"truncated", "stream-silent"};
    recording.extension_json = R"([{"name":"x"}])";
    recording.groups = {{.src_id = "g1",
                         .associated = november(1h),
                         .disassociated = std::nullopt,
                         .extension_json = "[]"}};
    recording.sessions = {{.src_id = "cs1",
                           .group_src_id = "g1",
                           .sip_session_ids = {"ab;remote=cd", "ef"},
                           .start_time = november(1h),
                           .stop_time = november(2h),
                           .extension_json = "[1]"}};
    recording.participants = {
        {.src_id = "p1",
         .names = {{.aor = "sip:+49301234@example.com", .name = "Jürgen Größe 山田"},
                   {.aor = "tel:+49301234", .name = ""}},
         .number = "+49301234",
         .extension_json = "[]"},
        {.src_id = "unknown-1", .names = {}, .number = "", .extension_json = "[]"}};
    const Uuid track = Uuid::random();
    recording.tracks = {{.id = track,
                         .media_index = 1,
                         .stream_src_id = "s1",
                         .label = "96",
                         .media_type = "audio",
                         .codec = "PCMU,OPUS",
                         .channel = 0,
                         .packets = 5'000'000'000,
                         .bytes = 900'000'000'000,
                         .lost = -3,
                         .duplicates = 2,
                         .ssrc_changes = 1,
                         .first_packet = november(1h + 1us),
                         .last_packet = november(2h)},
                        silent_track()};
    recording.associations = {{.participant_src_id = "p1",
                               .session_src_id = "cs1",
                               .stream_src_id = "",
                               .from = november(1h),
                               .until = november(2h),
                               .estimated = true,
                               .guess = false},
                              {.participant_src_id = "unknown-1",
                               .session_src_id = "",
                               .stream_src_id = "s1",
                               .from = november(1h),
                               .until = std::nullopt,
                               .estimated = false,
                               .guess = true}};
    recording.segments = {{.track = track, .from = november(1h), .until = november(90min)}};
    recording.artefacts = {{.kind = "wav",
                            .path = "2026/11/01/x.wav",
                            .media_type = "audio/wav",
                            .bytes = 57'600'044,
                            .sha256 = "00ff"}};
    recording.documents = {{.received = november(1h),
                            .method = "INVITE",
                            .content_type = "application/rs-metadata+xml",
                            .document = std::string("<recording>\0\xFF\\'</recording>", 25),
                            .usable = false,
                            .findings_json = R"(["broken"])"}};
    recording.fields = {{.name = "ucid", .value = "00FA", .source = "oracle: element ucid"},
                        {.name = "ucid", .value = "00FB", .source = "generic: header"}};
    recording.profiles = {{.name = "oracle", .reason = "header X-Acme-*"}};
    recording.voices = {{.track = track,
                         .participant_src_id = "p1",
                         .role = "remote",
                         .certainty = "likely",
                         .contradicted = true,
                         .evidence_json = R"([{"kind":"cname"}])"}};
    recording.telephone_events = {
        {.track = track, .digit = "#", .offset_s = 1.25, .duration_s = 0.1}};
    return recording;
}

server::RecordingRecord small_recording(WallTime start,
                                        const std::string& number,
                                        const std::string& name) {
    server::RecordingRecord recording;
    recording.id = Uuid::random();
    recording.recording_session = Uuid::random();
    recording.state = server::RecordingState::Stored;
    recording.start = start;
    recording.end = start + 10s;
    recording.participants = {{.src_id = "p1",
                               .names = {{.aor = "sip:" + number + "@example.com", .name = name}},
                               .number = number,
                               .extension_json = "[]"}};
    recording.tracks = {silent_track()};
    return recording;
}

}  // namespace siprec::test
