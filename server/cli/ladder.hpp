#pragma once

#include <siprec/pcapng.hpp>
#include <siprec/result.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace siprec::server {

/// The SIP messages of a capture in their order: when, from whom, what, the SDP's labels by
/// direction, and what the metadata changed.
/// @return the reader's errors
[[nodiscard]] Result<nlohmann::ordered_json> read_ladder(pcapng::Reader::Source source);

/// Drawn between two lines, client on the left; no line is wider than 100 columns.
[[nodiscard]] std::string ladder_text(const nlohmann::ordered_json& ladder);

}  // namespace siprec::server
