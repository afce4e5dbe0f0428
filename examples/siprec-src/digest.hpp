#pragma once

#include "message.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace srcsim {

/// The Authorization header that answers a 401 (RFC 7616 3.4, RFC 8760), for the first challenge
/// whose algorithm we know; nothing when there is none.
[[nodiscard]] std::optional<std::string> answer_challenge(const Message& response,
                                                          std::string_view method,
                                                          const std::string& uri,
                                                          const std::string& user,
                                                          const std::string& password);

}  // namespace srcsim
