#pragma once

#include "metadata/findings.hpp"

#include <siprec/metadata.hpp>

namespace siprec::metadata {

/// RFC 7865 6.10: an id found on different kinds of element is an error, and first sight fixes what
/// it names. Leaves out of `document` the elements and references that use an id of `known` for
/// another kind; the rest is applied.
[[nodiscard]] Document without_reused_ids(const Document& document,
                                          const Document& known,
                                          Findings& findings);

/// References that resolve to nothing known; they are kept, for what they name may come later
/// (7865-pu-15).
void note_dangling_references(const Document& document, const Document& known, Findings& findings);

/// When nothing at all says who sends which stream, pairs participants with streams: by label,
/// which clients count up, else by order; one stream alone has all participants in it.
void guess_stream_associations(Document& document, Findings& findings);

}  // namespace siprec::metadata
