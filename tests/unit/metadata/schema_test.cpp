// schemas/recording.xsd against the RFCs' examples, against the published schema, and against what
// write() makes.
#include "fixtures.hpp"
#include "xmllint.hpp"

#include <unistd.h>

#include <iostream>

namespace siprec::metadata::test {

namespace {

std::filesystem::path own_schema() {
    return std::filesystem::path(SIPREC_SOURCE_DIR) / "schemas" / "recording.xsd";
}

std::filesystem::path published_schema() {
    return reference_folder() / "schemas" / "recording.xsd";
}

bool is_reference_here() {
    return std::filesystem::exists(published_schema());
}

/// Where the reference is, the comparison has to be made: there a missing xmllint is a failure.
bool can_validate() {
    if (Xmllint::is_installed()) {
        return true;
    }
    if (is_reference_here()) {
        FAIL("the reference is present, xmllint is not");
    }
    std::cout << "skipped: no xmllint\n";
    return false;
}

/// A file that is gone with the test.
class ScratchFile {
  public:
    explicit ScratchFile(std::string_view content) {
        std::string name = (std::filesystem::temp_directory_path() / "siprec-xsd-XXXXXX").string();
        const int fd = mkstemp(name.data());
        REQUIRE(fd >= 0);
        REQUIRE(::close(fd) == 0);
        path_ = name;
        std::ofstream out(path_, std::ios::binary);
        out << content;
        out.close();
        REQUIRE(out.good());
    }

    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;

    ~ScratchFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

void check_valid(std::string_view xml) {
    const ScratchFile file(xml);
    CAPTURE(xml);
    CHECK(Xmllint::accepts(own_schema(), file.path()));
    if (is_reference_here()) {
        CHECK(Xmllint::accepts(published_schema(), file.path()));
    }
}

bool own_accepts(std::string_view content) {
    const ScratchFile file("<recording xmlns='urn:ietf:params:xml:ns:recording:1'>" +
                           std::string(content) + "</recording>");
    return Xmllint::accepts(own_schema(), file.path());
}

}  // namespace

TEST_CASE("metadata schema: the examples of the RFCs are valid when checked by both schemas",
          "[unit][metadata][schema][rfc7865]") {
    if (!is_reference_here()) {
        std::cout << "skipped: no reference at " << reference_folder() << '\n';
        return;
    }
    if (!can_validate()) {
        return;
    }
    const auto examples = files_below(reference_folder() / "examples", ".xml");
    CHECK(examples.size() >= 18);
    for (const auto& example : examples) {
        CAPTURE(example);
        CHECK(Xmllint::accepts(own_schema(), example));
        CHECK(Xmllint::accepts(published_schema(), example));
    }
}

TEST_CASE("metadata schema: documents are valid by both schemas when we wrote them",
          "[unit][metadata][schema][rfc7865][7866-9.2-9]") {
    if (!can_validate()) {
        return;
    }
    for (const char* const name : {"flow-1-complete.xml",
                                   "flow-2-hold.xml",
                                   "flow-4-transfer.xml",
                                   "flow-5-disconnect.xml",
                                   "prefixed.xml",
                                   "no-associations.xml",
                                   "cut-off.xml"}) {
        CAPTURE(name);
        check_valid(write(parsed(fixture(name)).document));
    }
    State state;
    for (const char* const name : {"flow-1-complete.xml", "flow-4-transfer.xml"}) {
        state.apply(parsed(fixture(name)).document, WallTime{});
    }
    check_valid(write(state.current()));
    check_valid(write_snapshot_request("restart"));
    check_valid(write_snapshot_request({}));
}

TEST_CASE("metadata schema: drafts are valid by our schema when written as RFC 7865",
          "[unit][metadata][schema][interop]") {
    if (!can_validate()) {
        return;
    }
    for (const char* const name : {"late-draft.xml", "early-draft.xml", "raw-uri.xml"}) {
        CAPTURE(name);
        const ScratchFile file(write(parsed(fixture(name)).document));
        CHECK(Xmllint::accepts(own_schema(), file.path()));
    }
}

TEST_CASE("metadata schema: harmless documents are valid when the published schema refuses them",
          "[unit][metadata][schema]") {
    if (!can_validate()) {
        return;
    }
    // The numbers are those of the defects in the reference's list.
    for (const char* const content : {
             "<dataMode>complete</dataMode>",                                 // D2
             "<session session_id='Uw=='><reason>busy</reason></session>",    // D3
             "<session session_id='Uw=='><reason cause='99999'/></session>",  // D3
             "<participantsessionassoc participant_id='QQ==' session_id='Uw=='>"
             "<param pname='isfocus'/></participantsessionassoc>",  // D4
             "<participant participant_id='QQ=='/>",                // D5
             "<stream stream_id='MQ=='/><participant participant_id='QQ=='/>"
             "<datamode>partial</datamode>",  // D6
             "<participantstreamassoc participant_id='QQ=='><recv>MQ==</recv><associate-time>"
             "2026-01-01T00:00:00Z</associate-time><send>MQ==</send></participantstreamassoc>",
             "<participant participant_id='QQ==' session_id='Uw==' role='agent'/>",  // D7
             "<stream stream_id='MQ=='><channel xmlns=''>left</channel></stream>",   // D8
             "<stream stream_id='urn:uuid:5effa7c7-99d3'/>",                         // D9
             "<participant participant_id='QQ=='><nameID aor='\"A\" "
             "&lt;sip:a@b&gt;'/></participant>",
             "<datamode> Partial </datamode>",  // D13
         }) {
        CAPTURE(content);
        CHECK(own_accepts(content));
    }
}

TEST_CASE("metadata schema: a document is not valid when it is wrong", "[unit][metadata][schema]") {
    if (!can_validate()) {
        return;
    }
    for (const char* const content : {
             "<stream/>",
             "<stram stream_id='MQ=='/>",
             "<datamode>some</datamode>",
             "<session session_id='Uw=='><start-time>yesterday</start-time></session>",
             "<session session_id='Uw=='><reason cause='busy'/></session>",
             "<participant participant_id='QQ=='><nameID/></participant>",
             "<participantsessionassoc participant_id='QQ=='/>",
             "text",
         }) {
        CAPTURE(content);
        CHECK_FALSE(own_accepts(content));
    }
}

TEST_CASE("metadata schema: the published schema refuses what ours was mended for when present",
          "[unit][metadata][schema][rfc7865]") {
    if (!is_reference_here()) {
        std::cout << "skipped: no reference at " << reference_folder() << '\n';
        return;
    }
    if (!can_validate()) {
        return;
    }
    const ScratchFile file(
        "<recording xmlns='urn:ietf:params:xml:ns:recording:1'>"
        "<participant participant_id='QQ=='/></recording>");
    CHECK(Xmllint::accepts(own_schema(), file.path()));
    CHECK_FALSE(Xmllint::accepts(published_schema(), file.path()));
}

}  // namespace siprec::metadata::test
