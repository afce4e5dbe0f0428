#include "interop/profile_set.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

using namespace siprec::server;

/// A folder that goes with the test.
class ProfileFolder {
  public:
    ProfileFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "siprec-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            std::abort();
        }
        path_ = name;
    }

    ProfileFolder(const ProfileFolder&) = delete;
    ProfileFolder& operator=(const ProfileFolder&) = delete;

    ~ProfileFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream file(path_ + "/" + name);
        file << text;
        REQUIRE(file.flush());
    }

    [[nodiscard]] InteropConfig config() const { return {.directory = path_}; }

  private:
    std::string path_;
};

std::vector<std::string> names_of(const ProfileSet& set) {
    std::vector<std::string> names;
    for (const Profile& profile : set.profiles) {
        names.push_back(profile.name);
    }
    return names;
}

bool has(const ProfileSet& set, const std::string& name) {
    const auto names = names_of(set);
    return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr const char* kOwn = "name = \"own\"\nrank = 500\n[[when]]\nalways = \"yes\"\n";

}  // namespace

TEST_CASE("profiles: every shipped file is good and the generic one comes last",
          "[unit][interop]") {
    const LoadedProfiles loaded = load_profiles({});
    for (const auto& problem : loaded.problems) {
        FAIL_CHECK(problem.message());
    }
    CHECK(loaded.set.profiles.size() == shipped_profile_files().size());
    CHECK(names_of(loaded.set).back() == "generic");
}

TEST_CASE("profiles: the administrator's are added, and replace ours by name", "[unit][interop]") {
    const ProfileFolder folder;
    folder.write("own.toml", kOwn);
    folder.write("oracle.toml", "name = \"oracle\"\nrank = 501\n[[when]]\nalways = \"yes\"\n");
    folder.write("notes.txt", "not a profile");
    const LoadedProfiles loaded = load_profiles(folder.config());
    CHECK(loaded.problems.empty());
    CHECK(loaded.set.profiles.size() == shipped_profile_files().size() + 1);
    CHECK(names_of(loaded.set).at(0) == "oracle");
    CHECK(names_of(loaded.set).at(1) == "own");
    CHECK(loaded.set.profiles.at(0).fields.empty());
}

TEST_CASE("profiles: a bad file is skipped, reported, and fails the check", "[unit][interop]") {
    const ProfileFolder folder;
    folder.write("bad.toml", "name = 3\n");
    folder.write("own.toml", kOwn);
    const LoadedProfiles loaded = load_profiles(folder.config());
    REQUIRE(loaded.problems.size() == 1);
    CHECK(loaded.problems[0].message().find("/bad.toml:1: name: wants a text in quotes") !=
          std::string::npos);
    CHECK(has(loaded.set, "own"));
    CHECK_FALSE(check_profiles(folder.config()));
    CHECK_FALSE(check_profiles({.directory = "/nonexistent"}));
    CHECK(check_profiles({}));
}

TEST_CASE("profiles: a reload changes the set in force, not the one in use", "[unit][interop]") {
    const ProfileFolder folder;
    ProfileStore store(folder.config(), siprec::null_logger());
    const auto before = store.current();
    folder.write("own.toml", kOwn);
    store.reload(folder.config());
    CHECK_FALSE(has(*before, "own"));
    CHECK(has(*store.current(), "own"));
}
