#pragma once

#include <siprec/dtls.hpp>
#include <siprec/export.hpp>
#include <siprec/result.hpp>
#include <siprec/srtp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace siprec::srtp {

/// Keys that SDP security descriptions (RFC 4568) have agreed on.
struct SdesKeys {
    Protection receive;  ///< the other side's keys
    Protection send;     ///< ours

    bool operator==(const SdesKeys&) const = default;
};

/// How an m-line's packets are protected: not at all, or with keys from SDP, or with those of a
/// DTLS handshake.
using Keying = std::variant<std::monostate, SdesKeys, DtlsTerms>;

}  // namespace siprec::srtp

namespace siprec::sdp {

/// An `a=crypto` line (RFC 4568 9.1).
struct Crypto {
    std::uint32_t tag = 1;
    std::string suite_name;  ///< as written; an answer repeats it
    srtp::Protection protection;
};

/// Reads the value of `a=crypto`. Messages never hold keys.
/// @return Malformed when RFC 4568 calls the line invalid; Unsupported for a suite or a session
///         parameter that we do not have
[[nodiscard]] SIPREC_EXPORT Result<Crypto> parse_crypto(std::string_view value);

/// Writes the value of `a=crypto`.
[[nodiscard]] SIPREC_EXPORT std::string write_crypto(const Crypto& crypto);

/// Reads the value of `a=fingerprint` (RFC 8122 5): a hash that we know, and a digest of its size.
[[nodiscard]] SIPREC_EXPORT std::optional<srtp::Fingerprint> parse_fingerprint(
    std::string_view value);
[[nodiscard]] SIPREC_EXPORT std::string write_fingerprint(const srtp::Fingerprint& fingerprint);

/// `a=setup` (RFC 4145 4, RFC 8842 5).
enum class Setup : std::uint8_t { Active, Passive, ActPass, HoldConn };

[[nodiscard]] SIPREC_EXPORT std::optional<Setup> parse_setup(std::string_view value) noexcept;
[[nodiscard]] SIPREC_EXPORT std::string_view to_string(Setup setup) noexcept;

}  // namespace siprec::sdp
