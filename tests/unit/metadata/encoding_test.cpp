#include "fixtures.hpp"

namespace siprec::metadata::test {

namespace {

std::string with_name(std::string_view declaration, std::string_view name) {
    return std::string(declaration) +
           "<recording xmlns='urn:ietf:params:xml:ns:recording:1'><participant "
           "participant_id='YQ=='><nameID aor='sip:a@b'><name>" +
           std::string(name) + "</name></nameID></participant></recording>";
}

std::string name_in(const ParsedDocument& read) {
    return read.document.participants.at(0).names.at(0).name;
}

std::string utf16(std::string_view ascii, bool big) {
    std::string text = big ? "\xFE\xFF" : "\xFF\xFE";
    for (const char c : ascii) {
        text += big ? std::string{'\0', c} : std::string{c, '\0'};
    }
    return text;
}

}  // namespace

TEST_CASE("metadata: the charset parameter wins when the declaration differs",
          "[unit][metadata][rfc7865][7865-5.1-3]") {
    constexpr std::string_view kLatin = "<?xml version='1.0' encoding='ISO-8859-1'?>";
    constexpr std::string_view kUtf8 = "<?xml version='1.0' encoding='UTF-8'?>";
    CHECK(name_in(parsed(with_name(kLatin, "M\xC3\xBCller"), "utf-8")) == "Müller");
    CHECK(name_in(parsed(with_name(kUtf8, "M\xFCller"), "ISO-8859-1")) == "Müller");
    CHECK(name_in(parsed(with_name(kLatin, "M\xFCller"))) == "Müller");
}

TEST_CASE("metadata: all of Unicode survives when the document is UTF-8",
          "[unit][metadata][7865-5.1-4]") {
    const std::string name = "نورا 漢字 😀";
    CHECK(name_in(parsed(with_name("", name))) == name);
    CHECK(name_in(parsed(with_name("", "&#x1F600;&#252;"))) == "😀ü");
}

TEST_CASE("metadata: UTF-16 is read when a byte-order mark shows it", "[unit][metadata]") {
    CHECK(name_in(parsed(utf16(with_name("", "Ada"), true))) == "Ada");
    CHECK(name_in(parsed(utf16(with_name("", "Ada"), false))) == "Ada");
}

TEST_CASE("metadata: bytes are read as ISO 8859-1 when they are no UTF-8", "[unit][metadata]") {
    const ParsedDocument read = parsed(with_name("", "M\xFCller"));
    CHECK(name_in(read) == "Müller");
    CHECK(has_finding(read.findings, "encoding"));
}

TEST_CASE("metadata: an unknown charset is noted when the bytes are readable", "[unit][metadata]") {
    const ParsedDocument read = parsed(with_name("", "Ada"), "x-unheard-of");
    CHECK(name_in(read) == "Ada");
    CHECK(has_finding(read.findings, "charset"));
}

TEST_CASE("metadata: junk around the document is tolerated when the document is whole",
          "[unit][metadata][7865-5.1-2][8068-T14]") {
    const ParsedDocument read =
        parsed("\xEF\xBB\xBF \r\n" + with_name("<?xml version='1.0'?>", "Ada") + "\r\n--x\0<<&");
    CHECK(name_in(read) == "Ada");
    CHECK(read.dialect == Dialect::Rfc7865);
    CHECK(has_finding(read.findings, "byte-order-mark"));
    CHECK(has_finding(read.findings, "leading-white-space"));
    CHECK(has_finding(read.findings, "trailing-junk"));
}

TEST_CASE("metadata: CDATA is text when it holds markup", "[unit][metadata]") {
    CHECK(name_in(parsed(with_name("", "<![CDATA[<sip:a@b>]]>"))) == "<sip:a@b>");
}

}  // namespace siprec::metadata::test
