#pragma once

#include <siprec/metadata.hpp>
#include <siprec/net.hpp>
#include <siprec/srtp.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siprec {

/// One SIP listener.
struct Listener {
    Transport transport = Transport::Udp;
    Endpoint endpoint;  ///< port 0: any free one; `Recorder::listeners` says which
};

/// Whether TLS clients have to show a certificate (RFC 7866 12.1: both ends can; whether it is
/// asked for is a matter of the deployment).
enum class ClientCertificate : std::uint8_t { Off, Optional, Required };

/// What the TLS listeners use. TLS 1.2 and 1.3 only (RFC 9325 3.1).
struct TlsConfig {
    std::string
        certificate;  ///< PEM file: the server's certificate, then those that lead to its CA
    std::string key;  ///< PEM file; empty: in the certificate's file
    ClientCertificate client_certificate = ClientCertificate::Off;
    std::string client_ca;  ///< PEM file: the CAs that clients' certificates come from
    /// Names that a client's certificate may carry (subjectAltName, or the common name where it has
    /// none; RFC 5922 7.1); `*.example.com` stands for one label. Empty: any from `client_ca`.
    std::vector<std::string> allowed_subjects;
    std::size_t max_connections = 10'000;
    std::size_t max_connections_per_source = 1'000;
    std::chrono::seconds handshake_timeout{10};

    bool operator==(const TlsConfig&) const = default;
};

/// Who may start a session by digest authentication, and with what. A password or the hashes of
/// `name:realm:password`.
struct DigestUser {
    std::string name;
    std::string password;
    std::string ha1_md5;     ///< lower-case hexadecimal; empty: none
    std::string ha1_sha256;  ///< likewise
};

/// Digest authentication (RFC 3261 22, RFC 8760) of requests that start something.
struct DigestConfig {
    std::string realm = "siprec";
    std::vector<DigestUser> users;       ///< empty: nobody is asked
    std::vector<Subnet> exempt_sources;  ///< are not asked
    std::chrono::seconds nonce_lifetime{300};
};

/// What is not taken over a line that can be tapped. All off: RFC 7866 12 leaves it to the
/// deployment.
struct SecurityConfig {
    bool signalling_over_tls = false;  ///< INVITEs over UDP and TCP get 403
    bool metadata_over_tls = false;    ///< ... those that carry metadata (RFC 7866 12.3)
    bool media_over_srtp = false;      ///< offers with a stream of plain RTP get 488
};

/// When the signalling has enough. Beyond, INVITEs outside a dialog get 503 with Retry-After.
struct SignallingLimits {
    std::uint32_t setups_per_second = 0;      ///< 0: no limit
    std::chrono::milliseconds max_delay{25};  ///< messages wait longer for us; 0: never mind
    /// What one source may send a second that comes to nothing (scans, junk, refused requests),
    /// and how much at once; then nothing of it outside a dialog is answered. 0: no limit.
    std::uint32_t waste_per_second = 20;
    std::uint32_t waste_burst = 200;
};

/// Whether media is to be encrypted.
enum class SrtpPolicy : std::uint8_t {
    Off,      ///< plain RTP only: an m-line that offers nothing else is refused
    Prefer,   ///< as offered; plain profiles that offer keys are encrypted too (RFC 8643)
    Require,  ///< plain profiles are refused, keys or not (RFC 8643 4)
};

/// How media is encrypted, m-line by m-line.
struct SrtpConfig {
    SrtpPolicy policy = SrtpPolicy::Prefer;
    /// Other policies for clients whose INVITE comes from these addresses.
    std::vector<std::pair<IpAddress, SrtpPolicy>> by_source;
    /// Suites that are taken, best first; empty: all, in the order of the offer.
    std::vector<srtp::Suite> suites;
    /// Keys in SDP that went over UDP or TCP, for all to read, are not used (RFC 4568 8.3); else a
    /// warning is logged.
    bool sdes_needs_tls = false;
    bool sha1_fingerprints = true;      ///< take SHA-1 for a certificate's fingerprint
    bool unauthenticated_srtp = false;  ///< take UNAUTHENTICATED_SRTP (RFC 4568 6.3.3)
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
    /// Pause between two rounds over the sockets: each then finds several packets in each socket.
    /// Arrival times come from the kernel and do not suffer; sinks see media so much later.
    std::chrono::microseconds poll_interval{40'000};
    /// Sockets stay open this long after the end of a session, for packets that BYE overtook.
    std::chrono::milliseconds linger{100};
    /// SO_RCVBUF of each socket, bytes.
    std::size_t receive_buffer_bytes = std::size_t{256} * 1024;
    /// A session none of whose active streams received anything for so long is ended; 0: never.
    std::chrono::seconds timeout{0};
    SrtpConfig srtp;
};

/// Bounds on what the network may ask of us.
struct RecorderLimits {
    std::size_t max_sessions = 20'000;                     ///< beyond: 503 with Retry-After
    std::size_t max_message_bytes = std::size_t{1} << 20;  ///< larger SIP messages: 413
    std::size_t max_streams_per_session = 64;  ///< m-lines beyond are refused with port 0
    SignallingLimits signalling{};
    metadata::ParseLimits metadata;
};

/// How long a session may be silent before somebody asks whether it still lives.
struct SessionTimerConfig {
    bool enabled = true;  ///< session timers (RFC 4028)
    /// Longest interval that we grant, and the one we ask a client for that has `timer` and no wish
    /// of its own.
    std::chrono::seconds expires{1800};
    /// Shorter wishes get 422; never under 90 s (RFC 4028 5).
    std::chrono::seconds min_se{90};
    /// A peer without session timer that sent no SIP message for so long is asked with OPTIONS.
    /// When it does not know the dialog, or does not answer, and sends no media either, the session
    /// ends; 0: never ask.
    std::chrono::seconds probe_after{900};
    /// Drops the lower bound of 90 s: for tests.
    bool allow_short = false;
};

/// When a partial metadata document that builds on nothing, or one that cannot be read, makes us
/// ask the client for a full one (RFC 7866 9.2).
enum class SnapshotPolicy : std::uint8_t {
    Never,
    WhenAnnounced,  ///< when the client announced `Accept: application/rs-metadata-request`
    Always,         ///< whenever the client allows UPDATE
};

/// Which of the extension data in metadata documents may be kept (RFC 7865 10: none but what the
/// local policy asks for).
struct MetadataConfig {
    /// Namespaces, as `metadata::minimise` reads them. Where "*" is not among them, sinks get every
    /// document rewritten without the rest, one that cannot be read as an empty text, and SIP
    /// messages that carry a document without their body.
    std::vector<std::string> extension_namespaces{"*"};

    [[nodiscard]] bool keeps_all() const {
        return std::find(extension_namespaces.begin(), extension_namespaces.end(), "*") !=
               extension_namespaces.end();
    }
};

/// Settings of a `Recorder`.
struct RecorderConfig {
    std::vector<Listener> listeners;
    TlsConfig tls;
    DigestConfig digest;
    SecurityConfig security;
    MediaConfig media;
    RecorderLimits limits;
    MetadataConfig metadata;
    std::string user_agent = "libsiprec";  ///< Server and User-Agent headers
    SessionTimerConfig timer;
    SnapshotPolicy snapshot = SnapshotPolicy::WhenAnnounced;
    /// Refuse what RFC 7866 does not allow, in place of recording it: both `Require: siprec` and
    /// `+sip.src` must be there and spelt right, else 403 (420 for a misspelt tag), and metadata
    /// that does not parse gets 400.
    bool strict = false;
    /// Answer 180 ahead of each 200, for clients that want to hear one; reliably (RFC 3262) where
    /// the client supports or requires 100rel.
    bool ringing = false;
    /// How long an ACK, or the answer to a request of ours, is waited for: 64*T1 (RFC 3261 17).
    std::chrono::milliseconds transaction_timeout{32'000};
    /// How long a call such as `Recorder::pause` waits for the client's answer.
    std::chrono::milliseconds request_timeout{10'000};
};

}  // namespace siprec
