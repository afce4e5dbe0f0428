#pragma once

#include "api/http_message.hpp"
#include "api/json.hpp"
#include "api/services.hpp"

#include <siprec/error.hpp>

#include <string_view>

namespace siprec::server {

[[nodiscard]] HttpResponse json_response(const Json& value, unsigned status = 200);

/// An error as application/problem+json (RFC 9457); with Retry-After when it is a 503.
[[nodiscard]] HttpResponse problem(unsigned status, std::string_view detail);

/// The problem that tells the client of `error`. What is our fault is logged, and named to the
/// client without its details.
[[nodiscard]] HttpResponse error_response(const Error& error, const Services& services);

}  // namespace siprec::server
