#pragma once

// Digest authentication of requests (RFC 3261 22, RFC 7616, RFC 8760): MD5 and SHA-256, qop auth.

#include <siprec/clock.hpp>
#include <siprec/config.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::sip {

/// An Authorization header (RFC 7616 3.4), values unquoted.
struct Credentials {
    std::string username;
    std::string realm;
    std::string nonce;
    std::string uri;
    std::string response;
    std::string algorithm;  // empty: MD5
    std::string cnonce;
    std::string qop;
    std::string nc;
};

/// @return nothing for another scheme than Digest, or what breaks the grammar
[[nodiscard]] std::optional<Credentials> parse_credentials(std::string_view header);

/// *SIP thread only.* Remembers nonces only of those who knew a password: a flood finds no memory
/// to fill.
class DigestGuard {
  public:
    explicit DigestGuard(DigestConfig config);

    enum class Verdict : std::uint8_t { Good, Missing, Stale, Wrong };

    struct Outcome {
        Verdict verdict = Verdict::Missing;
        std::string user;  // when Good
    };

    [[nodiscard]] Outcome check(std::string_view method,
                                const std::vector<std::string>& authorizations,
                                SteadyTime now);

    /// Values for WWW-Authenticate, the strongest first (RFC 8760 2.3).
    [[nodiscard]] std::vector<std::string> challenges(bool stale, SteadyTime now) const;

    /// False for sources that need no password, and while there are no users.
    [[nodiscard]] bool asks(const IpAddress& source) const;

  private:
    struct Secrets {
        std::string md5;
        std::string sha256;
    };

    struct NonceUse {
        SteadyTime expires;
        std::uint32_t highest = 0;  // nonce count
    };

    [[nodiscard]] std::string make_nonce(SteadyTime now) const;
    [[nodiscard]] bool is_fresh(std::string_view nonce, SteadyTime now) const;
    [[nodiscard]] bool is_answer_right(const Credentials& given, std::string_view method) const;
    [[nodiscard]] bool use_nonce(const Credentials& given, SteadyTime now);

    DigestConfig config_;
    std::map<std::string, Secrets, std::less<>> users_;
    std::string key_;
    std::map<std::string, NonceUse, std::less<>> used_;
};

}  // namespace siprec::sip
