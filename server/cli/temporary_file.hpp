#pragma once

#include <siprec/result.hpp>

#include <string>
#include <string_view>

namespace siprec::server {

/// A file that nobody sees under its final name before `commit`; gone when that is never called.
class TemporaryFile {
  public:
    /// @param beside  the final path; the temporary file lies in the same folder
    [[nodiscard]] static Result<TemporaryFile> create(const std::string& beside);
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    TemporaryFile(TemporaryFile&& other) noexcept;
    TemporaryFile& operator=(TemporaryFile&&) = delete;
    ~TemporaryFile();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    [[nodiscard]] Result<void> write(std::string_view bytes);

    /// On the disk, and under its final name, replacing what was there.
    [[nodiscard]] Result<void> commit(const std::string& final_path);

  private:
    TemporaryFile(int descriptor, std::string path) noexcept;

    int descriptor_;
    std::string path_;  // empty: moved from or committed
};

}  // namespace siprec::server
