#include "archive/attempts.hpp"

#include "store/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>

namespace siprec::server {

Result<Attempts> Attempts::begin(const std::string& capture_path) {
    // One byte an attempt. Not synced: it is for a process that dies, not for a machine.
    const std::string path = capture_path + ".attempts";
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
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
        return file_error("remove", path_, errno);
    }
    return {};
}

}  // namespace siprec::server
