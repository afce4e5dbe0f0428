#pragma once

// The catalogue's records and the live wing's numbers as JSON; what openapi.yaml describes.

#include "catalog/records.hpp"

#include <siprec/session.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace siprec::server {

/// Keeps the order in which keys were put, for readers.
using Json = nlohmann::ordered_json;

/// Never throws over what a client sent: bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string to_text(const Json& value);

/// As it stands in a list.
[[nodiscard]] Json summary_of(const RecordingRecord& recording);

/// All that is known but the documents' bodies.
[[nodiscard]] Json details_of(const RecordingRecord& recording);

[[nodiscard]] Json documents_of(const RecordingRecord& recording);

[[nodiscard]] Json session_of(const SessionStatus& session, WallTime now);

}  // namespace siprec::server
