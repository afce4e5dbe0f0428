#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace siprec::server {

/// What we understand of a SIP message, a body, a metadata document or an SDP; what of it is kept
/// without being understood; and which rules it breaks. `understood` is false for what is none of
/// these.
[[nodiscard]] nlohmann::ordered_json explain(std::string_view bytes);

/// The same to be read by people, ends with a line feed.
[[nodiscard]] std::string explanation_text(const nlohmann::ordered_json& explanation);

}  // namespace siprec::server
