#pragma once

#include <siprec/metadata.hpp>

namespace siprec::metadata {

/// What becomes of values that a newer document does not repeat.
enum class MergeMode {
    Update,   ///< the rules of a partial document: a list that is there replaces the old one
    Collect,  ///< nothing is forgotten: newer values first, older ones behind them
};

/// Merges `update` into `base` (reference: 7865-pu-10 to pu-16; a project decision, since the RFC
/// does not say). Linear in both.
void merge(Document& base, const Document& update, MergeMode mode);

/// `update` into `base`: an associate-time on a closed association opens a new interval
/// (7865-pu-14).
void merge_interval(Interval& base, const Interval& update);

}  // namespace siprec::metadata
