// What happens to documents on the way: every one of ours and of the corpus, damaged in every way
// that clients and networks damage them, still says what the damage left.
#include "fixtures.hpp"

#include <iostream>
#include <set>

namespace siprec::metadata::test {

namespace {

struct Sample {
    std::string name;
    std::string xml;
    Document document;
};

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

/// The document within a message, found by its own tags.
std::string_view document_in(std::string_view message) {
    for (const std::string_view start : {"<?xml", "<recording", "<tns:recording"}) {
        const std::size_t first = message.find(start);
        if (first != std::string_view::npos) {
            return message.substr(first, message.find("\n--", first) - first);
        }
    }
    return {};
}

const std::vector<Sample>& samples() {
    static const std::vector<Sample> all = [] {
        std::vector<Sample> found;
        auto files = files_below(std::filesystem::path(SIPREC_TEST_DATA) / "metadata", ".xml");
        if (std::filesystem::is_directory(corpus_folder())) {
            for (const char* const extension : {".xml", ".sip", ".mime"}) {
                std::ranges::copy(files_below(corpus_folder(), extension),
                                  std::back_inserter(files));
            }
        } else {
            std::cout << "skipped: no corpus at " << corpus_folder() << '\n';
        }
        for (const auto& path : files) {
            const std::string text = read_file(path);
            const std::string xml(document_in(text));
            if (const auto read = parse(xml); read && read->dialect != Dialect::Salvaged) {
                found.push_back({path.filename().string(), xml, read->document});
            }
        }
        return found;
    }();
    return all;
}

std::set<std::string> aors_of(const Document& document) {
    std::set<std::string> aors;
    for (const Participant& participant : document.participants) {
        for (const NameId& name : participant.names) {
            aors.insert(name.aor);
        }
    }
    return aors;
}

void check_says_the_same(const Sample& sample, const std::string& damaged, std::string_view what) {
    INFO(sample.name << ": " << what);
    const auto read = parse(damaged);
    REQUIRE(read);
    CHECK(aors_of(read->document) == aors_of(sample.document));
    CHECK(read->document.participants.size() == sample.document.participants.size());
    CHECK(read->document.streams.size() == sample.document.streams.size());
    CHECK(read->document.sessions.size() == sample.document.sessions.size());
    CHECK(read->document.mode == sample.document.mode);
}

}  // namespace

TEST_CASE("metadata: formalities change nothing", "[unit][metadata][mutation]") {
    CHECK(samples().size() >= 5);
    for (const Sample& sample : samples()) {
        check_says_the_same(sample, replaced(sample.xml, "\r\n", "\n"), "bare LF");
        check_says_the_same(sample, "\xEF\xBB\xBF \r\n" + sample.xml, "mark and blanks first");
        check_says_the_same(sample, sample.xml + "\r\n--b--\r\nx", "junk behind");
        std::string spelled = replaced(sample.xml, "datamode>", "DataMode>");
        check_says_the_same(sample, spelled, "datamode");
        spelled =
            replaced(replaced(sample.xml, "dataMode>", "datamode>"), ">complete<", ">COMPLETE<");
        check_says_the_same(sample, spelled, "mode");
        spelled = replaced(replaced(sample.xml, "<participant ", "<Participant "),
                           "</participant>",
                           "</Participant>");
        check_says_the_same(sample, spelled, "element case");
        spelled = replaced(sample.xml, "participant_id=", "participantId=");
        check_says_the_same(sample, spelled, "attribute case");
        if (sample.xml.find("urn:ietf:params:xml:ns:recording") != std::string::npos) {
            check_says_the_same(
                sample,
                replaced(sample.xml, "urn:ietf:params:xml:ns:recording:1", "urn:other"),
                "namespace");
        }
        if (sample.xml.find("tns:") != std::string::npos) {
            check_says_the_same(sample, replaced(sample.xml, "tns:", "q:"), "undeclared prefix");
        }
    }
}

TEST_CASE("metadata: an emptied id costs the id and not the party", "[unit][metadata][mutation]") {
    for (const Sample& sample : samples()) {
        for (const Participant& participant : sample.document.participants) {
            if (participant.id.empty() || participant.names.empty()) {
                continue;
            }
            INFO(sample.name << ": " << participant.id);
            const auto read = parse(replaced(sample.xml, "\"" + participant.id + "\"", "\"\""));
            REQUIRE(read);
            CHECK(aors_of(read->document) == aors_of(sample.document));
            State state;
            state.apply(read->document, WallTime{});
            CHECK(aors_of(state.everything()) == aors_of(sample.document));
        }
    }
}

TEST_CASE("metadata: another label is another label and nothing else",
          "[unit][metadata][mutation]") {
    for (const Sample& sample : samples()) {
        for (const MediaStream& stream : sample.document.streams) {
            if (stream.label) {
                INFO(sample.name << ": " << *stream.label);
                const auto read = parse(replaced(sample.xml, ">" + *stream.label + "<", ">999<"));
                REQUIRE(read);
                CHECK(aors_of(read->document) == aors_of(sample.document));
                CHECK(read->document.streams.size() == sample.document.streams.size());
            }
        }
    }
}

TEST_CASE("metadata: what stands whole in front of a cut is still said",
          "[unit][metadata][mutation]") {
    for (const Sample& sample : samples()) {
        std::size_t known = 0;
        for (std::size_t cut = 0; cut < sample.xml.size(); cut += 7) {
            const auto read = parse(std::string_view(sample.xml).substr(0, cut));
            if (!read) {
                INFO(sample.name << " up to " << cut);
                CHECK(known == 0);
                continue;
            }
            const std::size_t parties = read->document.participants.size();
            INFO(sample.name << " up to " << cut);
            CHECK(parties >= known);
            known = parties;
            State state;
            state.apply(read->document, WallTime{});
        }
    }
}

}  // namespace siprec::metadata::test
