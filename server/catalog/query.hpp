#pragma once

// From a RecordingQuery to SQL: filters, wildcards and the paging cursor. Every value is bound,
// never written into the statement.

#include "catalog/catalog.hpp"

#include <siprec/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// A place in the list of recordings, which is ordered by start, then id, newest first.
struct PagePosition {
    std::int64_t start_us = 0;  // since 1970
    Uuid id;

    bool operator==(const PagePosition&) const = default;
};

/// Opaque text that fits in a URL as it is.
[[nodiscard]] std::string encode_cursor(const PagePosition& position);
[[nodiscard]] std::optional<PagePosition> decode_cursor(std::string_view cursor);

/// A pattern for LIKE (with the default escape) that takes `*` for anything and all else literally.
[[nodiscard]] std::string like_pattern(std::string_view wildcards);

/// A number as people write it, without the separators that the catalogue's numbers lack; a name
/// that stands in a number's place (`alice.smith`) as it is.
[[nodiscard]] std::string without_separators(std::string_view number);

/// What follows the FROM of a list: conditions over `r` (recordings) and `s` (recording_sessions),
/// order and limit; and the values of its parameters.
struct ListSql {
    std::string text;
    std::vector<std::string> parameters;
};

/// Asks for one row more than the limit, to see whether there is a next page.
/// @return InvalidArgument for a limit, state or cursor that makes no sense
[[nodiscard]] Result<ListSql> list_sql(const RecordingQuery& query);

}  // namespace siprec::server
