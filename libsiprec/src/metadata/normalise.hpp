#pragma once

#include "metadata/findings.hpp"

#include <siprec/metadata.hpp>

namespace siprec::metadata {

/// Brings a tree of any client into the shape that the mapper reads: the root is `recording` or
/// `recording_metadata` even where something was wrapped around it; elements of the model have the
/// RFC's spelling; what belongs to the root stands there even where it was nested deeper.
void normalise_tree(XmlElement& root, Findings& findings);

/// Equal but for case, hyphens and underscores: how clients vary the RFC's names.
[[nodiscard]] bool is_same_name(std::string_view a, std::string_view b);

}  // namespace siprec::metadata
