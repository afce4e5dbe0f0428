#pragma once

#include "store/files.hpp"

#include <siprec/result.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siprec::server {

/// The samples of one track on disk, so that hours of a call need no memory: how far the tracks run
/// apart is up to the client. The file has no name and goes with its owner. One thread.
class SampleSpill {
  public:
    /// @param directory  where there is room
    [[nodiscard]] static Result<SampleSpill> create(const std::string& directory);

    void append(std::span<const std::int16_t> samples);
    void append_silence(std::uint64_t samples);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Ends the writing; reading starts at the first sample. @return the first failure there was
    [[nodiscard]] Result<void> rewind();

    /// Fills `out` with the next samples, and with silence behind the last.
    [[nodiscard]] Result<void> read(std::span<std::int16_t> out);

  private:
    SampleSpill(UniqueFd file, std::string directory)
        : file_(std::move(file)), directory_(std::move(directory)) {}

    void flush();

    UniqueFd file_;
    std::string directory_;  // for messages: the file has no name
    std::vector<std::int16_t> buffer_;
    std::uint64_t size_ = 0;
    std::optional<Error> failure_;
};

}  // namespace siprec::server
