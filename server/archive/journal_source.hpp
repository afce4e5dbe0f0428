#pragma once

#include "store/files.hpp"

#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace siprec::server {

/// Feeds a pcapng reader with a capture that is still being written, without its packets: for a
/// look at what is said of a running session, at the price of a few bytes a packet. Ends at the
/// last whole block; called again, it goes on from there. For captures written on this machine
/// (byte order). One thread.
class JournalSource {
  public:
    [[nodiscard]] static Result<JournalSource> open(const std::string& path);

    /// As `pcapng::Reader::Source`.
    [[nodiscard]] Result<std::size_t> read(std::span<std::byte> out);

    /// Gives up the buffer until the next read: thousands of captures are followed at a time.
    void release() noexcept;

  private:
    JournalSource(UniqueFd file, std::string path)
        : file_(std::move(file)), path_(std::move(path)) {}

    /// Stands at the next whole block that is no packet, or at the end.
    [[nodiscard]] Result<void> find_block();
    [[nodiscard]] Result<std::span<const std::byte>> peek(std::size_t bytes);
    [[nodiscard]] Result<std::size_t> read_at(std::uint64_t position, std::span<std::byte> out);

    UniqueFd file_;
    std::string path_;
    std::uint64_t position_ = 0;     // of the next byte
    std::uint64_t block_left_ = 0;   // bytes of the block that is being handed out
    std::vector<std::byte> window_;  // bytes of the file from window_start_ on
    std::uint64_t window_start_ = 0;
};

}  // namespace siprec::server
