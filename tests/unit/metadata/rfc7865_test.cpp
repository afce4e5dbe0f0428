#include "fixtures.hpp"

namespace siprec::metadata::test {

namespace {

std::string document(std::string_view content) {
    return "<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">" + std::string(content) +
           "</recording>";
}

}  // namespace

TEST_CASE("metadata: every class of the model is read when the document is RFC 7865",
          "[unit][metadata][rfc7865][7865-5.1.2-1][7865-6.2-1][7865-6.2-2][7865-6.2-3]"
          "[7865-6.3-1][7865-6.3-2][7865-6.3-3][7865-6.3-7][7865-6.3-8][7865-6.4-1][7865-6.4-2]"
          "[7865-6.4-3][7865-6.5-1][7865-6.5-2][7865-6.5-3][7865-6.5-4][7865-6.5-5][7865-6.6-1]"
          "[7865-6.6-2][7865-6.6-4][7865-6.7-1][7865-6.7-2][7865-6.7-3][7865-6.7-4][7865-6.8-1]"
          "[7865-6.8-2][7865-6.8-3][7865-6.9-1][7865-5.1-4][7865-ext-1]") {
    const ParsedDocument read = parsed(fixture("flow-1-complete.xml"));
    CHECK(read.dialect == Dialect::Rfc7865);
    CHECK(read.findings.empty());
    const Document& document = read.document;
    CHECK(document.mode == DataMode::Complete);

    REQUIRE(document.groups.size() == 1);
    CHECK(document.groups[0].id == "Z3JvdXAtMDAwMDAwMDAwMQ==");
    CHECK(document.groups[0].associated.from == at("2026-03-02T08:00:00Z"));
    REQUIRE(document.groups[0].extensions.size() == 1);
    const XmlElement& ward = document.groups[0].extensions[0];
    CHECK(ward.name_space == "http://clinic.example/siprec");
    CHECK(ward.name == "ward");
    REQUIRE(ward.attributes.size() == 1);
    CHECK(ward.attributes[0] == std::pair<std::string, std::string>("floor", "3"));
    REQUIRE(ward.children.size() == 1);
    CHECK(ward.children[0].text == "12");

    REQUIRE(document.sessions.size() == 1);
    CHECK(document.sessions[0].sip_session_ids ==
          Ids{"0123456789abcdef0123456789abcdef;remote=fedcba9876543210fedcba9876543210"});
    CHECK(document.sessions[0].group_ref == "Z3JvdXAtMDAwMDAwMDAwMQ==");
    CHECK(document.sessions[0].start_time == at("2026-03-02T08:00:00Z"));

    REQUIRE(document.participants.size() == 2);
    REQUIRE(document.participants[0].names.size() == 2);
    CHECK(document.participants[0].names[0] ==
          NameId{"sip:martha@clinic.example", "Martha Müller", "de"});
    CHECK(document.participants[0].names[1] == NameId{"tel:+41445550101", "", ""});
    CHECK(document.participants[1].names[0].name == "نورا");

    REQUIRE(document.streams.size() == 2);
    CHECK(document.streams[1].label == "2");
    CHECK(document.streams[1].session_id == "c2Vzc2lvbi0wMDAwMDAwMQ==");
    REQUIRE(document.session_recording_assocs.size() == 1);
    CHECK(document.session_recording_assocs[0].associated.from == at("2026-03-02T08:00:00Z"));
    REQUIRE(document.participant_session_assocs.size() == 2);
    CHECK(document.participant_session_assocs[0].params ==
          std::vector<std::pair<std::string, std::string>>{{"isfocus", "true"}});
    REQUIRE(document.participant_stream_assocs.size() == 2);
    CHECK(document.participant_stream_assocs[0].send == Ids{"c3RyZWFtLW1hcnRoYS0wMQ=="});
    CHECK(document.participant_stream_assocs[0].recv == Ids{"c3RyZWFtLW51cmEtMDAwMQ=="});
}

TEST_CASE("metadata: a reason keeps its text when its cause is missing or no number",
          "[unit][metadata][rfc7865][7865-6.3-4][7865-6.3-5][7865-6.3-6]") {
    const ParsedDocument read = parsed(document(
        "<session session_id='YQ=='><reason cause=' 486 '>Busy</reason><reason protocol='Q.850'>x"
        "</reason><reason cause='many'/></session>"));
    const auto& reasons = read.document.sessions.at(0).reasons;
    REQUIRE(reasons.size() == 3);
    CHECK(reasons[0] == Reason{"SIP", 486, "Busy"});
    CHECK(reasons[1] == Reason{"Q.850", std::nullopt, "x"});
    CHECK_FALSE(reasons[2].cause);
    CHECK(has_finding(read.findings, "bad-cause"));
}

TEST_CASE("metadata: order and prefix do not matter when names are understood",
          "[unit][metadata][rfc7865][7865-5.1.2-1][7865-5.1.2-3e][7865-6.9-1]") {
    const ParsedDocument read = parsed(fixture("prefixed.xml"));
    CHECK(read.dialect == Dialect::Rfc7865);
    CHECK(read.document.mode == DataMode::Partial);
    CHECK(read.document.streams.at(0).label == "7");
    CHECK(read.document.participant_stream_assocs.at(0).send == Ids{"czE="});
    CHECK(read.document.participant_stream_assocs.at(0).recv == Ids{"czE="});
    CHECK(read.document.sessions.at(0).start_time == at("2026-03-02T08:00:00Z"));
    CHECK_FALSE(read.document.sessions.at(0).stop_time);
    for (const char* const code :
         {"element-order", "time-format", "bad-time", "unknown-attribute", "unknown-element"}) {
        CAPTURE(code);
        CHECK(has_finding(read.findings, code));
    }
}

TEST_CASE("metadata: unknown elements and attributes survive when nobody understands them",
          "[unit][metadata][7865-ext-1][7865-ext-2][7865-6.3-9][7865-6.5-6]") {
    const ParsedDocument read = parsed(fixture("prefixed.xml"));
    const auto& stream = read.document.streams.at(0).extensions;
    REQUIRE(stream.size() == 1);
    CHECK(stream[0].name == "channel");
    CHECK(stream[0].text == "left");
    const auto& participant = read.document.participants.at(0).extensions;
    REQUIRE(participant.size() == 2);
    CHECK(participant[0].name == "nameID");
    CHECK(participant[0].name_space == kForeignNamespace);
    CHECK(participant[0].attributes.at(0) == std::pair<std::string, std::string>("kind", "x"));
    CHECK(participant[1].name == "participant");
    CHECK(participant[1].attributes.at(0) == std::pair<std::string, std::string>("role", "agent"));
    const auto& session = read.document.sessions.at(0).extensions;
    REQUIRE(session.size() == 1);
    CHECK(session[0].name == "stop-time");
    CHECK(session[0].text == "never");
}

TEST_CASE("metadata: a finding says where when it is about one element",
          "[unit][metadata][7865-5.1-5]") {
    const ParsedDocument read = parsed(
        document("<participant participant_id='YQ=='/><participant participant_id='Yg=='><nameID "
                 "aor='sip:x@y' junk='1'/></participant>"));
    REQUIRE(read.findings.size() == 1);
    CHECK(read.findings[0].path == "recording/participant[2]/nameID");
}

TEST_CASE("metadata: data mode is read when its case or white space differ",
          "[unit][metadata][rfc7865][7865-5.1.2-3]") {
    CHECK(parsed(document("")).document.mode == DataMode::Complete);
    CHECK(parsed(document("<dataMode> Partial </dataMode>")).document.mode == DataMode::Partial);
    CHECK(parsed(document("<datamode>COMPLETE</datamode>")).document.mode == DataMode::Complete);
    CHECK(parsed(document("<datamode>partial</datamode>")).document.mode == DataMode::Partial);
    CHECK(has_finding(parsed(document("<dataMode>partial</dataMode>")).findings, "data-mode"));
}

TEST_CASE("metadata: ids are opaque when they are no base64",
          "[unit][metadata][rfc7865][7865-6.10-3]") {
    const ParsedDocument read =
        parsed(document("<session session_id=' urn:uuid:1\n 2 '/><participant participant_id=''/>"
                        "<stream stream_id='+41 44 555'/>"));
    CHECK(read.document.sessions.at(0).id == "urn:uuid:12");
    CHECK(read.document.participants.at(0).id.empty());
    CHECK(read.document.streams.at(0).id == "+4144555");
    CHECK(has_finding(read.findings, "missing-id"));
}

TEST_CASE("metadata: another version of the namespace is read by names when it comes",
          "[unit][metadata][rfc7865][7865-6.11-1]") {
    const ParsedDocument read = parsed(
        "<recording xmlns='urn:ietf:params:xml:ns:recording:2'><stream "
        "stream_id='a'/></recording>");
    CHECK(has_finding(read.findings, "unsupported-version"));
    CHECK(read.document.streams.size() == 1);
}

TEST_CASE("metadata: the root is refused when it is not recording",
          "[unit][metadata][rfc7865][7865-5.1-1][7865-7-2e]") {
    const auto refused = parse("<requestsnapshot xmlns='urn:ietf:params:xml:ns:recording:1'/>");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::Malformed);
    CHECK(refused.error().message().find("requestsnapshot") != std::string::npos);
}

TEST_CASE("metadata: a second recording in one document adds nothing",
          "[unit][metadata][rfc7865][7865-5.1.2-2]") {
    const ParsedDocument read = parsed(document("<participant participant_id='A'/>") +
                                       document("<participant participant_id='B'/>"));
    REQUIRE(read.document.participants.size() == 1);
    CHECK(read.document.participants[0].id == "A");
    CHECK_FALSE(read.findings.empty());
}

TEST_CASE("metadata: blanks around a reference do not matter",
          "[unit][metadata][rfc8068][8068-T7][8068-T8]") {
    const ParsedDocument read = parsed(
        document("<session session_id='YQ=='><sipSessionID>aa ;\n  remote=\tbb</sipSessionID>"
                 "<group-ref>Zw==\n  </group-ref></session>"));
    CHECK(read.document.sessions.at(0).sip_session_ids == Ids{"aa;remote=bb"});
    CHECK(read.document.sessions.at(0).group_ref == "Zw==");
}

}  // namespace siprec::metadata::test
