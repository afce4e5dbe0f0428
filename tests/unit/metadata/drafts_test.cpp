#include "fixtures.hpp"

namespace siprec::metadata::test {

TEST_CASE("metadata: the late draft gives the same model when associations are in participants",
          "[unit][metadata][interop]") {
    const ParsedDocument read = parsed(fixture("late-draft.xml"));
    CHECK(read.dialect == Dialect::LateDraft);
    const Document& document = read.document;
    CHECK(document.sessions.at(0).id == "S-100");
    CHECK(document.session_recording_assocs.at(0).session_id == "S-100");
    REQUIRE(document.participant_session_assocs.size() == 2);
    CHECK(document.participant_session_assocs[1].participant_id == "P-2");
    CHECK(document.participant_session_assocs[1].session_id == "S-100");
    CHECK(document.participant_session_assocs[1].associated.from == at("2026-03-02T08:00:05Z"));
    REQUIRE(document.participant_stream_assocs.size() == 2);
    CHECK(document.participant_stream_assocs[0].send == Ids{"M-1"});
    CHECK(document.participant_stream_assocs[1].recv == Ids{"M-1"});
    CHECK(document.streams.at(0).label == "500001");
    CHECK(document.streams.at(0).extensions.at(0).name == "mode");
    CHECK(document.sessions.at(0).extensions.at(0).name == "ucid");
    CHECK(document.sessions.at(0).extensions.at(0).text == "00C0FFEE;encoding=hex");
    CHECK(document.participants.at(0).extensions.at(0).name == "callingParty");
    for (const char* const code :
         {"namespace", "data-mode", "draft-attribute", "draft-element", "time-without-zone"}) {
        CAPTURE(code);
        CHECK(has_finding(read.findings, code));
    }
}

TEST_CASE("metadata: the early draft gives the same model when linked by attributes",
          "[unit][metadata][interop]") {
    const ParsedDocument read = parsed(fixture("early-draft.xml"));
    CHECK(read.dialect == Dialect::EarlyDraft);
    const Document& document = read.document;
    CHECK(document.sessions.at(0).group_ref == "urn:uuid:22222222-0000-4000-8000-000000000002");
    CHECK(document.sessions.at(0).start_time == at("2026-03-02T13:00:00Z"));
    CHECK(document.participants.at(1).names.at(0).aor == "sip:+15550102@hotel.example;user=phone");
    REQUIRE(document.participant_stream_assocs.size() == 2);
    CHECK(document.participant_stream_assocs[1].send ==
          Ids{"urn:uuid:77777777-0000-4000-8000-000000000007"});
    REQUIRE(document.participant_session_assocs.size() == 2);
    const auto& extensions = document.sessions.at(0).extensions;
    REQUIRE(extensions.size() == 1);
    CHECK(extensions[0].name == "hotelRecording");
    CHECK(extensions[0].children.at(0).text == "half-77:1");
    CHECK(document.groups.at(0).extensions.at(0).text == "sip:reception@hotel.example");
    CHECK(document.extensions.at(0).name == "recording");
    CHECK(has_finding(read.findings, "root-name"));
}

TEST_CASE("metadata: an attribute of a draft does not double an association when both are there",
          "[unit][metadata][interop]") {
    const ParsedDocument read = parsed(
        "<recording><participant participant_id='p' session_id='s'><send>m</send></participant>"
        "<participantsessionassoc participant_id='p' session_id='s'/>"
        "<participantstreamassoc participant_id='p'><send>n</send></participantstreamassoc>"
        "</recording>");
    CHECK(read.dialect == Dialect::LateDraft);
    CHECK(read.document.participant_session_assocs.size() == 1);
    REQUIRE(read.document.participant_stream_assocs.size() == 1);
    CHECK(read.document.participant_stream_assocs[0].send == Ids{"n"});
    CHECK(has_finding(read.findings, "stray-attribute"));
}

TEST_CASE("metadata: a prefix is no obstacle when nobody declared it",
          "[unit][metadata][interop]") {
    const ParsedDocument read =
        parsed("<recording><session id='s'><gw:ucid>1</gw:ucid></session></recording>");
    CHECK(read.document.sessions.at(0).extensions.at(0).name == "ucid");
    CHECK(has_finding(read.findings, "unbound-prefix"));
}

}  // namespace siprec::metadata::test
