#pragma once

#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace siprec::server {

/// A file of the store, open for reading. *One thread at a time.*
class StoredFile {
  public:
    /// Opens `root`/`relative`, which must lie below `root` after all symbolic links and be a
    /// regular file: the catalogue's paths are not trusted to stay inside.
    /// @return InvalidArgument for a path that leads outside; Unavailable when the file cannot be
    ///         opened, for the store may be away
    [[nodiscard]] static Result<StoredFile> open(const std::string& root,
                                                 const std::string& relative);
    StoredFile(const StoredFile&) = delete;
    StoredFile& operator=(const StoredFile&) = delete;
    StoredFile(StoredFile&& other) noexcept;
    StoredFile& operator=(StoredFile&& other) noexcept;
    ~StoredFile();

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Fills `buffer` from `offset`; fewer bytes only at the end of the file.
    [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<char> buffer) const;

  private:
    StoredFile(int descriptor, std::uint64_t size) noexcept;

    int descriptor_;
    std::uint64_t size_;
};

}  // namespace siprec::server
