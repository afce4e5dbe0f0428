#pragma once

// What can be read off the metadata of a call beside its plain structure.

#include <string>
#include <string_view>

namespace siprec::server {

/// The searchable number of an address of record: the user part, percent-decoded; a telephone
/// number without visual separators (RFC 3966 5.1.1), so that `+1 (212) 555-0100` is found as
/// `+12125550100`.
[[nodiscard]] std::string normalised_number(std::string_view aor);

}  // namespace siprec::server
