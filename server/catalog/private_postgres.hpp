#pragma once

// The embedded default: a PostgreSQL of the server's own in its data directory, reached through a
// Unix socket that only its user (and root) can get at, started and stopped with the server.

#include "ops/supervisor.hpp"

#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace siprec::server {

struct PrivatePostgresOptions {
    std::string data_directory;  // the server's, absolute; the cluster is its folder "postgres"
    bool durable = true;         // false: no fsync, for tests
};

/// Its connection string is known at once; the database behind it comes up in the background, and
/// comes back when it dies. *Thread-safe.*
class PrivatePostgres {
  public:
    /// @param logger  outlives it
    PrivatePostgres(PrivatePostgresOptions options, Logger& logger);
    PrivatePostgres(const PrivatePostgres&) = delete;
    PrivatePostgres& operator=(const PrivatePostgres&) = delete;
    ~PrivatePostgres();

    /// Of the database "siprec".
    [[nodiscard]] std::string url() const;

    /// @return Unavailable with the last cause when it does not answer within `timeout`
    [[nodiscard]] Result<void> wait_until_ready(std::chrono::milliseconds timeout);

    [[nodiscard]] std::uint64_t restarts() const noexcept;

    /// The postmaster; 0 while none runs.
    [[nodiscard]] pid_t pid() const noexcept;

    /// Fast shutdown; returns when it is done. Further calls do nothing.
    void stop();

  private:
    Result<ChildCommand> prepare();
    Result<void> prepare_folders(const std::optional<UserIds>& user);
    Result<void> open_data_directory(const std::optional<UserIds>& user);
    Result<void> initialise(const std::string& programs, const std::optional<UserIds>& user);
    Result<void> end_leftover();
    void watch();
    Result<void> create_database();
    [[nodiscard]] std::string url_of(const std::string& database) const;
    [[nodiscard]] std::string last_output() const;

    PrivatePostgresOptions options_;
    Logger& logger_;
    std::string cluster_;  // PGDATA
    std::string socket_folder_;
    std::string output_file_;  // what initdb and the postmaster print before their log opens
    bool made_socket_folder_;  // outside the data directory: ours to remove
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ready_ = false;                      // with mutex_
    std::string last_error_;                  // with mutex_
    std::unique_ptr<Supervisor> supervisor_;  // last: its thread uses all the others
};

}  // namespace siprec::server
