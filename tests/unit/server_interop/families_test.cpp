// Every client family's dialect, on fixtures of our own and on the corpus of real messages where
// that is at hand (SIPREC_CORPUS, or ../shared/corpus beside the tree).

#include "interop/lift.hpp"
#include "unit/server_interop/sample.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using siprec::server::Lifted;
using siprec::server::testing::Sample;

using Expected = std::vector<std::pair<std::string, std::string>>;  // field, value

std::map<std::string, Expected> read_table(const fs::path& path) {
    std::map<std::string, Expected> table;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find('\t');
        const auto second = line.find('\t', first + 1);
        if (!line.starts_with('#') && second != std::string::npos) {
            table[line.substr(0, first)].emplace_back(line.substr(first + 1, second - first - 1),
                                                      line.substr(second + 1));
        }
    }
    return table;
}

bool has(const Lifted& lifted, const std::string& field, const std::string& value) {
    if (field == "@") {
        return !lifted.profiles.empty() && lifted.profiles.front().name == value;
    }
    return std::any_of(lifted.fields.begin(), lifted.fields.end(), [&](const auto& one) {
        return one.name == field && one.value == value;
    });
}

void check_table(const fs::path& table, const fs::path& folder) {
    const auto expected = read_table(table);
    REQUIRE_FALSE(expected.empty());
    for (const auto& [file, rows] : expected) {
        const Sample sample(folder / file);
        CAPTURE(file);
        REQUIRE(sample.is_read());
        const Lifted lifted =
            siprec::server::lift(siprec::server::shipped_profiles(), sample.view());
        for (const auto& [field, value] : rows) {
            CAPTURE(field, value);
            CHECK(has(lifted, field, value));
        }
    }
}

fs::path data() {
    return fs::path(SIPREC_TEST_DATA) / "interop";
}

fs::path corpus() {
    const char* given = std::getenv("SIPREC_CORPUS");  // NOLINT(concurrency-mt-unsafe)
    return given != nullptr ? fs::path(given)
                            : fs::path(SIPREC_SOURCE_DIR).parent_path() / "shared" / "corpus";
}

}  // namespace

TEST_CASE("families: fixtures give the fields of their dialect", "[unit][interop]") {
    check_table(data() / "fixtures.tsv", data() / "fixtures");
}

TEST_CASE("families: every shipped profile has a fixture that it fits", "[unit][interop]") {
    std::set<std::string> fitting;
    for (const auto& entry : fs::directory_iterator(data() / "fixtures")) {
        const Sample sample(entry.path());
        for (const auto& profile :
             siprec::server::lift(siprec::server::shipped_profiles(), sample.view()).profiles) {
            fitting.insert(profile.name);
        }
    }
    for (const auto& profile : siprec::server::shipped_profiles().profiles) {
        CAPTURE(profile.name);
        CHECK(fitting.contains(profile.name));
    }
}

TEST_CASE("families: the corpus gives the ids that it carries", "[unit][interop][corpus]") {
    if (!fs::exists(corpus())) {
        WARN("skipped: there is no corpus at " << corpus());
        return;
    }
    check_table(data() / "corpus.tsv", corpus());
}
