#include <siprec/metadata.hpp>

#include <catch2/catch.hpp>

using siprec::metadata::Document;
using siprec::metadata::minimise;
using siprec::metadata::XmlElement;

namespace {

XmlElement element(std::string name_space, std::vector<XmlElement> children = {}) {
    XmlElement made;
    made.name_space = std::move(name_space);
    made.name = "e";
    made.children = std::move(children);
    return made;
}

Document full() {
    const std::vector<XmlElement> extensions{
        element("urn:a", {element("urn:b")}), element("urn:b"), element("")};
    Document document;
    document.extensions = extensions;
    document.groups.push_back({"g", {}, extensions});
    document.sessions.emplace_back().extensions = extensions;
    document.participants.emplace_back().extensions = extensions;
    document.streams.emplace_back().extensions = extensions;
    document.session_recording_assocs.emplace_back().extensions = extensions;
    document.participant_session_assocs.emplace_back().extensions = extensions;
    document.participant_stream_assocs.emplace_back().extensions = extensions;
    return document;
}

}  // namespace

TEST_CASE("minimise: only listed namespaces stay, wherever an extension stands",
          "[unit][metadata][7865-10-3]") {
    Document document = full();
    CHECK(minimise(document, {"urn:a"}) == 8 * 3);
    const std::vector<XmlElement> left{element("urn:a")};
    CHECK(document.extensions == left);
    CHECK(document.groups.front().extensions == left);
    CHECK(document.sessions.front().extensions == left);
    CHECK(document.participants.front().extensions == left);
    CHECK(document.streams.front().extensions == left);
    CHECK(document.session_recording_assocs.front().extensions == left);
    CHECK(document.participant_session_assocs.front().extensions == left);
    CHECK(document.participant_stream_assocs.front().extensions == left);
}

TEST_CASE("minimise: a pattern ends in an asterisk", "[unit][metadata]") {
    Document document = full();
    CHECK(minimise(document, {"urn:*"}) == 8);
    CHECK(document.extensions.size() == 2);
    document = full();
    CHECK(minimise(document, {"*"}) == 0);
    CHECK(document == full());
    CHECK(minimise(document, {}) == 8 * 3);
    document = full();
    CHECK(minimise(document, {""}) == 8 * 3);
}
