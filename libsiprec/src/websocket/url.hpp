#pragma once

#include <siprec/result.hpp>

#include <string>
#include <string_view>

namespace siprec::websocket {

struct Url {
    bool is_secure = false;
    std::string host;  // without the brackets of an IPv6 address
    std::string port;
    std::string target;  // path and query, "/" at least

    /// For the Host header: host and port as they were written.
    [[nodiscard]] std::string authority() const;

    /// For the log: without the query, in which some services want their token.
    [[nodiscard]] std::string without_query() const;
};

/// @return InvalidArgument, saying what is wrong; what may be a secret is not repeated
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace siprec::websocket
