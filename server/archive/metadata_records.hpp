#pragma once

#include "archive/capture_digest.hpp"
#include "catalog/records.hpp"
#include "interop/profile_set.hpp"

namespace siprec::server {

/// What the metadata of a session came to.
struct MetadataOutcome {
    bool has_usable = false;
    bool is_malformed = false;  ///< a document was salvaged or could not be read
};

/// Re-reads the documents of the capture and fills documents, groups, sessions, participants,
/// associations, direction and the tracks' stream ids. A track that nobody claims gets a
/// participant of its own; without any metadata the parties are those of the INVITE.
/// @param record  its tracks are there
MetadataOutcome fill_metadata(RecordingRecord& record,
                              const CaptureDigest& digest,
                              bool finished,
                              const ProfileSet& profiles);

}  // namespace siprec::server
