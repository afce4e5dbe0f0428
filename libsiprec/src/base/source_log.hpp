#pragma once

// A few log lines a source and period: a flood of junk must not become a flood of log.

#include <siprec/clock.hpp>
#include <siprec/net.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace siprec::base {

/// *One thread.*
class SourceLog {
  public:
    explicit SourceLog(std::chrono::seconds period = std::chrono::seconds(60),
                       std::size_t max_sources = 4096)
        : period_(period), max_sources_(max_sources) {}

    /// @return nothing when this source had its lines; else how many were swallowed since the last
    std::optional<std::uint64_t> may_log(const IpAddress& source, SteadyTime now) {
        if (const auto known = sources_.find(source); known != sources_.end()) {
            Entry& entry = known->second;
            if (now - entry.since >= period_) {
                const std::uint64_t swallowed = entry.swallowed;
                entry = {.since = now, .lines = 1, .swallowed = 0};
                return swallowed;
            }
            if (entry.lines < kLines) {
                ++entry.lines;
                return 0;
            }
            ++entry.swallowed;
            return std::nullopt;
        }
        if (sources_.size() >= max_sources_) {
            std::erase_if(sources_,
                          [&](const auto& item) { return now - item.second.since >= period_; });
        }
        // More sources than we care to tell apart: the counters tell of them.
        if (sources_.size() >= max_sources_) {
            return std::nullopt;
        }
        sources_.emplace(source, Entry{.since = now, .lines = 1, .swallowed = 0});
        return 0;
    }

  private:
    static constexpr std::uint32_t kLines = 10;

    struct Entry {
        SteadyTime since;
        std::uint32_t lines = 0;
        std::uint64_t swallowed = 0;
    };

    std::chrono::seconds period_;
    std::size_t max_sources_;
    std::map<IpAddress, Entry> sources_;
};

}  // namespace siprec::base
