#pragma once

// `[[sinks]]`: what gets the media of sessions beside the capture.

#include "config/config.hpp"
#include "config/toml_table.hpp"

#include <vector>

namespace siprec::server {

/// Reads the list; what it holds replaces `sinks`.
void read_sinks(TomlTable& root, std::vector<SinkConfig>& sinks);

/// What must hold in them, and between them.
[[nodiscard]] Result<void> check_sinks(const std::vector<SinkConfig>& sinks);

}  // namespace siprec::server
