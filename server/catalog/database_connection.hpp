#pragma once

// One libpqxx connection that is opened when it is needed and dropped when it fails. Exceptions of
// libpqxx end here.

#include <siprec/result.hpp>

#include <pqxx/pqxx>

#include <memory>
#include <string>
#include <type_traits>

namespace siprec::server {

/// One thread at a time.
class DatabaseConnection {
  public:
    /// @param url  a libpq connection string or postgresql:// URI; empty: every call is Unavailable
    explicit DatabaseConnection(std::string url);

    /// Calls `work(pqxx::connection&)`, connecting first where needed.
    template <typename Work>
    auto run(Work&& work) -> Result<std::invoke_result_t<Work, pqxx::connection&>> {
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<Work, pqxx::connection&>>) {
                work(open());
                return {};
            } else {
                return work(open());
            }
        } catch (...) {
            return failure();
        }
    }

  private:
    /// Throws as libpqxx does.
    pqxx::connection& open();

    /// The exception now being handled, as an Error; drops the connection unless it is still sound.
    Error failure();

    std::string url_;
    std::unique_ptr<pqxx::connection> connection_;
};

}  // namespace siprec::server
