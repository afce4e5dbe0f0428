#pragma once

// The API's answers for people's eyes. What came off the wire is printed without control
// characters, so that a caller's name cannot steer the terminal.

#include <nlohmann/json.hpp>

#include <string>

namespace siprec::server {

[[nodiscard]] std::string status_text(const nlohmann::ordered_json& status);

[[nodiscard]] std::string list_heading();
[[nodiscard]] std::string list_line(const nlohmann::ordered_json& recording);

[[nodiscard]] std::string recording_text(const nlohmann::ordered_json& recording);

}  // namespace siprec::server
