#pragma once

#include "catalog/catalog.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace siprec::server {

/// Threads for work that waits, each with a catalogue connection of its own. *Thread-safe.*
class WorkerPool {
  public:
    /// Must not throw. @param catalog  the thread's own; null in a pool without a catalogue
    using Job = std::function<void(Catalog* catalog)>;
    using OpenCatalog = std::function<std::unique_ptr<Catalog>()>;

    /// @param open_catalog  empty: a pool without a catalogue
    WorkerPool(std::size_t threads, OpenCatalog open_catalog, std::size_t most_waiting);

    /// Jobs that have not begun are dropped; waits for those that have.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// @return false when too many jobs wait already
    [[nodiscard]] bool post(Job job);

  private:
    void run(const std::stop_token& stop);

    const OpenCatalog open_catalog_;
    const std::size_t most_waiting_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<Job> jobs_;
    std::vector<std::jthread> threads_;
};

}  // namespace siprec::server
