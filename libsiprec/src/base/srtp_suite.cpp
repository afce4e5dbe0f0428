#include <siprec/srtp.hpp>

#include <algorithm>
#include <string>

namespace siprec::srtp {

namespace {

struct Alias {
    std::string_view name;
    Suite suite;
};

// Interop(Oracle, Twilio and Google, documented): the names of a draft of RFC 6188.
constexpr std::array<Alias, 4> kAliases{{
    {"AES_CM_192_HMAC_SHA1_80", Suite::AesCm192HmacSha1_80},
    {"AES_CM_192_HMAC_SHA1_32", Suite::AesCm192HmacSha1_32},
    {"AES_CM_256_HMAC_SHA1_80", Suite::AesCm256HmacSha1_80},
    {"AES_CM_256_HMAC_SHA1_32", Suite::AesCm256HmacSha1_32},
}};

constexpr char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::optional<Suite> suite_of(std::string_view name) noexcept {
    const auto is_named = [name](const auto& candidate) {
        return std::ranges::equal(candidate.name, name, {}, {}, upper);
    };
    if (const auto* found = std::ranges::find_if(kSuites, is_named); found != kSuites.end()) {
        return found->suite;
    }
    const auto* alias = std::ranges::find_if(kAliases, is_named);
    return alias == kAliases.end() ? std::nullopt : std::optional(alias->suite);
}

}  // namespace siprec::srtp
