#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace siprec::body {

/// Undoes a Content-Transfer-Encoding (RFC 2045 6). RFC 5621 3.2 wants none in SIP; some send one.
/// @param encoding  lower case
/// @return nothing for an encoding that changes no byte (7bit, 8bit, binary), an unknown one, and
/// for
///         content that is not encoded as announced: then the bytes stay as they came
[[nodiscard]] std::optional<std::string> undo_transfer_encoding(std::string_view encoding,
                                                                std::string_view content);

}  // namespace siprec::body
