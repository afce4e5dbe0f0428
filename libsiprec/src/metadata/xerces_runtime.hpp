#pragma once

#include <siprec/result.hpp>

namespace siprec::metadata {

/// Sets up Xerces-C once for the process. It is never terminated: parsers live as long as their
/// threads, some of which outlive any object that could own the set-up. Xerces counts its own
/// initialisations, so that a host program which uses Xerces too may start and end its part freely.
/// *Thread-safe.*
[[nodiscard]] Result<void> require_xerces();

}  // namespace siprec::metadata
