#pragma once

#include <siprec/metadata.hpp>
#include <siprec/net.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siprec {

/// One SIP listener.
struct Listener {
    Transport transport = Transport::Udp;
    Endpoint endpoint;  ///< port 0: any free one; `Recorder::listeners` says which
};

/// Where media is received.
struct MediaConfig {
    /// Addresses that sockets are bound to; one IPv4, one IPv6 or both. The one of the family that
    /// the offer's connection address has is used. An unspecified address (`0.0.0.0`, `::`) binds
    /// all; the answer then names the address at which the INVITE arrived.
    std::vector<IpAddress> addresses{IpAddress{}};
    /// Named in answers in place of the bound address (behind a NAT).
    std::optional<IpAddress> advertised;
    std::uint16_t port_low = 20000;   ///< first RTP port, even
    std::uint16_t port_high = 59999;  ///< last RTCP port
    std::uint32_t threads = 0;        ///< media threads; 0: one a core
    /// Pause between two rounds over the sockets: each round then finds many packets ready. Arrival
    /// times come from the kernel and do not suffer.
    std::chrono::microseconds poll_interval{4000};
    /// Sockets stay open this long after the end of a session, for packets that BYE overtook.
    std::chrono::milliseconds linger{100};
    /// SO_RCVBUF of each socket, bytes.
    std::size_t receive_buffer_bytes = std::size_t{256} * 1024;
    /// A session none of whose active streams received anything for so long is ended; 0: never.
    std::chrono::seconds timeout{0};
};

/// Bounds on what the network may ask of us.
struct RecorderLimits {
    std::size_t max_sessions = 20'000;                     ///< beyond: 503 with Retry-After
    std::size_t max_message_bytes = std::size_t{1} << 20;  ///< larger SIP messages: 413
    std::size_t max_streams_per_session = 64;  ///< m-lines beyond are refused with port 0
    metadata::ParseLimits metadata;
};

/// Settings of a `Recorder`.
struct RecorderConfig {
    std::vector<Listener> listeners;
    MediaConfig media;
    RecorderLimits limits;
    std::string user_agent = "libsiprec";  ///< Server and User-Agent headers
};

}  // namespace siprec
