#pragma once

#include "catalog/catalog.hpp"

#include <siprec/result.hpp>

#include <string_view>

namespace siprec::server {

/// Reads the query part of `GET /api/v1/recordings`. Strict: an unknown, repeated or unreadable
/// parameter is an error that names it, so that a misspelt filter never returns everything.
///
/// A `+` stands for a blank as HTML forms send it, but in `from`, `until` and `number`, where
/// blanks mean nothing and a plus sign is often left unescaped.
/// @return InvalidArgument
[[nodiscard]] Result<RecordingQuery> parse_recording_query(std::string_view query);

}  // namespace siprec::server
