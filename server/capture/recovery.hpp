#pragma once

// What a killed server left in `live/` becomes finished captures.

#include "capture/layout.hpp"

#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <cstddef>

namespace siprec::server {

struct RecoveryCount {
    std::size_t finished = 0;   ///< handed to the archive
    std::size_t removed = 0;    ///< held nothing
    std::size_t set_aside = 0;  ///< could not be read
    std::size_t left = 0;       ///< the disk refused; for the next start
};

/// Cuts each leftover to its last whole block, ends it with cause "interrupted" where it has no
/// end and no part follows it, and hands it over. What lies behind damage is copied to `failed/`
/// before it is cut off. Each step can be repeated. Nothing else may write to `live/` meanwhile.
/// @return Io when the folder cannot be listed
[[nodiscard]] Result<RecoveryCount> recover_captures(const DataLayout& layout, Logger& logger);

}  // namespace siprec::server
