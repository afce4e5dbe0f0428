#pragma once

// One session's bytes on their way from its media thread to the disk.

#include <siprec/uuid.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

namespace siprec::server {

/// How many bytes all captures together may hold in memory while the disk does not keep up.
/// *Thread-safe.*
class MemoryBudget {
  public:
    explicit MemoryBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}

    /// @return false when that would exceed the limit; nothing is taken then
    [[nodiscard]] bool try_take(std::size_t bytes) noexcept {
        if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes > limit_) {
            give_back(bytes);
            return false;
        }
        return true;
    }

    void take(std::size_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }

    void give_back(std::size_t bytes) noexcept {
        used_.fetch_sub(bytes, std::memory_order_relaxed);
    }

  private:
    const std::size_t limit_;
    std::atomic<std::size_t> used_{0};
};

/// A chain of chunks with one writing and one reading thread. The media thread copies a block into
/// the last chunk and publishes how far that is filled; the capture writer takes what is published
/// whenever it likes, half-filled chunks too. So bytes reach the file within the flush interval
/// although their stream has fallen silent, and no lock is taken for a packet, only for a new
/// chunk.
class CaptureLog {
  public:
    /// What must not be lost (SIP, metadata, the end) is taken although the budget is used up; it
    /// is bounded by the limits on sessions and messages.
    enum class Importance : std::uint8_t { Droppable, Essential };

    /// @param part  of the session's capture, from 1: each is a file of its own
    CaptureLog(const Uuid& session, std::uint32_t part, MemoryBudget& budget)
        : session_(session), part_(part), budget_(budget) {}

    CaptureLog(const CaptureLog&) = delete;
    CaptureLog& operator=(const CaptureLog&) = delete;
    ~CaptureLog();

    [[nodiscard]] const Uuid& session() const noexcept { return session_; }

    [[nodiscard]] std::uint32_t part() const noexcept { return part_; }

    /// Owner media thread only. @return false when the block was dropped for want of memory
    [[nodiscard]] bool append(std::span<const std::byte> block, Importance importance);

    /// Owner media thread only: one RTP packet more is in what was appended.
    void count_packet() noexcept {
        packets_.store(packets_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    /// Owner media thread only: nothing follows.
    void finish() noexcept { finished_.store(true, std::memory_order_release); }

    /// Owner media thread only: nothing follows but in the next part.
    void finish(std::shared_ptr<CaptureLog> successor) noexcept {
        successor_ = std::move(successor);
        finish();
    }

    /// Capture writer only: something of it is in its file.
    void note_written() noexcept { is_written_ = true; }

    /// Capture writer only, once drained: the part that follows is in `live/`, so that a part that
    /// promises another never lies in `captures/` alone.
    [[nodiscard]] bool is_followed() const noexcept {
        return successor_ == nullptr || successor_->is_written_;
    }

    /// Capture writer only: the next published bytes that were not consumed; empty when there are
    /// none.
    [[nodiscard]] std::span<const std::byte> pending();

    /// Capture writer only: how much is published and not consumed, in all chunks.
    [[nodiscard]] std::uint64_t pending_bytes();

    /// Capture writer only: so many of the pending bytes are in the file.
    void consume(std::size_t bytes);

    /// Capture writer only: finished, and everything consumed.
    [[nodiscard]] bool is_drained();

    /// Capture writer only: packets counted since the last call.
    [[nodiscard]] std::uint64_t take_packets() noexcept;

  private:
    // A session of two G.711 streams fills a chunk in half a second.
    static constexpr std::size_t kChunkBytes = std::size_t{16} * 1024;

    struct Chunk {
        explicit Chunk(std::size_t size)
            : bytes(std::make_unique_for_overwrite<std::byte[]>(size)), capacity(size) {}

        std::unique_ptr<std::byte[]> bytes;
        std::size_t capacity;
        std::atomic<std::size_t> published{0};
    };

    [[nodiscard]] Chunk* chunk_for(std::size_t bytes, Importance importance);

    const Uuid session_;
    const std::uint32_t part_;
    MemoryBudget& budget_;
    std::shared_ptr<CaptureLog> successor_;  // set before finished_, read after it

    // media thread
    Chunk* last_ = nullptr;  // owned by chunks_; the reader leaves the last chunk where it is
    std::size_t filled_ = 0;

    // capture writer
    bool is_written_ = false;
    std::size_t consumed_ = 0;
    std::uint64_t packets_taken_ = 0;

    std::atomic<std::uint64_t> packets_{0};
    std::atomic<bool> finished_{false};
    std::mutex mutex_;
    std::deque<std::unique_ptr<Chunk>> chunks_;  // guarded by mutex_
};

}  // namespace siprec::server
