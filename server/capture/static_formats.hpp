#pragma once

#include <siprec/audio.hpp>

#include <vector>

namespace siprec::server {

/// The formats of a stream and, where the answer left their numbers free, RFC 3551's static types
/// of G.711: clients send them although they were not offered, and what comes is kept.
[[nodiscard]] std::vector<PayloadFormat> with_static_formats(std::vector<PayloadFormat> formats);

}  // namespace siprec::server
