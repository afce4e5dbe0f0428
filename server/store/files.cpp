#include "store/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace siprec::server {
namespace {

namespace fs = std::filesystem;

// Recordings are private: nobody outside the server's group reads them.
constexpr mode_t kFileMode = 0640;

ErrorCode code_of(int error_number) {
    switch (error_number) {
        case ENOSPC:
        case EDQUOT:
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return ErrorCode::ResourceExhausted;
        case ENOENT:
            return ErrorCode::NotFound;
        default:
            return ErrorCode::Io;
    }
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

UniqueFd::~UniqueFd() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Result<void> UniqueFd::close(const std::string& path) {
    const int fd = std::exchange(fd_, -1);
    if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) {
        return file_error("close", path, errno);
    }
    return {};
}

Error file_error(std::string_view action, const std::string& path, int error_number) {
    return {
        code_of(error_number),
        std::string(action) + " " + path + ": " + std::generic_category().message(error_number)};
}

Result<UniqueFd> open_file(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
    if (fd < 0) {
        return file_error("open", path, errno);
    }
    return UniqueFd(fd);
}

Result<void> make_directories(const std::string& path) {
    std::error_code failure;
    if (fs::is_directory(path, failure)) {
        return {};
    }
    const std::string parent = parent_directory(path);
    if (parent != path) {
        if (auto made = make_directories(parent); !made) {
            return made;
        }
    }
    if (!fs::create_directory(path, failure) && failure) {
        return file_error("create directory", path, failure.value());
    }
    return sync_path(parent);
}

WriteOutcome write_some(int fd, std::span<const std::byte> bytes) noexcept {
    WriteOutcome outcome;
    while (outcome.written < bytes.size()) {
        const auto rest = bytes.subspan(outcome.written);
        const ssize_t count = ::write(fd, rest.data(), rest.size());
        if (count > 0) {
            outcome.written += static_cast<std::size_t>(count);
        } else if (count == 0 || errno != EINTR) {
            outcome.error_number = count == 0 ? EIO : errno;
            return outcome;
        }
    }
    return outcome;
}

Result<void> sync_path(const std::string& path) {
    auto file = open_file(path, O_RDONLY);
    if (!file) {
        return std::move(file).error();
    }
    if (::fsync(file->get()) != 0) {
        return file_error("sync", path, errno);
    }
    return {};
}

Result<void> rename_durably(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        return file_error("rename to " + to + " from", from, errno);
    }
    const std::string target = parent_directory(to);
    if (auto synced = sync_path(target); !synced) {
        return synced;
    }
    const std::string source = parent_directory(from);
    return source == target ? Result<void>{} : sync_path(source);
}

Result<void> remove_durably(const std::string& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) {
            return {};
        }
        return file_error("remove", path, errno);
    }
    return sync_path(parent_directory(path));
}

Result<void> write_file_durably(const std::string& path, std::string_view content) {
    const std::string part = path + ".part";
    auto file = open_file(part, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) {
        return std::move(file).error();
    }
    const auto outcome = write_some(file->get(), std::as_bytes(std::span(content)));
    if (outcome.error_number != 0) {
        return file_error("write", part, outcome.error_number);
    }
    if (::fsync(file->get()) != 0) {
        return file_error("sync", part, errno);
    }
    if (auto closed = file->close(part); !closed) {
        return closed;
    }
    return rename_durably(part, path);
}

Result<std::vector<std::string>> list_files(const std::string& directory, std::string_view suffix) {
    std::error_code failure;
    std::vector<std::string> names;
    fs::directory_iterator entries(directory, failure);
    for (; !failure && entries != fs::directory_iterator(); entries.increment(failure)) {
        std::error_code gone;
        const std::string name = entries->path().filename().string();
        if (name.ends_with(suffix) && entries->is_regular_file(gone)) {
            names.push_back(name);
        }
    }
    if (failure) {
        return file_error("list", directory, failure.value());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string parent_directory(const std::string& path) {
    const fs::path parent = fs::path(path).lexically_normal().parent_path();
    return parent.empty() ? "." : parent.string();
}

Result<FileLock> FileLock::acquire(const std::string& path) {
    auto file = open_file(path, O_RDWR | O_CREAT);
    if (!file) {
        return std::move(file).error();
    }
    if (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return Error(ErrorCode::Conflict, "lock " + path + ": another process holds it");
        }
        return file_error("lock", path, errno);
    }
    return FileLock(std::move(*file));
}

}  // namespace siprec::server
