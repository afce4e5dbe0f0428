#include "sip/source_limiter.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace siprec::sip {

namespace {

/// One host has as many IPv6 addresses as it likes within its /64 (RFC 7707 4.1).
IpAddress key_of(const IpAddress& source) {
    if (!source.is_v6()) {
        return source;
    }
    std::array<std::uint8_t, 16> network{};
    std::copy_n(source.bytes().begin(), 8, network.begin());
    return IpAddress::v6(network);
}

}  // namespace

void SourceLimiter::fill(Bucket& bucket, SteadyTime now) const {
    const std::chrono::duration<double> passed = now - bucket.filled;
    bucket.tokens = std::min(burst_, bucket.tokens + passed.count() * rate_);
    bucket.filled = now;
}

SourceLimiter::Bucket& SourceLimiter::find_or_make(const IpAddress& key, SteadyTime now) {
    if (const auto found = buckets_.find(key); found != buckets_.end()) {
        return found->second;
    }
    if (buckets_.size() >= max_sources_ && now - swept_ >= std::chrono::seconds(1)) {
        swept_ = now;
        // A full bucket says nothing that a new one would not.
        std::erase_if(buckets_, [&](const auto& entry) {
            Bucket bucket = entry.second;
            fill(bucket, now);
            return bucket.tokens >= burst_;
        });
    }
    if (buckets_.size() >= max_sources_) {
        return others_;
    }
    return buckets_.emplace(key, Bucket{.tokens = burst_, .filled = now}).first->second;
}

bool SourceLimiter::may_pass(const IpAddress& source, SteadyTime now) {
    const auto found = buckets_.find(key_of(source));
    if (rate_ <= 0 || found == buckets_.end()) {
        return true;
    }
    fill(found->second, now);
    return found->second.tokens >= 1;
}

void SourceLimiter::charge(const IpAddress& source, SteadyTime now) {
    if (rate_ > 0) {
        Bucket& bucket = find_or_make(key_of(source), now);
        fill(bucket, now);
        bucket.tokens = std::max(0.0, bucket.tokens - 1);
    }
}

}  // namespace siprec::sip
