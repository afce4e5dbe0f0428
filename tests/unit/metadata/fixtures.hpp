#pragma once

#include <siprec/metadata.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::metadata::test {

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::filesystem::path fixture_path(std::string_view name) {
    return std::filesystem::path(SIPREC_TEST_DATA) / "metadata" / name;
}

inline std::string fixture(std::string_view name) {
    return read_file(fixture_path(name));
}

/// A folder beside the checkout, unless the environment names another; it may be absent.
inline std::filesystem::path shared_folder(const char* variable, std::string_view name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in a test changes the environment.
    const char* const overriding = std::getenv(variable);
    if (overriding != nullptr) {
        return overriding;
    }
    return std::filesystem::path(SIPREC_SOURCE_DIR).parent_path() / "shared" / name;
}

inline std::filesystem::path reference_folder() {
    return shared_folder("SIPREC_REFERENCE", "reference");
}

inline std::filesystem::path corpus_folder() {
    return shared_folder("SIPREC_CORPUS", "corpus");
}

inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder,
                                                      std::string_view extension) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().extension() == extension) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

inline ParsedDocument parsed(std::string_view xml, std::string_view charset = {}) {
    auto result = parse(xml, charset);
    if (!result) {
        FAIL(result.error().to_string());
    }
    return std::move(*result);
}

inline bool has_finding(const std::vector<Finding>& findings, std::string_view code) {
    return std::any_of(
        findings.begin(), findings.end(), [&](const Finding& f) { return f.code == code; });
}

inline WallTime at(std::string_view rfc3339) {
    const auto time = parse_time(rfc3339);
    REQUIRE(time);
    return time->time;
}

template <typename T>
const T* with_id(const std::vector<T>& elements, std::string_view id) {
    const auto found =
        std::find_if(elements.begin(), elements.end(), [&](const T& e) { return e.id == id; });
    return found == elements.end() ? nullptr : &*found;
}

/// Who sends a stream now, by the history.
inline std::vector<std::string> senders(const State& state, std::string_view stream) {
    std::vector<std::string> ids;
    for (const ParticipationInterval& interval : state.history()) {
        if (interval.stream_id == stream && !interval.until) {
            ids.push_back(interval.participant_id);
        }
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

/// Who is in a communication session now, by the history.
inline std::vector<std::string> members(const State& state, std::string_view session) {
    std::vector<std::string> ids;
    for (const ParticipationInterval& interval : state.history()) {
        if (interval.stream_id.empty() && interval.session_id == session && !interval.until) {
            ids.push_back(interval.participant_id);
        }
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

using Ids = std::vector<std::string>;

}  // namespace siprec::metadata::test
