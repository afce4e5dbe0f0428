#pragma once

#include <siprec/export.hpp>
#include <siprec/result.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// SRTP (RFC 3711): packets in the clear in, protected packets out, and the reverse. Knows neither
/// how keys are agreed nor sockets.
namespace siprec::srtp {

/// Bytes that nobody else may see; overwritten when they go. *Not thread-safe.*
class SIPREC_EXPORT Secret {
  public:
    Secret() = default;
    explicit Secret(std::vector<std::byte> bytes) noexcept;
    Secret(const Secret& other);
    Secret& operator=(const Secret& other);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    /// From the kernel's generator.
    [[nodiscard]] static Secret random(std::size_t size);

    /// Valid as long as the secret stays unchanged.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

    bool operator==(const Secret&) const noexcept = default;

  private:
    void wipe() noexcept;

    std::vector<std::byte> bytes_;
};

/// Crypto suites, by their names in RFC 4568 6.2, RFC 6188 and RFC 7714.
enum class Suite : std::uint8_t {
    AesCm128HmacSha1_80,
    AesCm128HmacSha1_32,
    AesCm192HmacSha1_80,
    AesCm192HmacSha1_32,
    AesCm256HmacSha1_80,
    AesCm256HmacSha1_32,
    AeadAes128Gcm,
    AeadAes256Gcm,
};

/// What a suite's name stands for.
struct SuiteTraits {
    Suite suite;
    std::string_view name;          ///< in `a=crypto`
    std::size_t key_bytes;          ///< master key
    std::size_t salt_bytes;         ///< master salt
    std::size_t tag_bytes;          ///< what an SRTP packet grows by, without MKI
    bool is_aead;                   ///< encryption and authentication in one
    std::uint16_t dtls_profile;     ///< RFC 5764 4.1.2, RFC 7714 14.2; 0: DTLS cannot agree on it
    std::string_view openssl_name;  ///< of that profile
};

inline constexpr std::array<SuiteTraits, 8> kSuites{{
    {Suite::AesCm128HmacSha1_80,
     "AES_CM_128_HMAC_SHA1_80",
     16,
     14,
     10,
     false,
     0x0001,
     "SRTP_AES128_CM_SHA1_80"},
    {Suite::AesCm128HmacSha1_32,
     "AES_CM_128_HMAC_SHA1_32",
     16,
     14,
     4,
     false,
     0x0002,
     "SRTP_AES128_CM_SHA1_32"},
    {Suite::AesCm192HmacSha1_80, "AES_192_CM_HMAC_SHA1_80", 24, 14, 10, false, 0, ""},
    {Suite::AesCm192HmacSha1_32, "AES_192_CM_HMAC_SHA1_32", 24, 14, 4, false, 0, ""},
    {Suite::AesCm256HmacSha1_80, "AES_256_CM_HMAC_SHA1_80", 32, 14, 10, false, 0, ""},
    {Suite::AesCm256HmacSha1_32, "AES_256_CM_HMAC_SHA1_32", 32, 14, 4, false, 0, ""},
    {Suite::AeadAes128Gcm, "AEAD_AES_128_GCM", 16, 12, 16, true, 0x0007, "SRTP_AEAD_AES_128_GCM"},
    {Suite::AeadAes256Gcm, "AEAD_AES_256_GCM", 32, 12, 16, true, 0x0008, "SRTP_AEAD_AES_256_GCM"},
}};

[[nodiscard]] constexpr const SuiteTraits& traits(Suite suite) noexcept {
    return kSuites[static_cast<std::size_t>(suite)];
}

/// By its name, in any case, and by the names that older implementations give the long keys
/// (AES_CM_256_HMAC_SHA1_80 and so on).
[[nodiscard]] SIPREC_EXPORT std::optional<Suite> suite_of(std::string_view name) noexcept;

/// RFC 3711 9.2: more packets than these must not be sent with one key.
inline constexpr std::uint64_t kMaxLifetime = std::uint64_t{1} << 48U;

/// A master key with its salt behind it.
struct MasterKey {
    Secret key;
    std::vector<std::byte> mki;             ///< 1 to 128 bytes, sent with each packet; empty: none
    std::uint64_t lifetime = kMaxLifetime;  ///< SRTP packets

    bool operator==(const MasterKey&) const = default;
};

/// How the packets of one direction of one RTP session are protected.
struct Protection {
    Suite suite = Suite::AesCm128HmacSha1_80;
    std::vector<MasterKey> keys;  ///< one; several only with MKIs of one length, at most 16
    bool encrypts_rtp = true;
    bool encrypts_rtcp = true;
    bool authenticates_rtp = true;       ///< SRTCP always is (RFC 3711 3.4)
    std::uint32_t replay_window = 1024;  ///< packets, 64 to 32767 (RFC 3711 3.3.2)

    bool operator==(const Protection&) const = default;
};

/// What became of a received packet.
enum class Verdict : std::uint8_t {
    Ok,
    Forged,     ///< not authentic: another key, or changed on its way
    Replayed,   ///< authentic perhaps, but seen before or too old to tell
    Expired,    ///< the key's lifetime is over (RFC 4568 6.1)
    Malformed,  ///< too short for what its header says
};

/// The receiving half. All SSRCs of an RTP session share its keys; each has a roll-over counter and
/// a replay list of its own from its first authentic packet on (RFC 4568 6.4). *Not thread-safe.*
class SIPREC_EXPORT Receiver {
  public:
    /// @return InvalidArgument when the keys do not fit the suite; Unsupported when the crypto
    ///         library lacks the suite
    [[nodiscard]] static Result<Receiver> create(const Protection& protection);
    Receiver(Receiver&&) noexcept;
    Receiver& operator=(Receiver&&) noexcept;
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;
    ~Receiver();

    /// Decrypts in place. On Ok `packet` is cut to the RTP packet; else its bytes are what they
    /// were. Wants 4-byte alignment.
    [[nodiscard]] Verdict unprotect_rtp(std::span<std::byte>& packet) noexcept;

    /// The same for RTCP.
    [[nodiscard]] Verdict unprotect_rtcp(std::span<std::byte>& packet) noexcept;

    /// The roll-over counter of an SSRC; none before its first authentic packet.
    [[nodiscard]] std::optional<std::uint32_t> rollover(std::uint32_t ssrc) const noexcept;

    /// Tries the counters that `old` has for SSRCs that are new here: a new key does not reset them
    /// (RFC 3711 3.3.1), though some clients do. Keeps no reference.
    void inherit_rollovers(const Receiver& old);

    /// Drops an SSRC's state, as that of an RTP member that has left (RFC 4568 6.5). Should it come
    /// back, it goes on behind its last packet; nothing older is taken.
    void forget(std::uint32_t ssrc) noexcept;

  private:
    struct State;
    explicit Receiver(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// The sending half. *Not thread-safe.*
class SIPREC_EXPORT Sender {
  public:
    /// @return as for `Receiver::create`
    [[nodiscard]] static Result<Sender> create(const Protection& protection);
    Sender(Sender&&) noexcept;
    Sender& operator=(Sender&&) noexcept;
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    ~Sender();

    /// Encrypts in place and appends MKI and tag, with the first key.
    /// @return false when the packet is malformed or the key used up; it must not be sent then
    [[nodiscard]] bool protect_rtp(std::vector<std::byte>& packet) noexcept;
    [[nodiscard]] bool protect_rtcp(std::vector<std::byte>& packet) noexcept;

  private:
    struct State;
    explicit Sender(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// Which code does the cryptography of this process.
enum class Backend : std::uint8_t {
    Fast,     ///< OpenSSL's, registered with libsrtp2
    Builtin,  ///< libsrtp2's own: the other failed its self-test; several times slower
};

/// Sets the cryptography up, self-test included, if no Receiver or Sender did before.
/// *Thread-safe.* @return Unsupported when the crypto library does not start
[[nodiscard]] SIPREC_EXPORT Result<Backend> start();

}  // namespace siprec::srtp
