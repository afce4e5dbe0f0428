#pragma once

// A PostgreSQL of the test's own, in a temporary folder that goes with it.

#include "catalog/private_postgres.hpp"

#include <siprec/log.hpp>

#include <memory>
#include <string>

namespace siprec::test {

class TestPostgres {
  public:
    /// Starts it and waits until it answers; throws std::runtime_error when it does not.
    explicit TestPostgres(Logger& logger = null_logger());
    TestPostgres(const TestPostgres&) = delete;
    TestPostgres& operator=(const TestPostgres&) = delete;
    ~TestPostgres();

    [[nodiscard]] std::string url() const;

    /// The server's data directory; the cluster is in its folder "postgres".
    [[nodiscard]] const std::string& folder() const { return folder_; }

    [[nodiscard]] server::PrivatePostgres& postgres() { return *postgres_; }

    void stop();
    void start();

  private:
    Logger& logger_;
    std::string folder_;
    std::unique_ptr<server::PrivatePostgres> postgres_;
};

}  // namespace siprec::test
