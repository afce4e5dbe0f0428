#include "catalog/catalog_watch.hpp"

#include <chrono>
#include <utility>

namespace siprec::server {

namespace {

// A private database needs some seconds to come up; that is no alarm.
constexpr int kQuietAttempts = 20;
constexpr std::chrono::milliseconds kRetry{500};
constexpr std::chrono::seconds kInterval{5};

}  // namespace

CatalogWatch::CatalogWatch(std::unique_ptr<Catalog> catalog, Logger& logger)
    : catalog_(std::move(catalog)),
      logger_(logger),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void CatalogWatch::run(const std::stop_token& stop) {
    bool migrated = false;
    int attempts = 0;
    while (!stop.stop_requested()) {
        const auto answer = migrated ? catalog_->ping() : catalog_->migrate();
        migrated = migrated || answer.has_value();
        if (answer || migrated || ++attempts >= kQuietAttempts || !answer.error().is_retryable()) {
            note(answer);
        }
        std::unique_lock lock(mutex_);
        pause_.wait_for(lock, stop, migrated ? std::chrono::milliseconds(kInterval) : kRetry, [] {
            return false;
        });
    }
}

void CatalogWatch::note(const Result<void>& answer) {
    if (!answer) {
        if (!alarmed_) {
            logger_.log(LogLevel::Error,
                        "catalog",
                        "the catalogue does not answer, recording goes on",
                        {{"error", answer.error().message()}});
        }
        alarmed_ = true;
    } else if (!up_) {
        logger_.log(LogLevel::Info, "catalog", "the catalogue answers");
        alarmed_ = false;
    }
    up_ = answer.has_value();
}

}  // namespace siprec::server
