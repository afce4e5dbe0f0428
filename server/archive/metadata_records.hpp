#pragma once

#include "archive/capture_digest.hpp"
#include "catalog/records.hpp"

namespace siprec::server {

/// Fills documents, groups, sessions, participants, associations, direction, the tracks' stream ids
/// and owners. A track that nobody claims gets a participant of its own; without any metadata the
/// parties are those of the INVITE.
/// @param record  its tracks are there
/// @param stay    what is the recording's; null: everything
void fill_metadata(RecordingRecord& record,
                   const CaptureDigest& digest,
                   const SessionStay* stay,
                   bool finished);

}  // namespace siprec::server
