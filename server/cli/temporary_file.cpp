#include "cli/temporary_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace siprec::server {

namespace {

Error failed(std::string_view step, const std::string& path) {
    return {ErrorCode::Io,
            fmt::format("{} {}: {}", step, path, std::generic_category().message(errno))};
}

}  // namespace

TemporaryFile::TemporaryFile(int descriptor, std::string path) noexcept
    : descriptor_(descriptor), path_(std::move(path)) {}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::exchange(other.path_, {})) {}

TemporaryFile::~TemporaryFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

Result<TemporaryFile> TemporaryFile::create(const std::string& beside) {
    const std::filesystem::path final_path(beside);
    std::string path =
        (final_path.parent_path() / fmt::format(".{}.part-XXXXXX", final_path.filename().string()))
            .string();
    const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor < 0) {
        return failed("create", path);
    }
    return TemporaryFile(descriptor, std::move(path));
}

Result<void> TemporaryFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return failed("write", path_);
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> TemporaryFile::commit(const std::string& final_path) {
    // mkostemp gives 0600; the user's own mask decides for files that the user asked for.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(descriptor_, 0666U & ~mask) != 0) {
        return failed("set mode of", path_);
    }
    if (::fsync(descriptor_) != 0) {
        return failed("sync", path_);
    }
    if (::close(std::exchange(descriptor_, -1)) != 0) {
        return failed("close", path_);
    }
    if (std::rename(path_.c_str(), final_path.c_str()) != 0) {
        return failed("rename to", final_path);
    }
    path_.clear();
    return {};
}

}  // namespace siprec::server
