#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Header fields of MIME parts: names, values, parameters (RFC 2045 5.1).
namespace siprec::body {

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

[[nodiscard]] std::string to_lower(std::string_view text);

struct Parameter {
    std::string name;   ///< lower case
    std::string value;  ///< without quotes
};

/// `type;name=value;name="quoted value"`: what Content-Type and Content-Disposition have in common.
struct HeaderValue {
    std::string type;  ///< lower case, blanks around it removed
    std::vector<Parameter> parameters;

    [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

/// Blanks may stand anywhere between the words; a quote that is never closed ends with the value.
[[nodiscard]] HeaderValue parse_header_value(std::string_view text);

/// The header fields in front of a part's content that mean something to a recorder.
struct PartHeaders {
    std::string content_type;
    std::string content_disposition;
    std::string transfer_encoding;
};

/// Reads header lines and takes them off `part`, with the empty line behind them. Where something
/// stands that is no header line, the content begins there: an SRC forgot the empty line.
[[nodiscard]] PartHeaders take_headers(std::string_view& part);

/// Takes one line off `text`; without its line end (CRLF or LF).
[[nodiscard]] std::string_view take_line(std::string_view& text) noexcept;

/// True for `token/token` (RFC 2045 5.1).
[[nodiscard]] bool is_media_type(std::string_view text) noexcept;

}  // namespace siprec::body
