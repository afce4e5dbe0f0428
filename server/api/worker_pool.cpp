#include "api/worker_pool.hpp"

#include <utility>

namespace siprec::server {

WorkerPool::WorkerPool(std::size_t threads, OpenCatalog open_catalog, std::size_t most_waiting)
    : open_catalog_(std::move(open_catalog)), most_waiting_(most_waiting) {
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    }
}

WorkerPool::~WorkerPool() {
    for (std::jthread& thread : threads_) {
        thread.request_stop();
    }
    threads_.clear();
}

bool WorkerPool::post(Job job) {
    {
        const std::scoped_lock lock(mutex_);
        if (jobs_.size() >= most_waiting_) {
            return false;
        }
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

void WorkerPool::run(const std::stop_token& stop) {
    const std::unique_ptr<Catalog> catalog = open_catalog_ ? open_catalog_() : nullptr;
    while (true) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            if (!wake_.wait(lock, stop, [this] { return !jobs_.empty(); }) ||
                stop.stop_requested()) {
                return;
            }
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        job(catalog.get());
    }
}

}  // namespace siprec::server
