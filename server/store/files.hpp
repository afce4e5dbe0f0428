#pragma once

// Files that survive a power cut: every step that must be durable is one call here, and no result
// of the operating system is ignored.

#include <siprec/result.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::server {

/// Owns a file descriptor. Where the result of closing matters, call `close`.
class UniqueFd {
  public:
    UniqueFd() = default;

    explicit UniqueFd(int fd) noexcept : fd_(fd) {}

    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    UniqueFd& operator=(UniqueFd&& other) noexcept;
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd();

    [[nodiscard]] int get() const noexcept { return fd_; }

    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

    /// @return Io naming `path` when the kernel reports a late write error
    [[nodiscard]] Result<void> close(const std::string& path);

  private:
    int fd_ = -1;
};

/// "open /data/x: No space left on device"; ResourceExhausted when disk or handles have run out,
/// NotFound when it is not there, else Io.
[[nodiscard]] Error file_error(std::string_view action, const std::string& path, int error_number);

[[nodiscard]] Result<UniqueFd> open_file(const std::string& path, int flags);

/// Makes the directory and those above it, and syncs the parents that got a new entry.
[[nodiscard]] Result<void> make_directories(const std::string& path);

/// Writes as much as the kernel takes. @return how many bytes went out before the failure, and the
/// failure
struct WriteOutcome {
    std::size_t written = 0;
    int error_number = 0;  ///< 0: everything was written
};

[[nodiscard]] WriteOutcome write_some(int fd, std::span<const std::byte> bytes) noexcept;

/// fsync of a file or a directory.
[[nodiscard]] Result<void> sync_path(const std::string& path);

/// Renames and syncs both directories. Both paths are on one file system.
[[nodiscard]] Result<void> rename_durably(const std::string& from, const std::string& to);

/// Deletes and syncs the directory; a file that is not there is no failure.
[[nodiscard]] Result<void> remove_durably(const std::string& path);

/// Puts a whole file in place: written beside it, synced, renamed.
[[nodiscard]] Result<void> write_file_durably(const std::string& path, std::string_view content);

/// The names (without directory) of the regular files in a directory that end in `suffix`, sorted.
[[nodiscard]] Result<std::vector<std::string>> list_files(const std::string& directory,
                                                          std::string_view suffix);

[[nodiscard]] std::string parent_directory(const std::string& path);

/// An advisory lock (flock) that keeps a second process out; the kernel lets go of it when the
/// owner dies, however it dies.
class FileLock {
  public:
    /// @return Conflict when another process holds it
    [[nodiscard]] static Result<FileLock> acquire(const std::string& path);

  private:
    explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

}  // namespace siprec::server
