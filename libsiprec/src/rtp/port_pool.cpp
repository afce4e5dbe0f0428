#include "rtp/port_pool.hpp"

#include <fmt/format.h>

namespace siprec::rtp {

PortLease& PortLease::operator=(PortLease&& other) noexcept {
    if (this != &other) {
        if (pool_) {
            pool_->release(port_);
        }
        pool_ = std::move(other.pool_);
        port_ = std::exchange(other.port_, std::uint16_t{0});
    }
    return *this;
}

PortLease::~PortLease() {
    if (pool_) {
        pool_->release(port_);
    }
}

PortPool::PortPool(std::uint16_t low, std::uint16_t high)
    : low_(low), high_(high), total_(high > low ? (std::size_t{high} - low + 1) / 2 : 0) {
    free_.reserve(total_);
    for (std::size_t i = 0; i < total_; ++i) {
        free_.push_back(static_cast<std::uint16_t>(low + 2 * i));
    }
    count_ = total_;
}

Result<PortLease> PortPool::acquire() {
    std::uint16_t port = 0;
    {
        const base::MutexLock lock(mutex_);
        if (count_ > 0) {
            port = free_[first_];
            first_ = (first_ + 1) % total_;
            --count_;
        }
    }
    if (port == 0) {
        return Error(
            ErrorCode::ResourceExhausted,
            fmt::format("all {} RTP/RTCP port pairs from {} to {} are in use; media.port_low "
                        "and media.port_high set the range",
                        total_,
                        low_,
                        high_));
    }
    return PortLease(shared_from_this(), port);
}

std::size_t PortPool::in_use() const {
    const base::MutexLock lock(mutex_);
    return total_ - count_;
}

void PortPool::release(std::uint16_t port) noexcept {
    const base::MutexLock lock(mutex_);
    free_[(first_ + count_) % total_] = port;
    ++count_;
}

}  // namespace siprec::rtp
