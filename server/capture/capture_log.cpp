#include "capture/capture_log.hpp"

#include <algorithm>
#include <cstring>

namespace siprec::server {

CaptureLog::~CaptureLog() {
    for (const auto& chunk : chunks_) {
        budget_.give_back(chunk->capacity);
    }
}

bool CaptureLog::append(std::span<const std::byte> block, Importance importance) {
    Chunk* chunk = chunk_for(block.size(), importance);
    if (chunk == nullptr) {
        return false;
    }
    std::memcpy(chunk->bytes.get() + filled_, block.data(), block.size());
    filled_ += block.size();
    chunk->published.store(filled_, std::memory_order_release);
    return true;
}

CaptureLog::Chunk* CaptureLog::chunk_for(std::size_t bytes, Importance importance) {
    if (last_ != nullptr && last_->capacity - filled_ >= bytes) {
        return last_;
    }
    const std::size_t capacity = std::max(bytes, kChunkBytes);
    if (importance == Importance::Essential) {
        budget_.take(capacity);
    } else if (!budget_.try_take(capacity)) {
        return nullptr;
    }
    auto chunk = std::make_unique<Chunk>(capacity);
    last_ = chunk.get();
    filled_ = 0;
    const std::scoped_lock lock(mutex_);
    chunks_.push_back(std::move(chunk));
    return last_;
}

std::span<const std::byte> CaptureLog::pending() {
    const std::scoped_lock lock(mutex_);
    while (!chunks_.empty()) {
        const Chunk& first = *chunks_.front();
        // Read after the lock: a chunk that has a successor was published to its end before that
        // came.
        const std::size_t published = first.published.load(std::memory_order_acquire);
        if (consumed_ < published) {
            return {first.bytes.get() + consumed_, published - consumed_};
        }
        if (chunks_.size() == 1) {
            return {};
        }
        budget_.give_back(first.capacity);
        chunks_.pop_front();
        consumed_ = 0;
    }
    return {};
}

std::uint64_t CaptureLog::pending_bytes() {
    const std::scoped_lock lock(mutex_);
    std::uint64_t bytes = 0;
    for (const auto& chunk : chunks_) {
        bytes += chunk->published.load(std::memory_order_acquire);
    }
    return bytes - consumed_;
}

void CaptureLog::consume(std::size_t bytes) {
    consumed_ += bytes;
}

bool CaptureLog::is_drained() {
    // In this order: what is published before finish() is seen by the pending() that follows.
    return finished_.load(std::memory_order_acquire) && pending().empty();
}

std::uint64_t CaptureLog::take_packets() noexcept {
    const std::uint64_t now = packets_.load(std::memory_order_relaxed);
    const std::uint64_t taken = now - packets_taken_;
    packets_taken_ = now;
    return taken;
}

}  // namespace siprec::server
