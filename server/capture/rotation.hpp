#pragma once

// When a capture goes on in another file. Only a session that had a CS and goes on without it does:
// the capture of an ordinary call is one file.

#include "capture/session_tracker.hpp"

#include <siprec/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace siprec::server {

struct RotationLimits {
    std::uint64_t bytes = std::uint64_t{256} * 1024 * 1024;
    std::chrono::seconds age{300};        ///< while a recording that is over waits
    std::chrono::seconds idle_age{3600};  ///< while nothing is on record
    std::chrono::seconds away{60};        ///< how long a CS that left may come back into its stay
    std::size_t stays = 32;               ///< that are over in one part
};

/// What is in the part that is being written.
struct PartProgress {
    WallTime began;
    WallTime now;
    std::uint64_t bytes = 0;
};

/// After a document: nothing that went on before it goes on behind it, so that what ended is whole
/// in this part and what it opened is whole in the next.
[[nodiscard]] bool is_clean_cut(const SessionTracker& tracker);

/// At any time: this part has grown, and a recording that is over waits in it, or nothing at all is
/// on record.
[[nodiscard]] bool is_overgrown(const SessionTracker& tracker,
                                const PartProgress& part,
                                const RotationLimits& limits);

}  // namespace siprec::server
