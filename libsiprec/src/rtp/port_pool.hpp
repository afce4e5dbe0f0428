#pragma once

#include "base/mutex.hpp"

#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace siprec::rtp {

class PortPool;

/// The right to one even port and the odd one above it; given back on destruction. Movable.
class PortLease {
  public:
    PortLease() = default;

    PortLease(std::shared_ptr<PortPool> pool, std::uint16_t port) noexcept
        : pool_(std::move(pool)), port_(port) {}

    PortLease(PortLease&& other) noexcept
        : pool_(std::move(other.pool_)), port_(std::exchange(other.port_, std::uint16_t{0})) {}

    PortLease& operator=(PortLease&& other) noexcept;
    PortLease(const PortLease&) = delete;
    PortLease& operator=(const PortLease&) = delete;
    ~PortLease();

    /// The even one.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  private:
    // Shared: a lease ends on a media thread, possibly after the engine that made the pool.
    std::shared_ptr<PortPool> pool_;
    std::uint16_t port_ = 0;
};

/// Hands out RTP/RTCP port pairs, the longest unused first, so that stale packets of an earlier
/// call find no new call on their port. *Thread-safe.*
class PortPool : public std::enable_shared_from_this<PortPool> {
  public:
    /// @param low, high  even, not 0, and odd; all pairs in between are handed out
    PortPool(std::uint16_t low, std::uint16_t high);

    /// @return ResourceExhausted when every pair is in use
    [[nodiscard]] Result<PortLease> acquire();

    [[nodiscard]] std::size_t in_use() const;

    [[nodiscard]] std::size_t total() const noexcept { return total_; }

  private:
    friend class PortLease;
    void release(std::uint16_t port) noexcept;

    const std::uint16_t low_;
    const std::uint16_t high_;
    const std::size_t total_;
    mutable base::Mutex mutex_;
    // A ring of the free ports: taken at the front, given back at the end.
    std::vector<std::uint16_t> free_ SIPREC_GUARDED_BY(mutex_);
    std::size_t first_ SIPREC_GUARDED_BY(mutex_) = 0;
    std::size_t count_ SIPREC_GUARDED_BY(mutex_) = 0;
};

}  // namespace siprec::rtp
