#include "catalog/postgres_install.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace siprec::server {

namespace {

namespace fs = std::filesystem;

std::string error_text(int error) {
    return std::system_category().message(error);
}

bool has_programs(const fs::path& folder) {
    return ::access((folder / "initdb").c_str(), X_OK) == 0 &&
           ::access((folder / "postgres").c_str(), X_OK) == 0;
}

std::string version_of(const std::string& data_directory) {
    std::string version;
    std::ifstream(fs::path(data_directory) / "PG_VERSION") >> version;
    return version;
}

std::optional<fs::path> newest_installed() {
    std::optional<fs::path> newest;
    int newest_version = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
        const std::string name = entry.path().filename().string();
        int version = 0;
        std::from_chars(name.data(), name.data() + name.size(), version);
        if (version > newest_version && has_programs(entry.path() / "bin")) {
            newest_version = version;
            newest = entry.path() / "bin";
        }
    }
    return newest;
}

std::optional<fs::path> first_in_path() {
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (has_programs(folder)) {
            return folder;
        }
    }
    return std::nullopt;
}

std::optional<UserIds> user_named(const char* name) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    if (::getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    return UserIds{.user = entry.pw_uid, .group = entry.pw_gid};
}

/// By the mode bits alone.
bool may_enter(const struct stat& folder, const UserIds& user) {
    if (folder.st_uid == user.user) {
        return (folder.st_mode & S_IXUSR) != 0;
    }
    return (folder.st_mode & (folder.st_gid == user.group ? S_IXGRP : S_IXOTH)) != 0;
}

}  // namespace

Result<std::string> find_postgres_programs(const std::string& data_directory) {
    const std::string version = version_of(data_directory);
    if (!version.empty()) {
        const fs::path matching = fs::path("/usr/lib/postgresql") / version / "bin";
        if (has_programs(matching)) {
            return matching.string();
        }
    }
    for (const auto& folder : {newest_installed(), first_in_path()}) {
        if (folder) {
            return folder->string();
        }
    }
    return Error(
        ErrorCode::NotFound,
        "no PostgreSQL is installed (neither in /usr/lib/postgresql nor in PATH): install the "
        "package postgresql, or name a database with --database");
}

Result<std::optional<UserIds>> postgres_user(const std::string& data_directory) {
    if (::geteuid() != 0) {
        return std::optional<UserIds>{};
    }

    struct stat status {};

    if (::stat(data_directory.c_str(), &status) == 0 && status.st_uid != 0) {
        return std::optional(UserIds{.user = status.st_uid, .group = status.st_gid});
    }
    for (const char* name : {"postgres", "nobody"}) {
        if (const auto user = user_named(name)) {
            return user;
        }
    }
    return Error(ErrorCode::NotFound,
                 "PostgreSQL does not run as root, and there is no user postgres or nobody");
}

Result<void> check_reachable(const std::string& path, const UserIds& user) {
    for (fs::path folder = fs::path(path).parent_path(); !folder.empty();
         folder = folder.parent_path()) {
        struct stat status {};

        if (::stat(folder.c_str(), &status) != 0) {
            return Error(ErrorCode::Io, fmt::format("{}: {}", folder.string(), error_text(errno)));
        }
        if (!may_enter(status, user)) {
            return Error(
                ErrorCode::Io,
                fmt::format("PostgreSQL runs as user {}, who cannot enter {} (mode {:04o}): "
                            "chmod o+x it, or choose another data directory",
                            user.user,
                            folder.string(),
                            status.st_mode & 07777U));
        }
        if (folder == folder.root_path()) {
            break;
        }
    }
    return {};
}

Result<void> make_private_folder(const std::string& path, const std::optional<UserIds>& owner) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return Error(ErrorCode::Io, fmt::format("make {}: {}", path, error_text(errno)));
    }

    struct stat status {};

    if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return Error(ErrorCode::Conflict, fmt::format("{} is not a folder", path));
    }
    const uid_t wanted = owner ? owner->user : ::geteuid();
    if (status.st_uid != wanted && status.st_uid != ::geteuid()) {
        return Error(ErrorCode::Conflict,
                     fmt::format("{} belongs to user {}", path, status.st_uid));
    }
    if (owner && ::lchown(path.c_str(), owner->user, owner->group) != 0) {
        return Error(ErrorCode::Io, fmt::format("chown {}: {}", path, error_text(errno)));
    }
    if (::chmod(path.c_str(), 0700) != 0) {
        return Error(ErrorCode::Io, fmt::format("chmod {}: {}", path, error_text(errno)));
    }
    return {};
}

std::optional<pid_t> running_postmaster(const std::string& data_directory) {
    pid_t pid = 0;
    std::ifstream(fs::path(data_directory) / "postmaster.pid") >> pid;
    if (pid <= 1) {
        return std::nullopt;
    }
    // The number may belong to another program by now: ours works in its data directory.
    std::error_code error;
    const fs::path working = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
    if (error || !fs::equivalent(working, data_directory, error) || error) {
        return std::nullopt;
    }
    return pid;
}

}  // namespace siprec::server
