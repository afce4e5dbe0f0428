#include "fixtures.hpp"

#include <iostream>

namespace siprec::metadata::test {

namespace {

/// The metadata part of a captured body; empty: there is none.
std::string_view metadata_part(std::string_view message) {
    for (const std::string_view start : {"<?xml", "<recording", "<tns:recording"}) {
        const std::size_t first = message.find(start);
        if (first != std::string_view::npos) {
            return message.substr(first, message.find("\n--", first) - first);
        }
    }
    return {};
}

bool is_corpus_here() {
    if (std::filesystem::is_directory(corpus_folder())) {
        return true;
    }
    std::cout << "skipped: no corpus at " << corpus_folder() << '\n';
    return false;
}

}  // namespace

TEST_CASE("metadata: every document of the corpus gives something when read",
          "[unit][metadata][interop][corpus]") {
    if (!is_corpus_here()) {
        return;
    }
    for (const auto& path : files_below(corpus_folder(), ".xml")) {
        CAPTURE(path);
        const ParsedDocument read = parsed(read_file(path));
        CHECK((!read.document.participants.empty() || !read.document.extensions.empty()));
        CHECK(parse(write(read.document)));
    }
}

TEST_CASE("metadata: every metadata part of the corpus names parties or streams when read",
          "[unit][metadata][interop][corpus]") {
    if (!is_corpus_here()) {
        return;
    }
    std::size_t parts = 0;
    for (const std::string_view extension : {".mime", ".sip"}) {
        for (const auto& path : files_below(corpus_folder(), extension)) {
            const std::string message = read_file(path);
            const std::string_view part = metadata_part(message);
            if (part.empty()) {
                continue;
            }
            CAPTURE(path);
            ++parts;
            const ParsedDocument read = parsed(part);
            // Other people's test input may be empty on purpose.
            const bool is_handwritten = path.filename().string().starts_with("fixture-");
            CHECK((is_handwritten || !read.document.participants.empty() ||
                   !read.document.streams.empty()));
            State state;
            state.apply(read.document, WallTime{});
            const auto history = state.history().size();
            state.apply(read.document, WallTime{std::chrono::seconds(1)});
            CHECK(state.history().size() == history);
        }
    }
    CHECK(parts > 0);
}

}  // namespace siprec::metadata::test
