#include "archive/attempts.hpp"

#include "store/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>

namespace siprec::server {
namespace {

constexpr std::string_view kSuffix = ".attempts";

Result<void> remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return file_error("remove", path, errno);
    }
    return {};
}

}  // namespace

Result<Attempts> Attempts::begin(const std::string& capture_path) {
    // One byte an attempt. Not synced: it is for a process that dies, not for a machine.
    const std::string path = capture_path + std::string(kSuffix);
    auto file = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
    if (!file) {
        return std::move(file).error();
    }

    struct stat status {};

    if (::fstat(file->get(), &status) != 0) {
        return file_error("look at", path, errno);
    }
    const std::byte mark{'+'};
    const WriteOutcome outcome = write_some(file->get(), std::span(&mark, 1));
    if (outcome.error_number != 0) {
        return file_error("write", path, outcome.error_number);
    }
    return Attempts(path, static_cast<unsigned>(status.st_size));
}

Result<void> Attempts::end() const {
    return remove(path_);
}

Result<void> Attempts::forget(const std::string& capture_path) {
    return remove(capture_path + std::string(kSuffix));
}

Result<void> Attempts::excuse() const {
    if (died_ == 0) {
        return remove(path_);
    }
    if (::truncate(path_.c_str(), static_cast<off_t>(died_)) != 0 && errno != ENOENT) {
        return file_error("shorten", path_, errno);
    }
    return {};
}

}  // namespace siprec::server
