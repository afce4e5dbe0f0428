#pragma once

#include "api/api_server.hpp"

#include <siprec/clock.hpp>

#include <mutex>
#include <string>

namespace siprec::server {

/// What the last call to the catalogue told of it, so that status and readiness never wait for a
/// database. *Thread-safe.*
class CatalogHealth {
  public:
    struct State {
        bool up = false;
        std::string reason = "not asked yet";  // empty when up
    };

    void update(State state) {
        const std::scoped_lock lock(mutex_);
        state_ = std::move(state);
    }

    [[nodiscard]] State state() const {
        const std::scoped_lock lock(mutex_);
        return state_;
    }

  private:
    mutable std::mutex mutex_;
    State state_;
};

/// What handlers work with. *Thread-safe.*
struct Services {
    ApiDependencies dependencies;
    Logger& logger;
    Endpoint listen{};  // as really opened
    WallTime started{};
    SteadyTime steady_started{};
    CatalogHealth catalog_health{};
};

}  // namespace siprec::server
