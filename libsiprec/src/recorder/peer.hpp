#pragma once

// What a client's messages say about what it can do.

#include "session/session_timer.hpp"
#include "sip/headers.hpp"

#include <string>
#include <vector>

namespace siprec::recorder {

/// *SIP thread only.*
struct Peer {
    bool allows_update = false;       // Allow
    bool announced_snapshot = false;  // Accept: application/rs-metadata-request
    bool has_timer = false;           // `timer` in Supported

    /// Takes what these headers of a request or answer say; what they leave out stays.
    void learn(const sip::Headers& headers);
};

/// The session timer part of a request or a 2xx (RFC 4028).
[[nodiscard]] session::SessionTimer::Terms timer_terms(const sip::Headers& headers);

}  // namespace siprec::recorder
