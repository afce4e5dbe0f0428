#include "fixtures.hpp"

namespace siprec::metadata::test {

TEST_CASE("metadata: a document reads back the same when written", "[unit][metadata][rfc7865]") {
    for (const char* const name : {"flow-1-complete.xml",
                                   "flow-4-transfer.xml",
                                   "flow-5-disconnect.xml",
                                   "late-draft.xml",
                                   "early-draft.xml",
                                   "prefixed.xml",
                                   "raw-uri.xml",
                                   "no-associations.xml"}) {
        CAPTURE(name);
        const Document document = parsed(fixture(name)).document;
        const ParsedDocument again = parsed(write(document));
        CHECK(again.dialect == Dialect::Rfc7865);
        CHECK((again.document == document));
    }
}

TEST_CASE("metadata: text is escaped when it holds markup or what XML cannot carry",
          "[unit][metadata]") {
    Document document;
    document.participants.push_back({"p", {{"\"A\" <sip:a@b>;x=1&2", "a<b>&'\x01\"", "de"}}, {}});
    document.extensions.push_back({"urn:x", "1 bad<name", {{"xmlns", "y"}, {"a b", "<"}}, "&", {}});
    const ParsedDocument again = parsed(write(document));
    CHECK(again.document.participants.at(0).names.at(0) ==
          NameId{"\"A\" <sip:a@b>;x=1&2", "a<b>&'\"", "de"});
    const XmlElement& extension = again.document.extensions.at(0);
    CHECK(extension.text == "&");
    CHECK(extension.attributes.size() == 1);
}

TEST_CASE("metadata: the document stays readable when a program gives bytes that are no UTF-8",
          "[unit][metadata]") {
    Document document;
    document.streams.push_back({"s", std::nullopt, "\xFF\xFE", {}});
    CHECK(parsed(write(document)).document.streams.at(0).label == "??");
}

TEST_CASE("metadata: a guess is not written when associations are missing", "[unit][metadata]") {
    State state;
    state.apply(parsed(fixture("no-associations.xml")).document, WallTime{});
    REQUIRE_FALSE(state.current().participant_stream_assocs.empty());
    CHECK(parsed(write(state.current())).document.participant_stream_assocs.empty());
}

TEST_CASE("metadata: a snapshot request has its reason when one is given",
          "[unit][metadata][rfc7865][7865-7-2][7865-7-3][7865-7-3e][7866-9.2-9][7865-7-1]") {
    CHECK(write_snapshot_request("restart & go") ==
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<requestsnapshot xmlns=\"urn:ietf:params:xml:ns:recording:1\">\n"
          "  <requestreason xml:lang=\"en\">restart &amp; go</requestreason>\n"
          "</requestsnapshot>\n");
    CHECK(write_snapshot_request({}).find("requestreason") == std::string::npos);
}

}  // namespace siprec::metadata::test
