#include "interop/profile_set.hpp"

#include "interop/profile_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace siprec::server {
namespace {

namespace fs = std::filesystem;

void add(ProfileSet& set, Profile profile) {
    std::erase_if(set.profiles, [&](const Profile& one) { return one.name == profile.name; });
    set.profiles.push_back(std::move(profile));
}

void sort(ProfileSet& set) {
    std::sort(set.profiles.begin(), set.profiles.end(), [](const Profile& a, const Profile& b) {
        return a.rank != b.rank ? a.rank > b.rank : a.name < b.name;
    });
}

LoadedProfiles read_shipped() {
    LoadedProfiles loaded;
    for (const ShippedProfile& shipped : shipped_profile_files()) {
        if (auto profile = parse_profile(shipped.toml, std::string(shipped.file))) {
            add(loaded.set, *std::move(profile));
        } else {
            loaded.problems.push_back(profile.error());
        }
    }
    sort(loaded.set);
    return loaded;
}

Result<Profile> read_profile(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
        return Error(ErrorCode::Io, path.string() + ": cannot be read");
    }
    return parse_profile(text, path.string());
}

/// In order of their names, so that the same folder always gives the same set.
Result<std::vector<fs::path>> profile_files(const std::string& directory) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
        if (at->path().extension() == ".toml") {
            files.push_back(at->path());
        }
    }
    if (error) {
        return Error(ErrorCode::Io,
                     fmt::format("interop.directory: {}: {}", directory, error.message()));
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

const ProfileSet& shipped_profiles() {
    static const ProfileSet shipped = read_shipped().set;
    return shipped;
}

LoadedProfiles load_profiles(const InteropConfig& config) {
    LoadedProfiles loaded = read_shipped();
    if (config.directory.empty()) {
        return loaded;
    }
    const auto files = profile_files(config.directory);
    if (!files) {
        loaded.problems.push_back(files.error());
        return loaded;
    }
    for (const fs::path& path : *files) {
        if (auto profile = read_profile(path)) {
            add(loaded.set, *std::move(profile));
        } else {
            loaded.problems.push_back(profile.error());
        }
    }
    sort(loaded.set);
    return loaded;
}

Result<void> check_profiles(const InteropConfig& config) {
    const LoadedProfiles loaded = load_profiles(config);
    return loaded.problems.empty() ? Result<void>{} : loaded.problems.front();
}

ProfileStore::ProfileStore(const InteropConfig& config, Logger& logger) : logger_(logger) {
    reload(config);
}

void ProfileStore::reload(const InteropConfig& config) {
    LoadedProfiles loaded = load_profiles(config);
    for (const Error& problem : loaded.problems) {
        logger_.log(LogLevel::Error,
                    "interop",
                    "an interop profile is not used",
                    {{"error", problem.message()}});
    }
    auto fresh = std::make_shared<const ProfileSet>(std::move(loaded.set));
    const std::lock_guard lock(mutex_);
    current_ = std::move(fresh);
}

std::shared_ptr<const ProfileSet> ProfileStore::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

}  // namespace siprec::server
