#include "fixtures.hpp"

namespace siprec::metadata::test {

namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    all.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

void check_refused(std::string_view xml, ErrorCode code, const ParseLimits& limits = {}) {
    const auto refused = parse(xml, {}, limits);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == code);
}

}  // namespace

TEST_CASE("metadata: a document type is refused when it declares anything or nothing",
          "[unit][metadata][security]") {
    check_refused("<!DOCTYPE recording><recording/>", ErrorCode::Malformed);
    check_refused("<!doctype recording><recording/>", ErrorCode::Malformed);
    check_refused(
        "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'><!ENTITY c "
        "'&b;&b;&b;&b;&b;&b;'>]><recording><group group_id='&c;'/></recording>",
        ErrorCode::Malformed);
    check_refused(
        "<?xml version='1.0'?><!-- x --><!DOCTYPE r [<!ENTITY f SYSTEM "
        "'file:///etc/passwd'>]><recording>&f;</recording>",
        ErrorCode::Malformed);
    check_refused("<!DOCTYPE r SYSTEM 'http://127.0.0.1:1/x.dtd'><recording/>",
                  ErrorCode::Malformed);
    check_refused("<!DOCTYPE r [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/p'>%p;]><recording/>",
                  ErrorCode::Malformed);
}

TEST_CASE("metadata: a document type is refused when the document is UTF-16",
          "[unit][metadata][security]") {
    std::string xml = "\xFF\xFE";
    for (const char c : std::string_view("<!DOCTYPE recording><recording/>")) {
        xml += {c, '\0'};
    }
    check_refused(xml, ErrorCode::Malformed);
}

TEST_CASE("metadata: an entity is left as it stands when nobody declared it",
          "[unit][metadata][security]") {
    const ParsedDocument read =
        parsed("<recording><stream stream_id='a'><label>&bomb;</label></stream></recording>");
    CHECK(read.dialect == Dialect::Salvaged);
    CHECK(read.document.streams.at(0).label == "&bomb;");
}

TEST_CASE("metadata: the five entities are read when there are very many of them",
          "[unit][metadata][security]") {
    constexpr std::size_t kMany = 100'000;
    const ParsedDocument read = parsed("<recording><stream stream_id='a'><label>" +
                                       repeated("&amp;", kMany) + "</label></stream></recording>");
    CHECK(read.dialect == Dialect::LateDraft);
    CHECK(read.document.streams.at(0).label == std::string(kMany, '&'));
}

TEST_CASE("metadata: a document is refused when it is beyond a limit",
          "[unit][metadata][security]") {
    ParseLimits limits;
    limits.max_bytes = 64;
    check_refused(std::string(65, ' '), ErrorCode::LimitExceeded, limits);

    limits = {};
    limits.max_depth = 10;
    const auto nested = [](std::size_t depth) {
        return "<recording>" + repeated("<a>", depth - 1) + repeated("</a>", depth - 1) +
               "</recording>";
    };
    CHECK(parse(nested(10), {}, limits));
    check_refused(nested(11), ErrorCode::LimitExceeded, limits);

    limits = {};
    limits.max_elements = 100;
    CHECK(parse("<recording>" + repeated("<a/>", 99) + "</recording>", {}, limits));
    check_refused(
        "<recording>" + repeated("<a/>", 100) + "</recording>", ErrorCode::LimitExceeded, limits);

    std::string attributes;
    for (int i = 0; i < 300; ++i) {
        attributes += " a" + std::to_string(i) + "=''";
    }
    check_refused("<recording" + attributes + "/>", ErrorCode::LimitExceeded);
}

TEST_CASE("metadata: limits hold when the document is salvaged", "[unit][metadata][security]") {
    ParseLimits limits;
    limits.max_elements = 100;
    check_refused("<recording>" + repeated("<a/>", 101) + "<", ErrorCode::LimitExceeded, limits);
    check_refused("<recording x=y>" + repeated("<a>", 100), ErrorCode::LimitExceeded);
}

TEST_CASE("metadata: a namespace is refused when copying it would cost much memory",
          "[unit][metadata][security]") {
    check_refused("<recording xmlns='" + std::string(1000, 'u') + "'/>", ErrorCode::LimitExceeded);
}

TEST_CASE("metadata: findings stop at a number when a document has defects without end",
          "[unit][metadata][security]") {
    const ParsedDocument read =
        parsed("<recording>" + repeated("<stream/>", 5000) + "</recording>");
    CHECK(read.document.streams.size() == 5000);
    CHECK(read.findings.size() < 300);
    CHECK(read.findings.back().code == "more-findings");
}

TEST_CASE("metadata: what cannot be read is refused when nothing can be salvaged",
          "[unit][metadata]") {
    check_refused("", ErrorCode::Malformed);
    check_refused(" \r\n ", ErrorCode::Malformed);
    check_refused("v=0", ErrorCode::Malformed);
    check_refused("<", ErrorCode::Malformed);
    check_refused(std::string(100, '\0'), ErrorCode::Malformed);
    check_refused("<recording", ErrorCode::Malformed);
}

TEST_CASE("metadata: every prefix of a document ends in an answer when it is cut",
          "[unit][metadata]") {
    const std::string whole = fixture("flow-1-complete.xml");
    std::size_t salvaged = 0;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto read = parse(std::string_view(whole).substr(0, length));
        if (read && read->dialect == Dialect::Salvaged) {
            ++salvaged;
        }
    }
    CHECK(salvaged > whole.size() / 2);
}

TEST_CASE("metadata: a large document is read whole when it keeps the limits", "[unit][metadata]") {
    constexpr std::size_t kStreams = 20000;
    std::string xml = "<recording xmlns='urn:ietf:params:xml:ns:recording:1'>";
    for (std::size_t i = 0; i < kStreams; ++i) {
        const std::string id = std::to_string(i);
        xml += "<stream stream_id='s" + id + "'><label>" + id + "</label></stream>";
        xml += "<participant participant_id='p" + id +
               "'/><participantstreamassoc participant_id='p" + id + "'><send>s" + id +
               "</send></participantstreamassoc>";
    }
    const ParsedDocument read = parsed(xml + "</recording>");
    CHECK(read.document.streams.size() == kStreams);
    State state;
    state.apply(read.document, WallTime{});
    state.apply(read.document, WallTime{std::chrono::seconds(1)});
    CHECK(state.history().size() == kStreams);
}

}  // namespace siprec::metadata::test
