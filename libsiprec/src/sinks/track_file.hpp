#pragma once

#include <siprec/result.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace siprec {

/// The raw samples of one track on disk: written front to back, then read front to back. Owned by
/// one thread at a time.
class TrackFile {
  public:
    /// @return Io when it cannot be made
    [[nodiscard]] static Result<std::unique_ptr<TrackFile>> create(std::string path);

    TrackFile(const TrackFile&) = delete;
    TrackFile& operator=(const TrackFile&) = delete;
    ~TrackFile() = default;

    /// After an error nothing more is written; `rewind` reports it.
    void write(std::span<const std::int16_t> samples);

    /// Writing is over, reading begins. @return Io when any write failed
    [[nodiscard]] Result<void> rewind();

    /// @return how many samples were read; fewer than asked for at the end, or when the disk failed
    [[nodiscard]] std::size_t read(std::span<std::int16_t> samples);

    /// Deletes the file. @return Io when the system refuses
    [[nodiscard]] Result<void> remove();

  private:
    struct Closer {
        // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): this is what the unique_ptr owns it by.
        void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
    };

    TrackFile(std::string path, std::unique_ptr<std::FILE, Closer> file);
    [[nodiscard]] Error failure(const char* what, int reason) const;

    std::string path_;
    std::unique_ptr<std::FILE, Closer> file_;
    std::optional<Error> error_;
};

}  // namespace siprec
