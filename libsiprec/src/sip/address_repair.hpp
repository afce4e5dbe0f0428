#pragma once

#include <string>
#include <string_view>

namespace siprec::sip {

/// A From or To value that the grammar refuses (RFC 3261 25.1), written so that it passes: display
/// name quoted, URI in brackets that close, of the parameters the tag alone.
/// @return empty when there is no URI in it
[[nodiscard]] std::string repaired_address(std::string_view value);

/// The same with an address that names nobody (RFC 3323 4.1.1.3), for what holds no usable URI:
/// the tag is what a dialog needs.
[[nodiscard]] std::string anonymous_address(std::string_view value);

}  // namespace siprec::sip
