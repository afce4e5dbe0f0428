#include "api/stored_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace siprec::server {

namespace {

std::string system_message(int number) {
    return std::generic_category().message(number);
}

Result<std::filesystem::path> resolve(const std::string& root, const std::string& relative) {
    namespace fs = std::filesystem;
    if (relative.empty() || relative.find('\0') != std::string::npos ||
        fs::path(relative).is_absolute()) {
        return Error(ErrorCode::InvalidArgument, "artefact path is not relative");
    }
    std::error_code failure;
    const fs::path base = fs::canonical(root, failure);
    if (failure) {
        return Error(ErrorCode::Unavailable, fmt::format("store {}: {}", root, failure.message()));
    }
    fs::path resolved = fs::canonical(base / relative, failure);
    if (failure) {
        return Error(ErrorCode::Unavailable,
                     fmt::format("artefact {}: {}", relative, failure.message()));
    }
    if (std::mismatch(base.begin(), base.end(), resolved.begin(), resolved.end()).first !=
        base.end()) {
        return Error(ErrorCode::InvalidArgument, "artefact path leads out of the store");
    }
    return resolved;
}

}  // namespace

StoredFile::StoredFile(int descriptor, std::uint64_t size) noexcept
    : descriptor_(descriptor), size_(size) {}

StoredFile::StoredFile(StoredFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

StoredFile& StoredFile::operator=(StoredFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(size_, other.size_);
    return *this;
}

StoredFile::~StoredFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

Result<StoredFile> StoredFile::open(const std::string& root, const std::string& relative) {
    const auto path = resolve(root, relative);
    if (!path) {
        return path.error();
    }
    const int descriptor = ::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) {
        return Error(ErrorCode::Unavailable,
                     fmt::format("artefact {}: {}", relative, system_message(errno)));
    }
    StoredFile file(descriptor, 0);

    struct stat status {};

    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("artefact {} is not a regular file", relative));
    }
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    return file;
}

Result<std::size_t> StoredFile::read(std::uint64_t offset, std::span<char> buffer) const {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t got = ::pread(descriptor_,
                                    buffer.data() + done,
                                    buffer.size() - done,
                                    static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return Error(ErrorCode::Io, fmt::format("read artefact: {}", system_message(errno)));
        }
        if (got == 0) {
            break;
        }
        done += static_cast<std::size_t>(got);
    }
    return done;
}

}  // namespace siprec::server
