#pragma once

// What an INVITE outside a dialog shows, before anybody decides about it.

#include "sip/message.hpp"

#include <siprec/body.hpp>
#include <siprec/config.hpp>
#include <siprec/session.hpp>

#include <string>
#include <vector>

namespace siprec::recorder {

/// The tags of Require that we do not know: what 420 names (RFC 3261 8.2.2.3).
[[nodiscard]] std::vector<std::string> unknown_extensions(const sip::Request& request,
                                                          const RecorderConfig& config);

[[nodiscard]] SessionInfo to_session_info(const sip::Request& request,
                                          const Result<std::vector<BodyPart>>& body);

}  // namespace siprec::recorder
