#pragma once

// Brings the catalogue up to date as soon as it answers, then keeps an eye on it. It may be away
// for hours: nothing of the live wing waits for it.

#include "catalog/catalog.hpp"

#include <siprec/log.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

namespace siprec::server {

/// *Thread-safe.*
class CatalogWatch {
  public:
    /// @param logger  outlives the watch
    CatalogWatch(std::unique_ptr<Catalog> catalog, Logger& logger);

    /// It answered when it was last asked, and its schema is ours.
    [[nodiscard]] bool is_up() const noexcept { return up_; }

  private:
    void run(const std::stop_token& stop);
    void note(const Result<void>& answer);

    std::unique_ptr<Catalog> catalog_;
    Logger& logger_;
    std::atomic<bool> up_{false};
    bool alarmed_ = false;  // the watch's thread only
    std::mutex mutex_;
    std::condition_variable_any pause_;
    std::jthread thread_;  // last: it uses all the others
};

}  // namespace siprec::server
