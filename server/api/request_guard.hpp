#pragma once

#include "api/http_message.hpp"

#include <siprec/net.hpp>

#include <optional>

namespace siprec::server {

/// Keeps web pages of strangers out while there are no accounts: a name of theirs that resolves to
/// a loopback address (DNS rebinding), and requests that change something sent across sites.
/// @param listen  where the server listens
/// @return the refusal, or nothing when the request may pass
[[nodiscard]] std::optional<HttpResponse> refuse_stranger(const HttpRequest& request,
                                                          const Endpoint& listen);

}  // namespace siprec::server
