#pragma once

// As much of an HTTP/1.1 client as siprecctl needs.

#include <siprec/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace siprec::server {

struct ServerUrl {
    std::string host;  // without brackets
    std::string port;
    std::string authority;  // for the Host field

    /// Reads `http://HOST[:PORT][/]`. @return InvalidArgument naming the URL
    [[nodiscard]] static Result<ServerUrl> parse(std::string_view text);
};

struct HttpReply {
    unsigned status = 0;
    std::string content_type;
    std::string etag;  // without quotes
    std::string body;  // empty when it went to a sink
};

/// Takes a piece of the body; its error ends the transfer.
using BodySink = std::function<Result<void>(std::string_view piece)>;

/// One request on a connection of its own. The body goes to `sink` when there is one and the status
/// is 200; otherwise into the reply, up to 64 MiB.
/// @param timeout  to connect, to send, and for each silence of the server
/// @return Unavailable when the server cannot be reached; Timeout; Malformed when it does not
/// answer
///         in HTTP or breaks off before the length that it promised
[[nodiscard]] Result<HttpReply> http_request(const std::string& method,
                                             const ServerUrl& server,
                                             const std::string& target,
                                             std::chrono::milliseconds timeout,
                                             const BodySink& sink = {});

/// `http_request` with GET.
[[nodiscard]] Result<HttpReply> http_get(const ServerUrl& server,
                                         const std::string& target,
                                         std::chrono::milliseconds timeout,
                                         const BodySink& sink = {});

}  // namespace siprec::server
