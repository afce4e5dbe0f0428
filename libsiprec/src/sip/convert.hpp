#pragma once

// From sofia-sip's structures, which are borrowed and may be null anywhere, to our values.

#include "sip/message.hpp"
#include "sip/sofia.hpp"

namespace siprec::sip {

/// Copies what we use of a request. `wire` is left empty.
[[nodiscard]] Request to_request(const sip_t& sip);

/// Fills what is read from `wire.bytes` itself: the headers as written, and what they say.
void fill_from_wire(Request& request);

/// The bytes of a message: as received, or as sent once it has been sent.
[[nodiscard]] std::string wire_bytes(msg_t* message);

/// The address that a received message came from.
[[nodiscard]] Endpoint message_source(msg_t* message);

}  // namespace siprec::sip
