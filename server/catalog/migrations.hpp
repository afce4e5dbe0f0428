#pragma once

#include <span>
#include <string_view>

namespace siprec::server {

/// One step of the schema.
struct Migration {
    int version;
    std::string_view name;
    std::string_view sql;
};

/// The files of schemas/sql in order, embedded when the server is built.
[[nodiscard]] std::span<const Migration> migrations() noexcept;

}  // namespace siprec::server
