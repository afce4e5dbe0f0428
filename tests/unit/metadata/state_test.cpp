#include "fixtures.hpp"

namespace siprec::metadata::test {

namespace {

constexpr std::string_view kTwoParties =
    "<session session_id='S'/><participant participant_id='A'><nameID aor='sip:a@x'/></participant>"
    "<participant participant_id='B'><nameID aor='sip:b@x'/></participant>"
    "<stream stream_id='1' session_id='S'><label>1</label></stream>"
    "<stream stream_id='2' session_id='S'><label>2</label></stream>"
    "<participantsessionassoc participant_id='A' session_id='S'/>"
    "<participantsessionassoc participant_id='B' session_id='S'/>"
    "<participantstreamassoc participant_id='A'><send>1</send></participantstreamassoc>"
    "<participantstreamassoc participant_id='B'><send>2</send></participantstreamassoc>";

Document document(std::string_view mode, std::string_view content) {
    return parsed("<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>" +
                  std::string(mode) + "</datamode>" + std::string(content) + "</recording>")
        .document;
}

WallTime second(int n) {
    return WallTime{} + std::chrono::seconds(n);
}

/// A state that holds two parties, known since second 0.
State two_parties() {
    State state;
    CHECK(state.apply(document("complete", kTwoParties), second(0)).empty());
    return state;
}

const ParticipationInterval& interval(const State& state,
                                      std::string_view participant,
                                      std::string_view stream,
                                      std::size_t nth = 0) {
    for (const ParticipationInterval& each : state.history()) {
        if (each.participant_id == participant && each.stream_id == stream && nth-- == 0) {
            return each;
        }
    }
    FAIL("no such interval");
    return state.history().front();
}

}  // namespace

TEST_CASE("metadata: a partial document alone is applied and noted when no complete one came",
          "[unit][metadata][rfc7865][7865-pu-3][7866-9.1-3]") {
    State state;
    CHECK_FALSE(state.has_document());
    const auto findings =
        state.apply(document("partial", "<participant participant_id='A'/>"), second(0));
    CHECK(has_finding(findings, "partial-without-complete"));
    CHECK(state.has_document());
    CHECK(with_id(state.current().participants, "A") != nullptr);
}

TEST_CASE("metadata: values stay when a partial document does not repeat them",
          "[unit][metadata][rfc7865][7865-pu-11][7865-pu-12][7865-pu-10]") {
    State state;
    state.apply(
        document("complete",
                 "<group group_id='G'/><session session_id='S'><sipSessionID>a</sipSessionID>"
                 "<sipSessionID>b</sipSessionID><group-ref>G</group-ref></session>"),
        second(0));
    state.apply(document("partial",
                         "<session session_id='S'><sipSessionID>c</sipSessionID><stop-time>"
                         "2026-01-01T00:00:00Z</stop-time></session>"),
                second(1));
    const CommunicationSession& session = state.current().sessions.at(0);
    CHECK(session.group_ref == "G");
    CHECK(session.sip_session_ids == Ids{"c"});
    CHECK(session.stop_time == at("2026-01-01T00:00:00Z"));
    CHECK(state.everything().sessions.at(0).sip_session_ids == Ids{"c", "a", "b"});
}

TEST_CASE("metadata: what vanished is closed and not forgotten when a complete document comes",
          "[unit][metadata][rfc7865][7865-pu-17][7865-pu-1][7866-9.2-10]") {
    State state = two_parties();
    state.apply(document("complete",
                         "<session session_id='S'/><participant participant_id='A'/>"
                         "<participantsessionassoc participant_id='A' session_id='S'/>"),
                second(9));
    CHECK(with_id(state.current().participants, "B") == nullptr);
    REQUIRE(with_id(state.everything().participants, "B") != nullptr);
    CHECK(with_id(state.everything().participants, "B")->names.at(0).aor == "sip:b@x");
    CHECK(interval(state, "B", "2").until == second(9));
    CHECK(members(state, "S") == Ids{"A"});
}

TEST_CASE("metadata: nothing changes when a document is repeated",
          "[unit][metadata][7865-pu-16][7865-pu-10]") {
    for (const char* const name : {"flow-1-complete.xml",
                                   "flow-4-transfer.xml",
                                   "flow-5-disconnect.xml",
                                   "late-draft.xml",
                                   "early-draft.xml",
                                   "no-associations.xml"}) {
        CAPTURE(name);
        const Document document = parsed(fixture(name)).document;
        State state;
        state.apply(document, second(0));
        const State before = state;
        state.apply(document, second(5));
        CHECK((state.current() == before.current()));
        CHECK((state.everything() == before.everything()));
        REQUIRE(state.history().size() == before.history().size());
        for (std::size_t i = 0; i < before.history().size(); ++i) {
            CHECK(state.history()[i].from == before.history()[i].from);
            CHECK(state.history()[i].until == before.history()[i].until);
        }
    }
}

TEST_CASE("metadata: the time of receipt counts and is marked when the client gives none",
          "[unit][metadata][7865-6.9-2]") {
    State state = two_parties();
    CHECK(interval(state, "A", "1").from == second(0));
    CHECK(interval(state, "A", "1").from_is_estimated);
    state.apply(document("partial",
                         "<participantstreamassoc participant_id='A'><send>1</send>"
                         "<associate-time>1969-12-31T23:59:50Z</associate-time>"
                         "</participantstreamassoc>"),
                second(3));
    CHECK(interval(state, "A", "1").from == second(-10));
    CHECK_FALSE(interval(state, "A", "1").from_is_estimated);
}

TEST_CASE("metadata: a new interval opens when a closed association is associated again",
          "[unit][metadata][rfc7865][7865-pu-14][7865-6.6-3][7865-6.4-3]") {
    State state = two_parties();
    const auto associate = [&](std::string_view time, int when) {
        state.apply(document("partial",
                             "<participantsessionassoc participant_id='A' session_id='S'>" +
                                 std::string(time) + "</participantsessionassoc>"),
                    second(when));
    };
    associate("<disassociate-time>1970-01-01T00:00:05Z</disassociate-time>", 6);
    CHECK(members(state, "S") == Ids{"B"});
    CHECK(senders(state, "1").empty());
    CHECK(interval(state, "A", "1").until == second(5));
    associate("<associate-time>1970-01-01T00:00:08Z</associate-time>", 9);
    CHECK(members(state, "S") == Ids{"A", "B"});
    CHECK(interval(state, "A", "", 0).until == second(5));
    CHECK(interval(state, "A", "", 1).from == second(8));
    CHECK(senders(state, "1") == Ids{"A"});
}

TEST_CASE("metadata: several intervals are kept when one document repeats an association",
          "[unit][metadata][rfc7865][7865-6.6-3][7865-pu-14]") {
    State state;
    state.apply(
        document("complete",
                 "<session session_id='S'/><participant participant_id='A'/>"
                 "<participantsessionassoc participant_id='A' session_id='S'><associate-time>"
                 "1970-01-01T00:00:01Z</associate-time><disassociate-time>1970-01-01T00:00:02Z"
                 "</disassociate-time></participantsessionassoc>"
                 "<participantsessionassoc participant_id='A' session_id='S'><associate-time>"
                 "1970-01-01T00:00:03Z</associate-time></participantsessionassoc>"),
        second(4));
    REQUIRE(state.history().size() == 2);
    CHECK(state.history()[0].until == second(2));
    CHECK(state.history()[1].from == second(3));
    CHECK_FALSE(state.history()[1].until);
}

TEST_CASE("metadata: references may dangle when what they name comes later",
          "[unit][metadata][rfc7865][7865-pu-15][8068-T13]") {
    State state = two_parties();
    const auto findings = state.apply(
        document(
            "partial",
            "<participantstreamassoc participant_id='A'><send>9</send></participantstreamassoc>"),
        second(1));
    CHECK(has_finding(findings, "dangling-reference"));
    CHECK(senders(state, "9") == Ids{"A"});
    CHECK_FALSE(has_finding(
        state.apply(document("partial", "<stream stream_id='9' session_id='S'/>"), second(2)),
        "dangling-reference"));
}

TEST_CASE("metadata: an element is ignored when its id names another kind",
          "[unit][metadata][rfc7865][7865-6.10-5]") {
    State state = two_parties();
    const auto findings = state.apply(
        document("partial",
                 "<stream stream_id='A'/><participant participant_id='1'/><stream stream_id='3'/>"),
        second(1));
    CHECK(has_finding(findings, "id-reused"));
    CHECK(with_id(state.current().streams, "A") == nullptr);
    CHECK(with_id(state.current().participants, "1") == nullptr);
    CHECK(with_id(state.current().streams, "3") != nullptr);
}

TEST_CASE("metadata: extensions are replaced by name when a partial document has some",
          "[unit][metadata][rfc7865][7865-ext-3]") {
    State state;
    state.apply(document("complete",
                         "<session session_id='S'><a xmlns='urn:x'>1</a><b xmlns='urn:x'>2</b>"
                         "</session>"),
                second(0));
    state.apply(document("partial", "<session session_id='S'><a xmlns='urn:x'>3</a></session>"),
                second(1));
    const auto& extensions = state.current().sessions.at(0).extensions;
    REQUIRE(extensions.size() == 2);
    CHECK(extensions[0].text == "2");
    CHECK(extensions[1].text == "3");
}

TEST_CASE("metadata: participants are paired by label when nothing says who sends what",
          "[unit][metadata][interop]") {
    State state;
    const auto findings = state.apply(parsed(fixture("no-associations.xml")).document, second(0));
    CHECK(has_finding(findings, "guessed-association"));
    const auto& assocs = state.current().participant_stream_assocs;
    REQUIRE(assocs.size() == 2);
    CHECK(assocs[0].is_guess);
    CHECK(assocs[0].participant_id == "QQ==");
    CHECK(assocs[0].send == Ids{"MQ=="});
    CHECK(interval(state, "Qg==", "Mg==").is_guess);
    CHECK(members(state, "Uw==") == Ids{"QQ==", "Qg=="});
}

TEST_CASE("metadata: a guess gives way when an association says otherwise",
          "[unit][metadata][interop]") {
    State state;
    state.apply(parsed(fixture("no-associations.xml")).document, second(0));
    const auto findings =
        state.apply(document("partial",
                             "<participantstreamassoc participant_id='QQ=='><send>Mg==</send>"
                             "</participantstreamassoc>"),
                    second(4));
    CHECK_FALSE(has_finding(findings, "guessed-association"));
    CHECK(senders(state, "Mg==") == Ids{"QQ=="});
    CHECK(senders(state, "MQ==").empty());
    CHECK(interval(state, "QQ==", "MQ==").until == second(4));
    for (const auto& assoc : state.everything().participant_stream_assocs) {
        CHECK_FALSE(assoc.is_guess);
    }
}

TEST_CASE("metadata: all participants are in the only stream when nothing says who sends it",
          "[unit][metadata][interop]") {
    State state;
    state.apply(document("complete",
                         "<participant participant_id='A'/><participant participant_id='B'/>"
                         "<stream stream_id='1'/>"),
                second(0));
    CHECK(senders(state, "1") == Ids{"A", "B"});
}

TEST_CASE("metadata: participants move when a partial document names them in a new session",
          "[unit][metadata][rfc8068][7865-pu-6]") {
    State state = two_parties();
    const auto findings =
        state.apply(document("partial",
                             "<session session_id='T'/><participantsessionassoc participant_id='B' "
                             "session_id='T'><associate-time>1970-01-01T00:00:07Z</associate-time>"
                             "</participantsessionassoc>"),
                    second(8));
    CHECK(has_finding(findings, "implicit-move"));
    CHECK(members(state, "S") == Ids{"A"});
    CHECK(members(state, "T") == Ids{"B"});
    CHECK(senders(state, "2") == Ids{"B"});
}

TEST_CASE("metadata: every open interval ends when the recording session ends",
          "[unit][metadata]") {
    State state = two_parties();
    state.close(second(60));
    REQUIRE(state.history().size() == 4);
    for (const ParticipationInterval& each : state.history()) {
        CHECK(each.until == second(60));
    }
}

TEST_CASE("metadata: an id that another recording session defined is no error",
          "[unit][metadata][rfc7865][7866-9.2-11][7865-6.10-4][7865-6.10-6][7865-4-1]") {
    const State first = two_parties();
    // The second client names the session without a word on what it is.
    State second_state;
    const auto findings = second_state.apply(
        document("complete",
                 "<participant participant_id='A'><nameID aor='sip:a@x'/></participant>"
                 "<stream stream_id='7' session_id='S'/>"
                 "<participantsessionassoc participant_id='A' session_id='S'/>"
                 "<participantstreamassoc participant_id='A'><send>7</send>"
                 "</participantstreamassoc>"),
        second(1));
    CHECK_FALSE(has_finding(findings, "id-reused"));
    CHECK(members(second_state, "S") == Ids{"A"});
    CHECK(senders(second_state, "7") == Ids{"A"});
    CHECK(members(first, "S") == Ids{"A", "B"});
    CHECK(senders(first, "7").empty());
}

TEST_CASE("metadata: thin metadata is metadata",
          "[unit][metadata][rfc7865][7865-10-2][7865-6.1-2]") {
    State state;
    CHECK(state.apply(document("complete", ""), second(0)).empty());
    CHECK(state.has_document());
    CHECK(state
              .apply(document("partial", "<stream stream_id='1'><label>1</label></stream>"),
                     second(1))
              .empty());
    CHECK(state.current().streams.at(0).label == "1");
}

TEST_CASE("metadata: times in any order are kept as they came",
          "[unit][metadata][rfc8068][8068-T11]") {
    State state;
    state.apply(
        document("complete",
                 "<session session_id='S'><start-time>1970-01-01T00:00:09Z</start-time></session>"
                 "<participant participant_id='A'/>"
                 "<participantsessionassoc participant_id='A' session_id='S'><associate-time>"
                 "1970-01-01T00:00:02Z</associate-time></participantsessionassoc>"),
        second(10));
    state.apply(document("partial",
                         "<participantsessionassoc participant_id='A' session_id='S'>"
                         "<disassociate-time>1970-01-01T00:00:02Z</disassociate-time>"
                         "</participantsessionassoc>"),
                second(11));
    CHECK(members(state, "S").empty());
    CHECK(state.current().sessions.at(0).start_time == second(9));
}

TEST_CASE("metadata: an address may be spelt anew for the same participant",
          "[unit][metadata][rfc8068][8068-T12]") {
    State state = two_parties();
    CHECK(state
              .apply(document("partial",
                              "<participant participant_id='B'><nameID aor='sip:B@X'/>"
                              "</participant>"),
                     second(1))
              .empty());
    CHECK(state.current().participants.size() == 2);
    CHECK(with_id(state.current().participants, "B")->names.at(0).aor == "sip:B@X");
    CHECK(senders(state, "2") == Ids{"B"});
}

TEST_CASE("metadata: sessions that ended long ago are forgotten and those that go on are not",
          "[unit][metadata][rfc7865]") {
    State state = two_parties();
    for (int n = 1; n <= 500; ++n) {
        const std::string id = std::to_string(n);
        state.forget_ended(16);
        state.apply(document("partial",
                             "<session session_id='C" + id + "'/><participant participant_id='P" +
                                 id + "'><nameID aor='sip:p@x'/></participant>" +
                                 "<participantsessionassoc participant_id='P" + id +
                                 "' session_id='C" + id + "'/>"),
                    second(2 * n));
        state.apply(document("partial",
                             "<session session_id='C" + id +
                                 "'><stop-time>2026-01-01T00:00:00Z</stop-time></session>"),
                    second(2 * n + 1));
    }
    CHECK(state.everything().sessions.size() <= 34);
    CHECK(state.current().sessions.size() <= 34);
    CHECK(state.current().participants.size() <= 36);
    CHECK(state.history().size() <= 2 * 16 * 8 + 4);
    CHECK(with_id(state.current().sessions, "S") != nullptr);
    CHECK(with_id(state.current().sessions, "C500") != nullptr);
    CHECK(with_id(state.current().sessions, "C400") == nullptr);
    CHECK(with_id(state.current().participants, "A") != nullptr);
    CHECK_FALSE(interval(state, "A", "1").until.has_value());
}

TEST_CASE("metadata: what hangs on no session is bounded when a client writes no associations",
          "[unit][metadata][rfc7865]") {
    State state = two_parties();
    for (int n = 0; n < 40; ++n) {
        std::string elements;
        for (int i = 0; i < 250; ++i) {
            const std::string id = std::to_string(250 * n + i);
            elements += "<group group_id='G" + id + "'/><participant participant_id='P" + id +
                        "'><nameID aor='sip:p@x'/></participant><stream stream_id='R" + id +
                        "'/><participantsessionassoc participant_id='P" + id +
                        "' session_id='unknown'/><participantstreamassoc participant_id='P" + id +
                        "'><recv>R" + id + "</recv></participantstreamassoc>";
        }
        state.forget_ended(16);
        state.apply(document("partial", elements), second(n));
    }
    state.forget_ended(16);
    for (const Document* const known : {&state.current(), &state.everything()}) {
        CHECK(known->participants.size() <= 2048 + 2);
        CHECK(known->streams.size() <= 2048 + 2);
        CHECK(known->groups.size() <= 2048);
        CHECK(known->participant_session_assocs.size() <= 2048 + 2);
        CHECK(known->participant_stream_assocs.size() <= 2048 + 2);
        CHECK(with_id(known->participants, "A") != nullptr);
        CHECK(with_id(known->participants, "P9999") != nullptr);
        CHECK(with_id(known->participants, "P1") == nullptr);
    }
    CHECK(state.history().size() <= 2 * 2048);
}

TEST_CASE("metadata: an interval keeps our own times beside those of the client",
          "[unit][metadata][rfc7865][7865-6.9-2]") {
    State state = two_parties();
    state.apply(document("partial",
                         "<participantsessionassoc participant_id='A' session_id='S'>"
                         "<disassociate-time>2001-01-01T00:00:00Z</disassociate-time>"
                         "</participantsessionassoc>"),
                second(7));
    const ParticipationInterval& sent = interval(state, "A", "1");
    CHECK(sent.noted_from == second(0));
    CHECK(sent.noted_until == second(7));
    CHECK(sent.until != sent.noted_until);
}

}  // namespace siprec::metadata::test

namespace siprec::metadata::test {

TEST_CASE("metadata: extension values are collected, the newest first",
          "[unit][metadata][7865-ext-3]") {
    const auto document = [](const std::string& values) {
        return parsed("<recording xmlns='urn:ietf:params:xml:ns:recording:1'><call xmlns='urn:x'>" +
                      values + "</call></recording>")
            .document;
    };
    State state;
    state.apply(document("<id>1</id><agent>ann</agent>"), WallTime{});
    state.apply(document("<id>2</id>"), WallTime{});
    state.apply(document("<id>2</id>"), WallTime{});
    REQUIRE(state.everything().extensions.size() == 1);
    const auto& values = state.everything().extensions.front().children;
    REQUIRE(values.size() == 3);
    CHECK(values[0].text == "2");
    CHECK(std::ranges::any_of(values, [](const XmlElement& v) { return v.text == "1"; }));
    CHECK(std::ranges::any_of(values, [](const XmlElement& v) { return v.text == "ann"; }));
    CHECK(state.current().extensions.front().children.size() == 1);
    for (int i = 3; i < 1000; ++i) {
        state.apply(document("<id>" + std::to_string(i) + "</id>"), WallTime{});
    }
    CHECK(state.everything().extensions.front().children.size() <= 32);
    CHECK(state.everything().extensions.front().children.front().text == "999");
}

}  // namespace siprec::metadata::test
