#pragma once

#include "metadata/findings.hpp"

#include <siprec/metadata.hpp>
#include <siprec/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace siprec::metadata {

/// A document as UTF-8, without byte-order mark and white space in front. Views either the caller's
/// bytes or `storage`.
struct DocumentText {
    DocumentText() = default;
    // A view of a short string does not survive that the string is moved.
    DocumentText(const DocumentText&) = delete;
    DocumentText& operator=(const DocumentText&) = delete;

    std::string storage;
    std::string_view utf8;
};

/// Brings the bytes to UTF-8 whatever they are in: the charset parameter beats the XML declaration
/// (RFC 7865 5.1). Bytes that are not what they claim are read as ISO 8859-1, which loses none.
[[nodiscard]] Result<void> decode_document(DocumentText& text,
                                           std::string_view bytes,
                                           std::string_view charset,
                                           Findings& findings);

/// Refuses what must not reach the parser: a DOCTYPE (Malformed), and an element with so many
/// attributes (LimitExceeded) that checking them for duplicates would not be linear in the input.
[[nodiscard]] Result<void> check_markup(std::string_view utf8, const ParseLimits& limits);

[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace siprec::metadata
