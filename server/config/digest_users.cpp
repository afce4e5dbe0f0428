#include "config/digest_users.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

namespace siprec::server {

namespace {

constexpr std::size_t kMd5Digits = 32;
constexpr std::size_t kSha256Digits = 64;

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// @return false when the line is no user
bool take_line(std::string_view line, std::vector<DigestUser>& users) {
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == line.size()) {
        return false;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view secret = line.substr(colon + 1);
    auto user = std::ranges::find(users, name, &DigestUser::name);
    if (user == users.end()) {
        user = users.emplace(users.end());
        user->name = name;
    }
    if (secret.starts_with("md5=")) {
        user->ha1_md5 = secret.substr(4);
        return is_hex(user->ha1_md5, kMd5Digits);
    }
    if (secret.starts_with("sha256=")) {
        user->ha1_sha256 = secret.substr(7);
        return is_hex(user->ha1_sha256, kSha256Digits);
    }
    user->password = secret;
    return true;
}

}  // namespace

Result<std::vector<DigestUser>> load_digest_users(const std::string& file) {
    std::ifstream stream(file);

    struct stat status {};

    if (!stream || ::stat(file.c_str(), &status) != 0) {
        return Error(ErrorCode::Io, fmt::format("{}: {}", file, std::strerror(errno)));
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{}: others than its owner may read it (chmod 600)", file));
    }
    std::vector<DigestUser> users;
    std::size_t number = 0;
    for (std::string line; std::getline(stream, line);) {
        ++number;
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (!take_line(line, users)) {
            // The line itself is a secret.
            return Error(
                ErrorCode::Malformed,
                fmt::format(
                    "{}:{}: not NAME:PASSWORD, NAME:md5=HASH or NAME:sha256=HASH", file, number));
        }
    }
    return users;
}

}  // namespace siprec::server
