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

    /// A request that changes something: POST or DELETE. @return the answer's JSON, null when it
    /// has none; errors as `get_json`
    [[nodiscard]] Result<Json> change(const std::string& method, const std::string& target) const;

    /// A running session's full id, from its first 8 digits or more.
    [[nodiscard]] Result<std::string> resolve_session(const std::string& text) const;

    /// A recording's full id. Eight hex digits or more that begin one id only among the newest 1000
    /// recordings are enough.
    [[nodiscard]] Result<std::string> resolve_id(const std::string& text) const;

  private:
    [[nodiscard]] Result<std::string> resolve(const std::string& text,
                                              const std::string& target,
                                              const char* member,
                                              const char* where) const;

    ServerUrl server_;
    std::chrono::milliseconds timeout_;
};

/// For a query part (RFC 3986 2.1).
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace siprec::server
