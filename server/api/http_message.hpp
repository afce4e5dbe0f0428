#pragma once

// HTTP requests and responses as plain values, so that only the connection knows Beast.

#include "api/stored_file.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace siprec::server {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
    std::string method;
    std::string path;   // before `?`, as sent
    std::string query;  // behind it
    HttpHeaders headers;

    /// The first field of this name, in any case; empty when there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;

    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

/// A stretch of a file, streamed to the client.
struct FileSlice {
    StoredFile file;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

struct HttpResponse {
    unsigned status = 200;
    HttpHeaders headers;
    std::variant<std::string, FileSlice> body;

    /// Bytes of the body.
    [[nodiscard]] std::uint64_t length() const noexcept;
};

/// "Not Found" for 404, and so on for every status that the API uses.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace siprec::server
