#pragma once

#include "cli/api_client.hpp"

#include <siprec/result.hpp>

#include <cstdint>
#include <ostream>
#include <string>

namespace siprec::server {

struct ExportRequest {
    std::string id;
    std::string format;          // "wav", "mkv", "vtt", "pcapng", "metadata", "json"
    std::string output;          // "-": `out`
    std::uint32_t document = 1;  // for "metadata"
};

/// Fetches one file of a recording. It appears under its name only when it is complete and, where
/// the catalogue knows the hash, unchanged.
[[nodiscard]] Result<void> export_recording(const ApiClient& client,
                                            const ExportRequest& request,
                                            std::ostream& out);

}  // namespace siprec::server
