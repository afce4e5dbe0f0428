#pragma once

// Which sound a video track is put in step with.

#include "archive/record_builder.hpp"

#include <siprec/uuid.hpp>

#include <cstddef>
#include <vector>

namespace siprec::server {

/// The streams that may carry the sound of those who are seen: never empty where there is sound.
/// One sender has one CNAME (RFC 3550 6.5.1), but a client that sends for everybody has one too;
/// then, and where RTCP and SDP tell none, the metadata says who sends what; where that is silent,
/// it may be any.
/// @param video  number of the track
[[nodiscard]] std::vector<Uuid> sound_beside(const BuiltRecord& built, std::size_t video);

}  // namespace siprec::server
