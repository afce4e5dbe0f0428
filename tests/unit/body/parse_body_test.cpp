#include <siprec/body.hpp>

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using siprec::BodyPart;
using siprec::ErrorCode;

namespace {

std::string fixture(const std::string& name) {
    std::ifstream in(std::string(SIPREC_TEST_DATA "/body/") + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<BodyPart> parsed(const std::string& content_type, const std::string& body) {
    auto parts = siprec::parse_body(content_type, "", body);
    if (!parts) {
        FAIL(parts.error().to_string());
    }
    return *std::move(parts);
}

std::vector<std::string> contents(const std::vector<BodyPart>& parts) {
    std::vector<std::string> list;
    for (const BodyPart& part : parts) {
        list.push_back(part.content);
    }
    return list;
}

const std::string& metadata_with_bare_lf() {
    static const std::string text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\n"
        "  <datamode>complete</datamode>\n</recording>";
    return text;
}

}  // namespace

TEST_CASE("body: SDP and metadata come apart byte by byte",
          "[unit][body][rfc2046][2046-5.1-1][7866-9-1][7866-9.1-6][5621-4.2-1]") {
    const auto parts =
        parsed("multipart/mixed; boundary=\"one.part_of=two\"", fixture("sdp-and-metadata.mime"));
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].is_sdp());
    CHECK_FALSE(parts[0].is_metadata());
    CHECK(parts[0].content_disposition == "session");
    CHECK_FALSE(parts[0].handling_optional);
    CHECK(parts[0].content.starts_with("v=0\r\n"));
    CHECK(parts[0].content.ends_with("a=label:1\r\n"));
    CHECK(parts[1].is_metadata());
    CHECK(parts[1].content_type == "application/rs-metadata+xml");
    CHECK(parts[1].content_type_full == "application/rs-metadata+xml;charset=\"UTF-8\"");
    CHECK(parts[1].charset == "utf-8");
    CHECK(parts[1].content_disposition == "recording-session");
    CHECK(parts[1].content == metadata_with_bare_lf());
}

TEST_CASE("body: the end of the body closes the last part", "[unit][body][interop][7866-9.1-6]") {
    const auto parts = parsed("multipart/mixed;boundary=dashes--inside",
                              fixture("metadata-first-not-closed.mime"));
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].is_metadata());
    CHECK(parts[0].content == metadata_with_bare_lf() + "\n");
    CHECK(parts[1].is_sdp());
    CHECK(parts[1].content.ends_with("a=label:1"));
}

TEST_CASE("body: nested multiparts are flattened in order",
          "[unit][body][rfc5621][5621-4.2-1][7866-9.1-6][5621-8.2-1]") {
    const auto parts = parsed("multipart/mixed;boundary=outer", fixture("nested.mime"));
    REQUIRE(parts.size() == 4);
    CHECK(parts[0].content_type == "text/plain");
    CHECK(parts[0].content == "plain");
    CHECK(parts[1].is_sdp());
    CHECK(parts[2].content_type == "application/vnd.example.call");
    CHECK(parts[2].handling_optional);
    CHECK(parts[2].content == "IAM,\r\nGCI,00\r\n");
    CHECK(parts[3].is_metadata());
    CHECK(parts[3].content == "<recording/>");
}

TEST_CASE("body: boundary parameter in every spelling",
          "[unit][body][rfc2046][2046-5.1-1][7866-9.1-6]") {
    const auto [content_type, boundary] = GENERATE(table<std::string, std::string>({
        {"multipart/mixed;boundary=foobar", "foobar"},
        {"multipart/mixed; boundary=foobar", "foobar"},
        {"multipart/mixed ;  Boundary = foobar ", "foobar"},
        {"Multipart/Mixed;BOUNDARY=\"foobar\"", "foobar"},
        {"multipart/mixed;boundary=\" foobar \"", "foobar"},
        {"multipart/mixed;boundary=\"foo;bar\"", "foo;bar"},
        {"multipart/mixed;boundary=\"foo bar\"", "foo bar"},
        {"multipart/mixed;boundary=\"foo\\\"bar\"", "foo\"bar"},
        {"multipart/mixed;boundary=\"----=_Part_1253_28.167\"", "----=_Part_1253_28.167"},
        {"multipart/mixed;boundary=----=_Part_1253_28.167", "----=_Part_1253_28.167"},
        {"multipart/mixed;boundary=a=b=c", "a=b=c"},
        {"multipart/mixed;charset=utf-8;boundary=foobar;foo=bar", "foobar"},
        {"multipart/mixed;\r\n boundary=foobar", "foobar"},
        {"multipart/mixed;boundary=\"never closed", "never closed"},
        {"multipart/related;type=\"application/sdp\";boundary=x", "x"},
    }));
    INFO(content_type);
    const auto parts =
        parsed(content_type,
               "--" + boundary + "\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--" + boundary +
                   "--\r\n");
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].content == "v=0");
}

TEST_CASE("body: delimiters are whole lines", "[unit][body][rfc2046][2046-5.1-1]") {
    const auto [body, expected] = GENERATE(table<std::string, std::vector<std::string>>({
        {"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", {"one", "two"}},
        {"--b\n\none\n--b\n\ntwo\n--b--", {"one", "two"}},
        {"\r\n\r\npreamble\r\n--b\r\n\r\none\r\n--b--\r\nepilogue\r\n--b\r\n\r\nx", {"one"}},
        {"--b \t\r\n\r\none\r\n--b-- \r\n", {"one"}},
        {"--b\r\n\r\none\r\n\r\n--b--", {"one\r\n"}},
        {"--b\r\n\r\none\n\r\n--b--", {"one\n"}},
        {"--b\r\n\r\none\r\n--bb\r\nstill one\r\n--b--", {"one\r\n--bb\r\nstill one"}},
        {"--b\r\n\r\none --b\r\n--b--", {"one --b"}},
        {"--b\r\n\r\none\r\n--b-\r\n--b--", {"one\r\n--b-"}},
        {"--b\r\n\r\none\r\n--other\r\n\r\ntwo\r\n--b--", {"one\r\n--other\r\n\r\ntwo"}},
        {"--b\r\n\r\none", {"one"}},
        {"--b\r\n\r\none\r\n--b", {"one"}},
        {"--b\r\n\r\none\r\n--b\r\n", {"one"}},
        {"--b\r\n--b\r\n\r\none\r\n--b--", {"one"}},
        {"--b\r\nContent-Type: application/sdp\r\n\r\n--b--", {""}},
        {"--b\r\nContent-Type: application/sdp\r\n--b--", {""}},
    }));
    INFO(body);
    CHECK(contents(parsed("multipart/mixed;boundary=b", body)) == expected);
}

TEST_CASE("body: headers of a part are read leniently",
          "[unit][body][interop][7866-9.1-6][8068-T2]") {
    const auto [headers, type, content] = GENERATE(table<std::string, std::string, std::string>({
        {"Content-Type: application/sdp\r\n\r\nv=0", "application/sdp", "v=0"},
        {"content-type:APPLICATION/SDP\r\n\r\nv=0", "application/sdp", "v=0"},
        {"Content-Type : application/sdp ; a=b\r\n\r\nv=0", "application/sdp", "v=0"},
        {"Content-Type:\r\n application/sdp\r\n\r\nv=0", "application/sdp", "v=0"},
        {"Content-Length: 99\r\nContent-Type: application/sdp\r\n\r\nv=0",
         "application/sdp",
         "v=0"},
        {"Content-Type: application/sdp\r\n \r\nv=0", "application/sdp", "v=0"},
        // The empty line between header and content was forgotten.
        {"Content-Type: application/sdp\r\nv=0\r\no=x", "application/sdp", "v=0\r\no=x"},
        {"Content-Type: application/rs-metadata\r\n<a/>", "application/rs-metadata", "<a/>"},
        // No Content-Type: a guess by the first bytes.
        {"\r\nv=0\r\n", "application/sdp", "v=0\r\n"},
        {"v=0", "application/sdp", "v=0"},
        {"\r\n\xEF\xBB\xBF <?xml?><a/>", "application/rs-metadata+xml", "\xEF\xBB\xBF <?xml?><a/>"},
        {"Content-Disposition: session\r\n\r\nv=0", "application/sdp", "v=0"},
        {"\r\nIAM,", "text/plain", "IAM,"},
    }));
    INFO(headers);
    const auto parts = parsed("multipart/mixed;boundary=b", "--b\r\n" + headers + "\r\n--b--\r\n");
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].content_type == type);
    CHECK(parts[0].content == content);
}

TEST_CASE("body: disposition and handling", "[unit][body][rfc5621][5621-8.2-1]") {
    const auto [value, disposition, optional] = GENERATE(table<std::string, std::string, bool>({
        {"", "", false},
        {"session", "session", false},
        {"Recording-Session", "recording-session", false},
        {"session;handling=required", "session", false},
        {"session; handling=required", "session", false},
        {"signal;handling=optional", "signal", true},
        {"signal ; Handling = \"Optional\"", "signal", true},
        {"session, recording-session;handling=optional", "session", false},
        {"render;handling", "render", false},
    }));
    INFO(value);
    const auto parts = siprec::parse_body("application/sdp", value, "v=0");
    REQUIRE(parts);
    REQUIRE(parts->size() == 1);
    CHECK((*parts)[0].content_disposition == disposition);
    CHECK((*parts)[0].handling_optional == optional);
}

TEST_CASE("body: a body that is no multipart is one part",
          "[unit][body][rfc7866][7866-9.1-7][7865-5-1][8068-T1][8068-T2]") {
    const auto [content_type, body, is_sdp, is_metadata] =
        GENERATE(table<std::string, std::string, bool, bool>({
            {"application/sdp", "v=0\r\n", true, false},
            {"Application/SDP;charset=x", "v=0\r\n", true, false},
            {"application/rs-metadata+xml", "<a/>", false, true},
            {"application/rs-metadata", "<a/>", false, true},
            {"application/rs-metadata-request", "x", false, false},
            {"", "v=0\r\n", true, false},
            {" ", "\r\n<a/>", false, true},
            {"", "hello", false, false},
            {"application/xml", "<a/>", false, false},
        }));
    INFO(content_type << ": " << body);
    const auto parts = parsed(content_type, body);
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].content == body);
    CHECK(parts[0].is_sdp() == is_sdp);
    CHECK(parts[0].is_metadata() == is_metadata);
}

TEST_CASE("body: a damaged type is metadata when the disposition says so",
          "[unit][body][interop][7866-9-1]") {
    const auto part = [](const char* type, const char* disposition) {
        return siprec::parse_body(type, disposition, "<a/>")->at(0);
    };
    CHECK(part("application/ +xml", "recording-session").is_metadata());
    CHECK_FALSE(part("application/ +xml", "session").is_metadata());
    CHECK_FALSE(part("application/gtd", "recording-session").is_metadata());
}

TEST_CASE("body: a multipart whose Content-Type was lost is known by its first line",
          "[unit][body]") {
    const auto parts = parsed("", "\r\n" + fixture("nested.mime"));
    REQUIRE(parts.size() == 4);
    CHECK(parts[1].is_sdp());
}

TEST_CASE("body: an empty body has no parts", "[unit][body]") {
    CHECK(parsed("application/sdp", "").empty());
    CHECK(parsed("", "").empty());
}

TEST_CASE("body: transfer encodings are undone where they are real",
          "[unit][body][rfc2045][5621-3.2-1]") {
    const auto [encoding, encoded, content] =
        GENERATE(table<std::string, std::string, std::string>({
            {"binary", "a=b", "a=b"},
            {"8bit", "a=b", "a=b"},
            {"base64", "PGEv\r\nPg==\r\n", "<a/>"},
            {"Base64", "PGEvPg", "<a/>"},
            {"base64", "<recording/>", "<recording/>"},
            {"base64", "PGEv=Pg", "PGEv=Pg"},
            {"base64", "", ""},
            {"quoted-printable", "<a b=3D\"=C3=a4\"/>", "<a b=\"\xC3\xA4\"/>"},
            {"quoted-printable", "soft=\r\nbreak= \nhere", "softbreakhere"},
            {"quoted-printable", "a=ZZ b=", "a=ZZ b"},
            {"x-unknown", "PGEvPg==", "PGEvPg=="},
        }));
    INFO(encoding << ": " << encoded);
    const auto parts =
        parsed("multipart/mixed;boundary=b",
               "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: " + encoding +
                   "\r\n\r\n" + encoded + "\r\n--b--");
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].content == content);
}

TEST_CASE("body: a multipart that cannot be taken apart is malformed", "[unit][body]") {
    const auto [content_type, body] = GENERATE(table<std::string, std::string>({
        {"multipart/mixed", "b\r\n\r\nx\r\n--b--"},
        {"multipart/mixed;boundary=c", "no delimiter\r\n"},
        {"multipart/mixed;boundary=b", "--b--\r\n"},
        {"multipart/mixed;boundary=b", "--b\r\n\r\n--b--\r\n"},
        {"multipart/mixed;boundary=b", ""},
    }));
    INFO(content_type << " / " << body);
    const auto refused = siprec::parse_body(content_type, "", body);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::Malformed);
}

TEST_CASE("body: the first line shows the boundary when the type does not", "[unit][body]") {
    const std::string type = GENERATE("multipart/mixed",
                                      "multipart/mixed;boundary=",
                                      "multipart/mixed;boundary=\"  \"",
                                      "multipart/mixed;boundary=c",
                                      "multipart/mixed;boundary=--b",
                                      "application/sdp");
    INFO(type);
    const auto parts = parsed(type, "\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--");
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].is_sdp());
    CHECK(parts[0].content == "v=0");
}

TEST_CASE("body: XML of a general type is metadata when it shows a recording", "[unit][body]") {
    const auto is_metadata = [](const char* type, const char* disposition, const char* content) {
        const auto parts = siprec::parse_body(type, disposition, content);
        REQUIRE(parts);
        return parts->front().is_metadata();
    };
    CHECK(is_metadata("text/xml", "", "<?xml version=\"1.0\"?><recording/>"));
    CHECK(is_metadata("application/xml", "", "<tns:recording xmlns:tns=\"x\"/>"));
    CHECK(is_metadata("text/plain", "recording-session", "<recording/>"));
    CHECK_FALSE(is_metadata("text/plain", "", "<recording/>"));
    CHECK_FALSE(is_metadata("text/xml", "", "<presence/>"));
    CHECK_FALSE(is_metadata("application/xml", "recording-session", "recording"));
}

TEST_CASE("body: a nested multipart that cannot be taken apart is kept whole", "[unit][body]") {
    const auto parts = parsed("multipart/mixed;boundary=b",
                              "--b\r\nContent-Type: multipart/mixed\r\n\r\nwhat\r\n"
                              "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--");
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].content == "what");
    CHECK(parts[1].is_sdp());
}

TEST_CASE("body: what nests deeper than four levels is kept whole", "[unit][body]") {
    std::string body = "v=0";
    std::string type = "application/sdp";
    for (const char* boundary : {"e", "d", "c", "b", "a"}) {
        body = std::string("--") + boundary + "\r\nContent-Type: " + type + "\r\n\r\n" + body +
               "\r\n--" + boundary + "--";
        type = std::string("multipart/mixed;boundary=") + boundary;
    }
    const auto parts = parsed(type, body);
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].content_type == "multipart/mixed");
    CHECK(parts[0].content.starts_with("--e\r\n"));
}

TEST_CASE("body: 64 parts are taken and 65 are not", "[unit][body]") {
    std::string body;
    for (int i = 0; i < 64; ++i) {
        body += "--b\r\n\r\nx\r\n";
    }
    CHECK(parsed("multipart/mixed;boundary=b", body).size() == 64);
    const auto refused =
        siprec::parse_body("multipart/mixed;boundary=b", "", body + "--b\r\n\r\nx\r\n");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::LimitExceeded);
}
