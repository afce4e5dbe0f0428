#pragma once

#include <siprec/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec {

/// A SIP message as it is written, for whoever looks at one and does not take part: captures,
/// tools.
struct SIPREC_EXPORT SipText {
    std::string method;       ///< of a request; empty for a response
    std::string request_uri;  ///< of a request
    int status = 0;           ///< of a response; 0 for a request
    std::string phrase;       ///< of a response
    /// Name as written and value, white space around both removed, continuation lines joined (RFC
    /// 3261 7.3.1); all, in order.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;  ///< all that stands behind the empty line, whatever Content-Length says

    /// The first value of a header; case does not count.
    /// @param compact  its short form (RFC 3261 7.3.3), or empty
    [[nodiscard]] std::string_view header(std::string_view name,
                                          std::string_view compact = {}) const noexcept;

    /// All values of a header, in order.
    [[nodiscard]] std::vector<std::string_view> all_headers(std::string_view name,
                                                            std::string_view compact = {}) const;
};

/// Reads a message leniently: CRLF or LF, a cut-off header section, blanks around colons.
/// @return nothing when the first line is that of no SIP message. *Thread-safe.*
[[nodiscard]] SIPREC_EXPORT std::optional<SipText> read_sip_text(std::string_view bytes);

}  // namespace siprec
