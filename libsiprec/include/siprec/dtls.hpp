#pragma once

#include <siprec/export.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>
#include <siprec/srtp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Keys for SRTP by a DTLS handshake on the media path (RFC 5763, RFC 5764).
namespace siprec::srtp {

enum class Hash : std::uint8_t { Sha1, Sha256, Sha384, Sha512 };

/// By its name in `a=fingerprint`, in any case (RFC 8122 5).
[[nodiscard]] SIPREC_EXPORT std::optional<Hash> hash_of(std::string_view name) noexcept;
[[nodiscard]] SIPREC_EXPORT std::string_view to_string(Hash hash) noexcept;

/// A digest of a certificate.
struct Fingerprint {
    Hash hash = Hash::Sha256;
    std::vector<std::byte> digest;

    bool operator==(const Fingerprint&) const = default;
};

/// A self-signed certificate with its key, as the fingerprint in SDP vouches for it. *Immutable.*
class SIPREC_EXPORT Certificate {
  public:
    /// ECDSA on P-256, valid for ten years.
    [[nodiscard]] static Result<std::shared_ptr<const Certificate>> generate();
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    ~Certificate();

    /// SHA-256.
    [[nodiscard]] const Fingerprint& fingerprint() const noexcept { return fingerprint_; }

  private:
    friend class DtlsAssociation;
    struct State;
    Certificate(std::unique_ptr<State> state, Fingerprint fingerprint) noexcept;
    std::unique_ptr<State> state_;
    Fingerprint fingerprint_;
};

enum class DtlsRole : std::uint8_t {
    Client,  ///< `a=setup:active`: sends the ClientHello
    Server,  ///< `a=setup:passive`
};

/// What both sides have said of a DTLS association in SDP.
struct DtlsTerms {
    DtlsRole role = DtlsRole::Client;  ///< ours
    std::shared_ptr<const Certificate> certificate;
    std::vector<Fingerprint> peer;  ///< the other side's certificate has to match one of them
    std::vector<Suite> suites;      ///< that we take, best first

    bool operator==(const DtlsTerms&) const = default;
};

/// One DTLS association: datagrams in, datagrams out, keys at the end. Knows no socket; its only
/// clock is that of the retransmissions (RFC 6347 4.2.4). *Not thread-safe.*
class SIPREC_EXPORT DtlsAssociation {
  public:
    enum class State : std::uint8_t { Handshaking, Connected, Failed, Closed };

    /// @return InvalidArgument without a certificate, a peer's fingerprint or a suite that DTLS
    ///         knows; Internal when OpenSSL refuses
    [[nodiscard]] static Result<DtlsAssociation> create(const DtlsTerms& terms);
    DtlsAssociation(DtlsAssociation&&) noexcept;
    DtlsAssociation& operator=(DtlsAssociation&&) noexcept;
    DtlsAssociation(const DtlsAssociation&) = delete;
    DtlsAssociation& operator=(const DtlsAssociation&) = delete;
    ~DtlsAssociation();

    /// Sends the first flight of a client.
    void start();

    /// Takes a datagram of the peer.
    void receive(std::span<const std::byte> datagram);

    /// What has to be sent now, in order.
    [[nodiscard]] std::vector<std::vector<std::byte>> take_output();

    /// How long until `on_timeout` is to be called; nothing while no retransmission is pending.
    [[nodiscard]] std::optional<std::chrono::microseconds> timeout() const;
    void on_timeout();

    /// Says goodbye to the peer (close_notify).
    void close();

    [[nodiscard]] State state() const noexcept;

    /// Why it failed, for an administrator.
    [[nodiscard]] const std::string& failure() const noexcept;

    struct Keys {
        Protection receive;
        Protection send;
    };

    /// The keys of a connected association (RFC 5764 4.2).
    [[nodiscard]] const std::optional<Keys>& keys() const noexcept;

  private:
    struct Impl;
    explicit DtlsAssociation(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace siprec::srtp
