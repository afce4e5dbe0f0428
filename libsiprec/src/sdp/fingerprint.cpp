// What agrees on a DTLS association: `a=fingerprint` (RFC 8122 5) and `a=setup` (RFC 4145 4).
#include "sdp/text.hpp"

#include <siprec/keying.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

namespace siprec::srtp {

namespace {

struct NamedHash {
    Hash hash;
    std::string_view name;
};

constexpr std::array<NamedHash, 4> kHashes{{{Hash::Sha1, "sha-1"},
                                            {Hash::Sha256, "sha-256"},
                                            {Hash::Sha384, "sha-384"},
                                            {Hash::Sha512, "sha-512"}}};

}  // namespace

std::optional<Hash> hash_of(std::string_view name) noexcept {
    const auto* found = std::ranges::find_if(kHashes, [name](const NamedHash& candidate) {
        return sdp::equals_ignoring_case(candidate.name, name);
    });
    return found == kHashes.end() ? std::nullopt : std::optional(found->hash);
}

std::string_view to_string(Hash hash) noexcept {
    const auto* found = std::ranges::find(kHashes, hash, &NamedHash::hash);
    return found == kHashes.end() ? std::string_view{} : found->name;
}

}  // namespace siprec::srtp

namespace siprec::sdp {

namespace {

struct NamedSetup {
    Setup setup;
    std::string_view name;
};

constexpr std::array<NamedSetup, 4> kSetups{{{Setup::Active, "active"},
                                             {Setup::Passive, "passive"},
                                             {Setup::ActPass, "actpass"},
                                             {Setup::HoldConn, "holdconn"}}};

std::size_t digest_bytes(srtp::Hash hash) noexcept {
    switch (hash) {
        case srtp::Hash::Sha1:
            return 20;
        case srtp::Hash::Sha256:
            return 32;
        case srtp::Hash::Sha384:
            return 48;
        case srtp::Hash::Sha512:
            return 64;
    }
    return 0;
}

}  // namespace

std::optional<srtp::Fingerprint> parse_fingerprint(std::string_view value) {
    const auto hash = srtp::hash_of(take_word(value));
    if (!hash) {
        return std::nullopt;
    }
    srtp::Fingerprint fingerprint{.hash = *hash, .digest = {}};
    value = trim(value);
    while (!value.empty()) {
        const std::string_view pair = take_until(value, ':');
        unsigned byte = 0;
        const char* end = pair.data() + pair.size();
        const auto [stop, error] = std::from_chars(pair.data(), end, byte, 16);
        if (pair.size() != 2 || error != std::errc{} || stop != end) {
            return std::nullopt;
        }
        fingerprint.digest.push_back(static_cast<std::byte>(byte));
    }
    return fingerprint.digest.size() == digest_bytes(*hash) ? std::optional(std::move(fingerprint))
                                                            : std::nullopt;
}

std::string write_fingerprint(const srtp::Fingerprint& fingerprint) {
    std::string text(srtp::to_string(fingerprint.hash));
    char separator = ' ';
    for (const std::byte byte : fingerprint.digest) {
        fmt::format_to(
            std::back_inserter(text), "{}{:02X}", separator, std::to_integer<unsigned>(byte));
        separator = ':';
    }
    return text;
}

std::optional<Setup> parse_setup(std::string_view value) noexcept {
    const auto* found = std::ranges::find_if(kSetups, [value](const NamedSetup& candidate) {
        return equals_ignoring_case(candidate.name, trim(value));
    });
    return found == kSetups.end() ? std::nullopt : std::optional(found->setup);
}

std::string_view to_string(Setup setup) noexcept {
    const auto* found = std::ranges::find(kSetups, setup, &NamedSetup::setup);
    return found == kSetups.end() ? std::string_view{} : found->name;
}

}  // namespace siprec::sdp
