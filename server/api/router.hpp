#pragma once

// Which handler answers what; the table that openapi.yaml is tested against.

#include "api/http_message.hpp"
#include "api/services.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// Where a handler may wait.
enum class Lane : std::uint8_t {
    Network,  // it does not wait
    Live,     // for the live wing
    Control,  // for a recording client
    Catalog,  // for the database
};

/// A request on its way through a handler.
struct Call {
    const HttpRequest& request;
    const std::vector<std::string>& parameters;  // what stands in the place of `{...}`, in order
    Services& services;
    Catalog* catalog;  // in lane Catalog only
};

struct Route {
    std::string_view method;   // GET answers HEAD too
    std::string_view pattern;  // `/api/v1/recordings/{id}`
    Lane lane;
    HttpResponse (*handler)(const Call&);
};

[[nodiscard]] std::span<const Route> routes() noexcept;

struct RouteMatch {
    const Route* route = nullptr;  // none: `refusal` is the answer
    std::vector<std::string> parameters;
    HttpResponse refusal;
};

[[nodiscard]] RouteMatch find_route(std::string_view method, std::string_view path);

}  // namespace siprec::server
