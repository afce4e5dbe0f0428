#pragma once

// What /metrics says, in Prometheus' text format.

#include "recorder/live_wing.hpp"

#include <siprec/stats.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace siprec::server {

/// What the server knows about itself at one moment.
struct ServerStats {
    std::optional<RecorderStats> recorder;    // none in the archive role
    std::optional<CaptureStats> capture;      // likewise
    std::optional<WebSocketStats> websocket;  // likewise
    bool catalogue_up = false;
    std::uint64_t worker_restarts = 0;
    std::uint64_t database_restarts = 0;
    std::uint64_t archive_queue_files =
        0;  // captures that wait for the archive wing, running ones too
};

[[nodiscard]] std::string metrics_text(const ServerStats& stats);

}  // namespace siprec::server
