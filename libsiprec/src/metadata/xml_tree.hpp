#pragma once

#include "metadata/findings.hpp"

#include <siprec/metadata.hpp>
#include <siprec/result.hpp>

#include <string_view>

namespace siprec::metadata {

/// Reads a well-formed document into a tree. Text behind the root element is tolerated.
/// @param utf8  has passed `check_markup`
/// @return Malformed with line and column; LimitExceeded
[[nodiscard]] Result<XmlElement> read_tree(std::string_view utf8,
                                           const ParseLimits& limits,
                                           Findings& findings);

/// Makes a tree of what is not well-formed: raw `<sip:...>` is text, attributes need no quotes, end
/// tags may be missing, wrong, or cut off. What has no root of ours gets one.
[[nodiscard]] Result<XmlElement> salvage_tree(std::string_view utf8, const ParseLimits& limits);

/// What looks like a SIP address in the text of an element whose tags were lost.
[[nodiscard]] std::vector<std::string> salvage_aors(std::string_view text);

}  // namespace siprec::metadata
