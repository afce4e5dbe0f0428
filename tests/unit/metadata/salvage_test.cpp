#include "fixtures.hpp"

namespace siprec::metadata::test {

TEST_CASE("metadata: labels and parties are salvaged when values hold raw markup",
          "[unit][metadata][interop]") {
    const ParsedDocument read = parsed(fixture("raw-uri.xml"));
    CHECK(read.dialect == Dialect::Salvaged);
    CHECK(has_finding(read.findings, "not-well-formed"));
    const Document& document = read.document;
    REQUIRE(document.participants.size() == 2);
    CHECK(document.participants[0].names.at(0).aor == "<sip:anna@x.example>");
    CHECK(document.participants[0].names.at(0).name == "Anna & Co");
    CHECK(document.participants[1].names.at(0).aor == "sip:ben@x.example");
    REQUIRE(document.streams.size() == 2);
    CHECK(document.streams[1].id == "M2");
    CHECK(document.streams[1].label == "12");
    REQUIRE(document.participant_stream_assocs.size() == 2);
    CHECK(document.participant_stream_assocs[1].send == Ids{"M2"});
    REQUIRE(document.participant_session_assocs.size() == 2);
    CHECK(document.participant_session_assocs[1].session_id == "S9");
    CHECK(document.sessions.at(0).extensions.at(0).text == "<sip:record=77@rec.example;dn=12>");
}

TEST_CASE("metadata: what came is salvaged when the rest is cut off", "[unit][metadata][interop]") {
    const ParsedDocument read = parsed(fixture("cut-off.xml"));
    CHECK(read.dialect == Dialect::Salvaged);
    CHECK(read.document.participants.at(0).names.at(0) == NameId{"sip:a@x.example", "Ada", ""});
    REQUIRE(read.document.streams.size() == 2);
    CHECK(read.document.streams[0].label == "1");
    CHECK(read.document.participant_stream_assocs.at(0).send == Ids{"MQ=="});
}

TEST_CASE("metadata: addresses are salvaged when all tags were lost", "[unit][metadata][interop]") {
    const ParsedDocument read = parsed(fixture("tags-lost.xml"));
    CHECK(read.dialect == Dialect::Salvaged);
    CHECK(has_finding(read.findings, "tags-lost"));
    REQUIRE(read.document.participants.size() == 2);
    CHECK(read.document.participants[1].names.at(0).aor == "sip:+15550103@shop.example");
}

TEST_CASE("metadata: an element of the root ends what is open when end tags were lost",
          "[unit][metadata][interop]") {
    const ParsedDocument read = parsed(
        "<recording><stream stream_id='a'><label>1<stream stream_id='b'><label>2"
        "</recording>");
    REQUIRE(read.document.streams.size() == 2);
    CHECK(read.document.streams[0].label == "1");
    CHECK(read.document.streams[1].label == "2");
}

TEST_CASE("metadata: a fragment of extension data is kept when there is no root",
          "[unit][metadata][interop]") {
    const ParsedDocument read =
        parsed("<extensiondata xmlns:gw=http:/x><gw:ucid>1</gw:ucid></extensiondata>");
    REQUIRE(read.document.extensions.size() == 1);
    CHECK(read.document.extensions[0].name == "ucid");
}

}  // namespace siprec::metadata::test
