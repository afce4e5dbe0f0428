#pragma once

#include "interop/profile.hpp"

#include <siprec/clock.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace siprec::server {

/// Which zone the times of a document mean that name none.
/// @param received  when the document came: an inferred zone is the one by which the latest such
/// time
///                  lies within five minutes of it
/// @return nothing when no time lacks a zone, or none fits
[[nodiscard]] std::optional<std::chrono::minutes> zone_of(std::string_view document,
                                                          const Quirks& quirks,
                                                          WallTime received);

/// The document with that zone behind each time that names none.
[[nodiscard]] std::string with_zone(std::string_view document, std::chrono::minutes zone);

/// "Z", "+01:00".
[[nodiscard]] std::string zone_text(std::chrono::minutes zone);

}  // namespace siprec::server
