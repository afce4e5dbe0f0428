#pragma once

// What a recording has beside its sound: video and real-time text.

#include "archive/record_builder.hpp"
#include "store/file_store.hpp"

#include <siprec/log.hpp>

#include <string>
#include <vector>

namespace siprec::server {

/// Renders what the captures hold of both, puts it into the store and among the record's artefacts.
/// What cannot be rendered, now or ever, is noted in the evidence; the captures have it.
/// @param built  its WAV, where there is one, is stored
/// @return ResourceExhausted, Io: the disk refuses, try again
[[nodiscard]] Result<void> store_side_artefacts(const FileStore& store,
                                                const std::vector<std::string>& captures,
                                                BuiltRecord& built,
                                                Logger& logger);

}  // namespace siprec::server
