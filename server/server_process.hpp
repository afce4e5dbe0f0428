#pragma once

// The server as a whole: which parts a role has, in which order they start and stop, and what
// signals do to them.

#include "api/api_server.hpp"
#include "catalog/catalog_watch.hpp"
#include "catalog/private_postgres.hpp"
#include "command_line.hpp"
#include "interop/profile_set.hpp"
#include "ops/logger.hpp"
#include "ops/signals.hpp"
#include "ops/supervisor.hpp"
#include "recorder/live_wing.hpp"

#include <siprec/result.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

namespace siprec::server {

/// Main thread only.
class ServerProcess {
  public:
    /// @param logger  outlives it
    ServerProcess(CommandLine options, Config config, ServerLogger& logger);
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ~ServerProcess();

    /// @return why recording (role live, all) or archiving cannot begin. A database that is away is
    /// no
    ///         such reason.
    [[nodiscard]] Result<void> start();

    /// "siprec-server ready sip=... http=...".
    [[nodiscard]] std::string ready_line() const;

    /// Serves until a signal ends it.
    void run(const SignalQueue& signals);

    /// In order: no more questions, no more sessions, no more archiving, no more database.
    void stop();

  private:
    void start_archive();
    [[nodiscard]] Result<ChildCommand> worker_command() const;
    [[nodiscard]] Result<void> start_api();
    [[nodiscard]] std::string metrics() const;
    [[nodiscard]] bool is_drained(std::chrono::steady_clock::time_point deadline) const;
    void reload();

    CommandLine options_;
    Config config_;
    std::string database_url_;
    ServerLogger& logger_;
    std::unique_ptr<LiveWing> live_;
    std::unique_ptr<PrivatePostgres> postgres_;
    std::unique_ptr<CatalogWatch> catalog_watch_;
    std::unique_ptr<Supervisor> worker_;      // role all
    std::unique_ptr<ProfileStore> profiles_;  // role archive
    std::jthread archive_;                    // role archive
    std::unique_ptr<ApiServer> api_;
};

}  // namespace siprec::server
