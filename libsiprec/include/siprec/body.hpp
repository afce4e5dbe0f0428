#pragma once

#include <siprec/export.hpp>
#include <siprec/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec {

/// One part of a SIP message body; owns its bytes.
struct SIPREC_EXPORT BodyPart {
    std::string
        content_type;  ///< type/subtype, lower case, without parameters; guessed when absent
    std::string content_type_full;    ///< as written, parameters included
    std::string charset;              ///< charset parameter, lower case; may be empty
    std::string content_disposition;  ///< disposition type, lower case; may be empty
    bool handling_optional = false;   ///< `handling=optional` (RFC 3204, RFC 5621 8.2)
    std::string content;              ///< the part's bytes, transfer encoding undone

    [[nodiscard]] bool is_sdp() const noexcept;  ///< application/sdp

    /// application/rs-metadata, with or without `+xml`; a type that cannot be read at all in a part
    /// whose disposition is `recording-session`; text/xml and application/xml (with that
    /// disposition text/plain and application/octet-stream too) that show a `recording` root.
    [[nodiscard]] bool is_metadata() const noexcept;
};

/// Takes a SIP body apart (RFC 5621, RFC 2046 5.1), leniently: quoted or blank-padded boundary,
/// bare LF, preamble, blanks behind a delimiter, no closing delimiter, nested multiparts (flattened
/// in order, depth at most 4; what nests deeper or has no boundary stays one part), base64 and
/// quoted-printable parts decoded. The bytes of a part are never rewritten otherwise; the line end
/// before a delimiter belongs to the delimiter. An empty body has no parts.
/// @param content_type  the message's Content-Type value; empty: guessed from the first bytes, for
/// a
///                      part without one too (`v=0` SDP, `<` metadata, `--` a multipart)
/// @param content_disposition  the message's Content-Disposition value, for a body that is one part
/// A multipart whose boundary is missing, or is not the one that was announced, is taken apart by
/// the one that its first line shows.
/// @return Malformed when a multipart has no part by either; LimitExceeded for more than 64 parts
[[nodiscard]] SIPREC_EXPORT Result<std::vector<BodyPart>> parse_body(
    std::string_view content_type, std::string_view content_disposition, std::string_view body);

struct MultipartBody {
    std::string content_type;  ///< "multipart/mixed;boundary=..."
    std::string body;
};

/// Writes a multipart/mixed body; picks a boundary that occurs in no part. Type (full form where
/// given), disposition and handling go into each part's header.
[[nodiscard]] SIPREC_EXPORT MultipartBody write_multipart(const std::vector<BodyPart>& parts);

}  // namespace siprec
