#pragma once

#include "cli/http_client.hpp"

#include <siprec/result.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace siprec::server {

/// The server's API as siprecctl sees it.
class ApiClient {
  public:
    using Json = nlohmann::ordered_json;

    ApiClient(ServerUrl server, std::chrono::milliseconds timeout)
        : server_(std::move(server)), timeout_(timeout) {}

    /// @return the server's own words when it refuses: NotFound, InvalidArgument, Unavailable, ...
    [[nodiscard]] Result<Json> get_json(const std::string& target) const;

    /// Errors as `get_json`.
    [[nodiscard]] Result<HttpReply> download(const std::string& target, const BodySink& sink) const;

    /// A recording's full id. Eight hex digits or more that begin one id only among the newest 1000
    /// recordings are enough.
    [[nodiscard]] Result<std::string> resolve_id(const std::string& text) const;

  private:
    ServerUrl server_;
    std::chrono::milliseconds timeout_;
};

/// For a query part (RFC 3986 2.1).
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace siprec::server
