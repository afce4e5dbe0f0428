#include <siprec/body.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using siprec::BodyPart;

namespace {

BodyPart part(std::string type, std::string content) {
    BodyPart made;
    made.content_type = std::move(type);
    made.content = std::move(content);
    return made;
}

}  // namespace

TEST_CASE("body: a multipart is written in RFC 2046's form", "[unit][body][rfc2046]") {
    BodyPart sdp = part("application/sdp", "v=0\r\n");
    sdp.content_disposition = "session";
    BodyPart metadata = part("application/rs-metadata+xml", "<a/>");
    metadata.content_type_full = "application/rs-metadata+xml;charset=utf-8";
    metadata.content_disposition = "recording-session";
    metadata.handling_optional = true;
    const auto written = siprec::write_multipart({sdp, metadata});
    CHECK(written.content_type == "multipart/mixed;boundary=siprec-part-1");
    CHECK(written.body ==
          "--siprec-part-1\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\n"
          "v=0\r\n\r\n"
          "--siprec-part-1\r\nContent-Type: application/rs-metadata+xml;charset=utf-8\r\n"
          "Content-Disposition: recording-session;handling=optional\r\n\r\n<a/>\r\n"
          "--siprec-part-1--\r\n");
}

TEST_CASE("body: the boundary occurs in no part", "[unit][body]") {
    const auto written = siprec::write_multipart(
        {part("text/plain", "--siprec-part-1\r\n"), part("text/plain", "siprec-part-2")});
    CHECK(written.content_type == "multipart/mixed;boundary=siprec-part-3");
}

TEST_CASE("body: contents survive writing and reading byte by byte", "[unit][body]") {
    const std::vector<std::string> contents{"",
                                            "\r\n",
                                            "\n\n",
                                            "--siprec-part-1--",
                                            "a\r\nb\nc\r",
                                            std::string("nul \0 and \xFF", 10),
                                            "Content-Type: text/html\r\n\r\n<a/>"};
    std::vector<BodyPart> parts;
    for (const std::string& content : contents) {
        parts.push_back(part("application/octet-stream", content));
    }
    const auto written = siprec::write_multipart(parts);
    const auto again = siprec::parse_body(written.content_type, "", written.body);
    REQUIRE(again);
    REQUIRE(again->size() == contents.size());
    for (std::size_t i = 0; i < contents.size(); ++i) {
        CHECK((*again)[i].content == contents[i]);
    }
}
