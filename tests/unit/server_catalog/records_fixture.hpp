#pragma once

#include "catalog/records.hpp"

#include <string>

namespace siprec::test {

/// Microseconds since 2026-11-01T00:00:00Z.
[[nodiscard]] WallTime november(std::chrono::microseconds offset);

/// A recording of two parties with something in every field.
[[nodiscard]] server::RecordingRecord full_recording();

/// A recording of one party.
[[nodiscard]] server::RecordingRecord small_recording(WallTime start,
                                                      const std::string& number,
                                                      const std::string& name);

}  // namespace siprec::test
