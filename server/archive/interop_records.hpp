#pragma once

#include "archive/capture_digest.hpp"
#include "catalog/records.hpp"

#include <siprec/metadata.hpp>
#include <siprec/result.hpp>

#include <string_view>

namespace siprec::server {

/// Fills fields, profiles and direction by the interop profiles that fit the call, and whose voice
/// each audio track carries.
/// @param record    its documents, tracks, participants and associations are there
/// @param document  all that is known of the call
void fill_interop(RecordingRecord& record,
                  const metadata::Document& document,
                  const CaptureDigest& digest);

/// `metadata::parse`, and times without a zone taken for the zone that the client's profile says.
[[nodiscard]] Result<metadata::ParsedDocument> read_document(const DocumentDigest& document,
                                                             std::string_view charset,
                                                             const CaptureDigest& digest,
                                                             const metadata::ParseLimits& limits);

}  // namespace siprec::server
