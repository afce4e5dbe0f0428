// `a=crypto` (RFC 4568 9.1):
//
//   <tag> <suite> inline:<key||salt>["|"<lifetime>]["|"<mki>:<length>][;inline:...]
//   [<parameter>...]
#include "base/base64.hpp"
#include "base/secret_bytes.hpp"
#include "sdp/text.hpp"

#include <siprec/keying.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace siprec::sdp {

namespace {

using srtp::MasterKey;
using srtp::Protection;

Error malformed(std::string what) {
    return {ErrorCode::Malformed, fmt::format("a=crypto: {} (RFC 4568 9.1)", what)};
}

Error unsupported(std::string what) {
    return {ErrorCode::Unsupported, fmt::format("a=crypto: {}", what)};
}

/// What may be said of a word: a key can stand where it should not, behind `=` or `inline:`.
std::string_view without_key(std::string_view word) noexcept {
    return word.substr(0, std::min<std::size_t>(word.find_first_of("=:;|"), 40));
}

std::optional<std::uint64_t> whole_number64(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

/// A decimal number or a power of two, `2^20`, without leading zero, up to 2^48.
std::optional<std::uint64_t> parse_lifetime(std::string_view text) noexcept {
    const bool is_power = text.starts_with("2^");
    const std::string_view digits = is_power ? text.substr(2) : text;
    if (digits.starts_with('0')) {
        return std::nullopt;
    }
    const auto number = whole_number64(digits);
    if (!number || (is_power && *number > 48)) {
        return std::nullopt;
    }
    const std::uint64_t lifetime = is_power ? std::uint64_t{1} << *number : *number;
    return lifetime <= srtp::kMaxLifetime ? std::optional(lifetime) : std::nullopt;
}

/// `<value>:<length>`: a decimal number in as many bytes, in network order.
std::optional<std::vector<std::byte>> parse_mki(std::string_view text) {
    const std::string_view value = take_until(text, ':');
    const auto number = whole_number64(value);
    const auto length = whole_number(text);
    constexpr std::uint32_t kMaxLength = 128;
    if (!number || !length || *length == 0 || *length > kMaxLength || text.starts_with('0')) {
        return std::nullopt;
    }
    std::vector<std::byte> mki(*length);
    std::uint64_t rest = *number;
    for (auto byte = mki.rbegin(); byte != mki.rend(); ++byte) {
        *byte = static_cast<std::byte>(rest & 0xFFU);
        rest >>= 8U;
    }
    return rest == 0 ? std::optional(std::move(mki)) : std::nullopt;
}

Result<MasterKey> parse_key(std::string_view text, const srtp::SuiteTraits& suite) {
    constexpr std::string_view kInline = "inline:";
    if (!equals_ignoring_case(text.substr(0, kInline.size()), kInline)) {
        return malformed("a key that is not inline");
    }
    text.remove_prefix(kInline.size());
    auto bytes = base::from_base64(take_until(text, '|'));
    if (!bytes) {
        return malformed("the key is not base64");
    }
    MasterKey key;
    key.key = srtp::Secret(*std::move(bytes));
    if (key.key.size() != suite.key_bytes + suite.salt_bytes) {
        return malformed(fmt::format("{} takes {} bytes of key and salt, not {}",
                                     suite.name,
                                     suite.key_bytes + suite.salt_bytes,
                                     key.key.size()));
    }
    // Either may stand alone; only the MKI has a colon.
    while (!text.empty()) {
        const std::string_view part = take_until(text, '|');
        if (part.find(':') != std::string_view::npos) {
            auto mki = parse_mki(part);
            if (!mki || !key.mki.empty()) {
                return malformed("bad MKI");
            }
            key.mki = *std::move(mki);
        } else {
            const auto lifetime = parse_lifetime(part);
            if (!lifetime || !key.mki.empty()) {
                return malformed("bad lifetime");
            }
            key.lifetime = *lifetime;
        }
    }
    return key;
}

Result<void> parse_keys(std::string_view text, Protection& protection) {
    while (!text.empty()) {
        auto key = parse_key(take_until(text, ';'), srtp::traits(protection.suite));
        if (!key) {
            return std::move(key).error();
        }
        protection.keys.push_back(*std::move(key));
    }
    const auto& keys = protection.keys;
    if (keys.empty()) {
        return malformed("no key");
    }
    constexpr std::size_t kMaxKeys = 16;
    if (keys.size() > kMaxKeys) {
        return unsupported(fmt::format("more than {} keys", kMaxKeys));
    }
    for (std::size_t i = 0; i < keys.size() && keys.size() > 1; ++i) {
        if (keys[i].mki.empty() || keys[i].mki.size() != keys.front().mki.size()) {
            return malformed("several keys without MKIs of one length");
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (keys[i].mki == keys[j].mki) {
                return malformed("one MKI for two keys");
            }
        }
    }
    return {};
}

/// RFC 4568 6.3.
Result<void> parse_parameter(std::string_view text, Protection& protection) {
    const auto is = [text](std::string_view name) { return equals_ignoring_case(text, name); };
    const auto starts = [text](std::string_view name) {
        return equals_ignoring_case(text.substr(0, name.size()), name);
    };
    if (is("UNENCRYPTED_SRTP")) {
        protection.encrypts_rtp = false;
    } else if (is("UNENCRYPTED_SRTCP")) {
        protection.encrypts_rtcp = false;
    } else if (is("UNAUTHENTICATED_SRTP")) {
        protection.authenticates_rtp = false;
    } else if (starts("WSH=")) {
        const auto window = whole_number(text.substr(4));
        if (!window || *window < 64) {
            return malformed("WSH below 64");
        }
        // A hint (RFC 4568 6.3.6): ours is larger than most, and never smaller than theirs.
        protection.replay_window =
            std::clamp<std::uint32_t>(*window, protection.replay_window, 0x7FFF);
    } else if (is("FEC_ORDER=FEC_SRTP") || is("KDR=0") || starts("-")) {
        return {};
    } else {
        return unsupported(fmt::format("session parameter {} (RFC 4568 6.3.7)", without_key(text)));
    }
    return {};
}

}  // namespace

Result<Crypto> parse_crypto(std::string_view value) {
    Crypto crypto;
    const auto tag_text = take_word(value);
    const auto tag = whole_number(tag_text);
    constexpr std::uint32_t kMaxTag = 999'999'999;
    if (!tag || *tag > kMaxTag || (tag_text.size() > 1 && tag_text.starts_with('0'))) {
        return malformed("bad tag");
    }
    crypto.tag = *tag;
    crypto.suite_name = take_word(value);
    const auto suite = srtp::suite_of(crypto.suite_name);
    if (!suite) {
        return unsupported(fmt::format("suite {} is not known", without_key(crypto.suite_name)));
    }
    crypto.protection.suite = *suite;
    if (auto keys = parse_keys(take_word(value), crypto.protection); !keys) {
        return std::move(keys).error();
    }
    for (auto parameter = take_word(value); !parameter.empty(); parameter = take_word(value)) {
        if (auto taken = parse_parameter(parameter, crypto.protection); !taken) {
            return std::move(taken).error();
        }
    }
    const Protection& agreed = crypto.protection;
    if (srtp::traits(*suite).is_aead && (!agreed.encrypts_rtp || !agreed.authenticates_rtp)) {
        return unsupported("GCM without encryption or authentication (RFC 7714 14)");
    }
    return crypto;
}

std::string write_crypto(const Crypto& crypto) {
    std::string text = fmt::format("{} {} ", crypto.tag, crypto.suite_name);
    std::string_view separator;
    for (const MasterKey& key : crypto.protection.keys) {
        text += fmt::format("{}inline:{}", separator, base::to_base64(key.key.bytes()));
        if (key.lifetime != srtp::kMaxLifetime) {
            text += fmt::format("|{}", key.lifetime);
        }
        if (!key.mki.empty()) {
            std::uint64_t value = 0;
            for (const std::byte byte : key.mki) {
                value = value << 8U | std::to_integer<std::uint64_t>(byte);
            }
            text += fmt::format("|{}:{}", value, key.mki.size());
        }
        separator = ";";
    }
    if (!crypto.protection.encrypts_rtp) {
        text += " UNENCRYPTED_SRTP";
    }
    if (!crypto.protection.encrypts_rtcp) {
        text += " UNENCRYPTED_SRTCP";
    }
    if (!crypto.protection.authenticates_rtp) {
        text += " UNAUTHENTICATED_SRTP";
    }
    return text;
}

}  // namespace siprec::sdp
