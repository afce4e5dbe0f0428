#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace siprec::server {

/// Loss and duplicates of one media stream counted from its packets (RFC 3550 A.1, A.3), for
/// captures whose receiver was killed before it could say.
class SequenceCounter {
  public:
    void add(std::uint32_t ssrc, std::uint16_t sequence);

    /// Expected minus received, all sources together.
    [[nodiscard]] std::int64_t lost() const noexcept;

    [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }

    [[nodiscard]] std::uint64_t ssrc_changes() const noexcept {
        return sources_.empty() ? 0 : sources_.size() - 1;
    }

    /// Whose packets came; the first few where there are many.
    [[nodiscard]] std::vector<std::uint32_t> ssrcs() const;

  private:
    struct Source {
        std::int64_t first = 0;  // extended sequence numbers
        std::int64_t highest = 0;
        std::uint64_t recent = 1;  // bit n: highest - n was seen
        std::int64_t received = 1;
    };

    void advance(Source& source, std::int64_t step);

    std::map<std::uint32_t, Source> sources_;
    std::uint64_t duplicates_ = 0;
};

}  // namespace siprec::server
