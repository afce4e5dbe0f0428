#pragma once

#include "config/config.hpp"

#include <siprec/log.hpp>

#include <atomic>
#include <cstdint>
#include <string>

namespace siprec::server {

/// How much room the data directory has, and what follows from it. `check` by one thread, the rest
/// by any.
class DiskWatch {
  public:
    DiskWatch(std::string directory, const DiskConfig& limits, Logger& logger);

    /// Asks the file system; logs when a threshold is crossed.
    void check();

    [[nodiscard]] std::uint64_t free_bytes() const noexcept {
        return free_bytes_.load(std::memory_order_relaxed);
    }

    [[nodiscard]] bool is_alarm() const noexcept { return alarm_.load(std::memory_order_relaxed); }

    [[nodiscard]] bool is_full() const noexcept { return full_.load(std::memory_order_relaxed); }

  private:
    void cross(std::atomic<bool>& flag,
               bool value,
               std::string_view entered,
               std::string_view left);

    const std::string directory_;
    const DiskConfig limits_;
    Logger& logger_;
    std::atomic<std::uint64_t> free_bytes_{0};
    std::atomic<bool> alarm_{false};
    std::atomic<bool> full_{false};
};

}  // namespace siprec::server
