#pragma once

#include "metadata/findings.hpp"

#include <siprec/metadata.hpp>

namespace siprec::metadata {

/// Makes the model of a tree whose root is `recording` or `recording_metadata`. The dialects differ
/// in where they put the same things (reference: vendor quirks 3), so that one set of tolerant
/// rules reads them all, mixtures included.
[[nodiscard]] Document map_document(XmlElement root, Findings& findings);

/// Whether a namespace is one in which elements have the RFC's meaning: its own, those of the
/// drafts, or none.
[[nodiscard]] bool is_model_namespace(std::string_view name_space);

}  // namespace siprec::metadata
