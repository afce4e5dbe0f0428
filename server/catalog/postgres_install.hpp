#pragma once

// What the machine offers for a private PostgreSQL: its programs, and a user to run it as.

#include "ops/child_process.hpp"

#include <siprec/result.hpp>

#include <optional>
#include <string>

namespace siprec::server {

/// The folder of initdb and postgres: the one of the version that made `data_directory`, where
/// there is one, since a data directory is bound to its version; else the newest below
/// /usr/lib/postgresql, else the one in PATH. @return NotFound
[[nodiscard]] Result<std::string> find_postgres_programs(const std::string& data_directory);

/// Whom to run as: PostgreSQL refuses to run as root. None when we are not root; else the owner of
/// the data directory, or the user postgres, or nobody. @return NotFound
[[nodiscard]] Result<std::optional<UserIds>> postgres_user(const std::string& data_directory);

/// Every folder above `path` can be entered by the user.
/// @return Io naming the folder that cannot
[[nodiscard]] Result<void> check_reachable(const std::string& path, const UserIds& user);

/// A folder that only its owner can enter, made when it is missing.
/// @return Io; Conflict when somebody else owns it
[[nodiscard]] Result<void> make_private_folder(const std::string& path,
                                               const std::optional<UserIds>& owner);

/// The process of a PostgreSQL that still runs on this data directory, from an earlier server.
[[nodiscard]] std::optional<pid_t> running_postmaster(const std::string& data_directory);

}  // namespace siprec::server
