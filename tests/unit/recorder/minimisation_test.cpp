// RFC 7865 10: what the local policy does not ask for is not stored.
#include "unit/recorder/fixture.hpp"

namespace {

using namespace siprec::test;

std::string call_with_extensions() {
    return "--b\r\nContent-Type: application/sdp\r\n\r\n" + offer() +
           "\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n"
           "<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\" xmlns:w=\"urn:example:wanted\" "
           "xmlns:s=\"urn:example:secret\"><!-- hidden remark --><datamode>complete</datamode>"
           "<participant participant_id=\"p1\"><nameID aor=\"sip:a@x\"/><w:agent>4711</w:agent>"
           "<s:pin>hidden pin</s:pin></participant></recording>\r\n--b--\r\n";
}

std::string call(Fixture& fixture, const std::string& body) {
    const std::string response = fixture.start_call(body, "multipart/mixed;boundary=b");
    fixture.exchange(fixture.request("BYE", fixture.to_tag, ""));
    REQUIRE(eventually([&] { return fixture.factory.journal.ended.load(); }));
    return response;
}

}  // namespace

TEST_CASE("recorder: extension data is kept by the namespaces that the policy lists",
          "[unit][recorder][7865-10-3][7865-ext-2]") {
    siprec::RecorderConfig config;
    config.metadata.extension_namespaces = {"urn:example:wanted"};
    Fixture fixture(config);
    REQUIRE(call(fixture, call_with_extensions()).rfind("SIP/2.0 200", 0) == 0);
    Journal& journal = fixture.factory.journal;
    CHECK(journal.keeps("sip:a@x"));
    CHECK(journal.keeps("4711"));
    CHECK_FALSE(journal.keeps("hidden"));
    // The answer carries no metadata and stays whole.
    CHECK(journal.keeps("m=audio"));
    CHECK(fixture.logger.lines.contains("metadata: 1 extension elements are not kept"));
}

TEST_CASE("recorder: a document that cannot be read is not kept when extensions are not",
          "[unit][recorder][7865-10-3]") {
    siprec::RecorderConfig config;
    config.metadata.extension_namespaces = {};
    Fixture fixture(config);
    const std::string body = "--b\r\nContent-Type: application/sdp\r\n\r\n" + offer() +
                             "\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n"
                             "hidden &&&\r\n--b--\r\n";
    REQUIRE(call(fixture, body).rfind("SIP/2.0 200", 0) == 0);
    CHECK_FALSE(fixture.factory.journal.keeps("hidden"));
    CHECK(fixture.factory.journal.contains("metadata INVITE unusable"));
}

TEST_CASE("recorder: everything is kept as it was received unless the policy says otherwise",
          "[unit][recorder][7865-ext-1]") {
    Fixture fixture;
    REQUIRE(call(fixture, call_with_extensions()).rfind("SIP/2.0 200", 0) == 0);
    CHECK(fixture.factory.journal.keeps("<s:pin>hidden pin</s:pin>"));
    CHECK(fixture.factory.journal.keeps("<!-- hidden remark -->"));
}
