#pragma once

#include "archive/capture_digest.hpp"
#include "catalog/records.hpp"

namespace siprec::server {

/// What the builder and the renderer know beside the digest.
struct Evidence {
    bool capture_damaged = false;
    bool has_usable_metadata = false;
    bool metadata_malformed =
        false;  ///< a document was salvaged, or could not be read beside good ones
    std::vector<std::string> undecodable;  ///< encodings without decoder
    bool audio_cut = false;
    bool render_failed = false;
};

/// Sets verdict and reasons: `failed` when there is nothing to hear, `degraded` when something is
/// missing.
void judge(RecordingRecord& record, const CaptureDigest& digest, const Evidence& evidence);

}  // namespace siprec::server
