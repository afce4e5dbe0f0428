#pragma once

// Keeps scanners and floods off: a token bucket a source address, in bounded memory.

#include <siprec/clock.hpp>
#include <siprec/config.hpp>
#include <siprec/net.hpp>

#include <cstddef>
#include <map>

namespace siprec::sip {

/// *One thread.* Only what comes to nothing is charged, so that a client with a thousand calls a
/// second is never limited, and one that tries passwords soon is.
class SourceLimiter {
  public:
    explicit SourceLimiter(const SignallingLimits& limits, std::size_t max_sources = 65'536)
        : rate_(limits.waste_per_second), burst_(limits.waste_burst), max_sources_(max_sources) {}

    /// True while the source has a token left.
    [[nodiscard]] bool may_pass(const IpAddress& source, SteadyTime now);

    /// Takes a token.
    void charge(const IpAddress& source, SteadyTime now);

    [[nodiscard]] std::size_t size() const noexcept { return buckets_.size(); }

  private:
    struct Bucket {
        double tokens = 0;
        SteadyTime filled;
    };

    void fill(Bucket& bucket, SteadyTime now) const;
    Bucket& find_or_make(const IpAddress& key, SteadyTime now);

    double rate_;
    double burst_;
    std::size_t max_sources_;
    std::map<IpAddress, Bucket> buckets_;
    Bucket others_;  // shared by the sources for which there is no room
    SteadyTime swept_;
};

}  // namespace siprec::sip
