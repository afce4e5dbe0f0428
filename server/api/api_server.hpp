#pragma once

// The HTTP side of the server: /api/v1, /healthz, /readyz, /metrics and the page at /.

#include <functional>
#include <memory>
#include <string>

#include <siprec/log.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include "recorder/live_wing.hpp"

namespace siprec::server {

/// What the API shows; everything here outlives the server.
struct ApiDependencies {
    LiveWing* live = nullptr;   // none in the archive role
    std::string database_url;   // each worker thread opens its own catalogue connection
    std::string store_root;     // artefact paths are relative to it
    std::function<std::string()> metrics;  // Prometheus text; called from the API's threads
};

/// *Thread-safe.*
class ApiServer {
  public:
    /// @return Io naming the address when it cannot listen
    [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start(const Endpoint& listen,
                                                                  ApiDependencies dependencies,
                                                                  Logger& logger);
    ApiServer() = default;
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;
    virtual ~ApiServer() = default;

    /// The address with the port that was really opened.
    [[nodiscard]] virtual Endpoint endpoint() const = 0;

    /// Finishes running requests (at most 2 s) and joins the threads.
    virtual void stop() = 0;
};

}  // namespace siprec::server
