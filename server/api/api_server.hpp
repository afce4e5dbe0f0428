#pragma once

// The HTTP side of the server: /api/v1, /healthz, /readyz, /metrics and the page at /.

#include "catalog/catalog.hpp"
#include "recorder/live_wing.hpp"

#include <siprec/log.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace siprec::server {

/// Bounds on what clients may take.
struct ApiLimits {
    std::size_t connections = 256;         // beyond: 503
    std::uint32_t request_bytes = 65'536;  // head, and likewise body; larger: 431 and 413
    std::chrono::milliseconds timeout{
        30'000};  // to send a request, to work on it, to take each 64 KiB
};

/// What the API shows; everything here outlives the server.
struct ApiDependencies {
    LiveWing* live = nullptr;  // none in the archive role
    /// Each worker thread opens its own connection with it. Never null, does not connect yet.
    std::function<std::unique_ptr<Catalog>()> open_catalog;
    std::string store_root;                // artefact paths are relative to it
    std::function<std::string()> metrics;  // Prometheus text; called from the API's threads
    ApiLimits limits;
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

    /// Finishes running requests (at most 2 s, or as long as a call to the catalogue blocks) and
    /// joins the threads. Also done by the destructor.
    virtual void stop() = 0;
};

}  // namespace siprec::server
