#pragma once

// The archive wing: capture files in, recordings in store and catalogue out. Runs in a process of
// its own; shares nothing with the live wing but capture files and the catalogue.

#include "config/config.hpp"
#include "interop/profile_set.hpp"

#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <stop_token>
#include <string>

namespace siprec::server {

/// Works until it is told to stop: finds finished captures, renders them, stores them, enters them
/// in the catalogue; enters running ones as `recording`. Each step can be repeated. A database or
/// store that does not answer is waited for, with back-off.
/// @param profiles      outlives the call; may be reloaded meanwhile
/// @param database_url  resolved: the private database's, when that is used
void run_archive(const Config& config,
                 const std::string& database_url,
                 const ProfileStore& profiles,
                 Logger& logger,
                 const std::stop_token& stop);

}  // namespace siprec::server
