#include "sip/digest.hpp"

#include "tls/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace siprec::sip {

using tls::Hash;

namespace {

// Nonces in use at the same time; beyond, clients are asked again until some have expired.
constexpr std::size_t kMostNonces = 100'000;

bool equals(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view skip_space(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

/// Takes a token or a quoted string (RFC 3261 25.1) off the front.
std::optional<std::string> take_value(std::string_view& text) {
    std::string value;
    if (!text.starts_with('"')) {
        const std::size_t end = std::min(text.find_first_of(", \t\r\n"), text.size());
        value = text.substr(0, end);
        text.remove_prefix(end);
        return value;
    }
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return value;
        }
        if (text[i] == '\\' && i + 1 < text.size()) {
            ++i;
        }
        value += text[i];
    }
    return std::nullopt;
}

std::string* field(Credentials& credentials, std::string_view name) {
    const std::array<std::pair<std::string_view, std::string*>, 9> fields{{
        {"username", &credentials.username},
        {"realm", &credentials.realm},
        {"nonce", &credentials.nonce},
        {"uri", &credentials.uri},
        {"response", &credentials.response},
        {"algorithm", &credentials.algorithm},
        {"cnonce", &credentials.cnonce},
        {"qop", &credentials.qop},
        {"nc", &credentials.nc},
    }};
    const auto found = std::ranges::find_if(
        fields, [name](const auto& known) { return equals(known.first, name); });
    return found == fields.end() ? nullptr : found->second;
}

std::optional<Hash> hash_of(std::string_view algorithm) {
    if (algorithm.empty() || equals(algorithm, "MD5")) {
        return Hash::Md5;
    }
    return equals(algorithm, "SHA-256") ? std::optional(Hash::Sha256) : std::nullopt;
}

std::int64_t seconds_of(SteadyTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

std::optional<Credentials> parse_credentials(std::string_view header) {
    constexpr std::string_view kScheme = "Digest";
    header = skip_space(header);
    if (header.size() <= kScheme.size() || !equals(header.substr(0, kScheme.size()), kScheme) ||
        std::isspace(static_cast<unsigned char>(header[kScheme.size()])) == 0) {
        return std::nullopt;
    }
    header = skip_space(header.substr(kScheme.size()));
    Credentials credentials;
    while (!header.empty()) {
        const std::size_t equal = header.find('=');
        if (equal == std::string_view::npos) {
            return std::nullopt;
        }
        std::string_view name = header.substr(0, equal);
        name = name.substr(0, name.find_last_not_of(" \t") + 1);
        header = skip_space(header.substr(equal + 1));
        auto value = take_value(header);
        if (!value) {
            return std::nullopt;
        }
        if (std::string* target = field(credentials, name)) {
            *target = std::move(*value);
        }
        header = skip_space(header);
        if (!header.empty() && header.front() != ',') {
            return std::nullopt;
        }
        header = header.empty() ? header : skip_space(header.substr(1));
    }
    return credentials;
}

DigestGuard::DigestGuard(DigestConfig config)
    : config_(std::move(config)), key_(tls::random_hex(32)) {
    for (const DigestUser& user : config_.users) {
        const std::string a1 = fmt::format("{}:{}:{}", user.name, config_.realm, user.password);
        const bool by_password = !user.password.empty();
        users_[user.name] = {
            .md5 = by_password ? tls::hex_digest(Hash::Md5, a1) : user.ha1_md5,
            .sha256 = by_password ? tls::hex_digest(Hash::Sha256, a1) : user.ha1_sha256};
    }
    config_.users.clear();
}

bool DigestGuard::asks(const IpAddress& source) const {
    return !users_.empty() &&
           std::ranges::none_of(config_.exempt_sources, [&source](const Subnet& subnet) {
               return subnet.contains(source);
           });
}

std::string DigestGuard::make_nonce(SteadyTime now) const {
    // The random part makes each nonce its own, so that the counts of two clients do not meet.
    const std::string body = fmt::format("{:x}.{}", seconds_of(now), tls::random_hex(8));
    return fmt::format("{}.{}", body, tls::hex_hmac(key_, body).substr(0, 32));
}

bool DigestGuard::is_fresh(std::string_view nonce, SteadyTime now) const {
    const std::size_t dot = nonce.rfind('.');
    if (dot == std::string_view::npos) {
        return false;
    }
    const std::string_view body = nonce.substr(0, dot);
    if (!tls::equal_secrets(nonce.substr(dot + 1), tls::hex_hmac(key_, body).substr(0, 32))) {
        return false;
    }
    std::int64_t made = 0;
    static_cast<void>(std::from_chars(body.data(), body.data() + body.size(), made, 16));
    return seconds_of(now) - made < config_.nonce_lifetime.count();
}

bool DigestGuard::is_answer_right(const Credentials& given, std::string_view method) const {
    const auto user = users_.find(given.username);
    const auto hash = hash_of(given.algorithm);
    if (user == users_.end() || !hash || !equals(given.qop, "auth")) {
        return false;
    }
    const std::string& ha1 = *hash == Hash::Md5 ? user->second.md5 : user->second.sha256;
    if (ha1.empty()) {
        return false;
    }
    // RFC 7616 3.4.1 to 3.4.3.
    const std::string ha2 = tls::hex_digest(*hash, fmt::format("{}:{}", method, given.uri));
    const std::string wanted = tls::hex_digest(
        *hash, fmt::format("{}:{}:{}:{}:auth:{}", ha1, given.nonce, given.nc, given.cnonce, ha2));
    return tls::equal_secrets(given.response, wanted);
}

bool DigestGuard::use_nonce(const Credentials& given, SteadyTime now) {
    std::uint32_t count = 0;
    const char* end = given.nc.data() + given.nc.size();
    const auto [stop, error] = std::from_chars(given.nc.data(), end, count, 16);
    if (error != std::errc{} || stop != end || count == 0) {
        return false;
    }
    if (const auto known = used_.find(given.nonce); known != used_.end()) {
        // RFC 7616 3.4: a count that does not grow is a replay.
        const bool grows = count > known->second.highest;
        known->second.highest = std::max(known->second.highest, count);
        return grows;
    }
    if (used_.size() >= kMostNonces) {
        std::erase_if(used_, [&](const auto& entry) { return entry.second.expires <= now; });
    }
    if (used_.size() >= kMostNonces) {
        return false;
    }
    used_.emplace(given.nonce, NonceUse{.expires = now + config_.nonce_lifetime, .highest = count});
    return true;
}

DigestGuard::Outcome DigestGuard::check(std::string_view method,
                                        const std::vector<std::string>& authorizations,
                                        SteadyTime now) {
    Outcome outcome;
    for (const std::string& header : authorizations) {
        const auto given = parse_credentials(header);
        if (!given || given->realm != config_.realm) {
            continue;  // for somebody else on the way (RFC 3261 22.1)
        }
        if (!is_answer_right(*given, method)) {
            outcome.verdict = Verdict::Wrong;
        } else if (!is_fresh(given->nonce, now) || !use_nonce(*given, now)) {
            // The password was right: the client may try again without asking its user.
            outcome.verdict = Verdict::Stale;
        } else {
            return {.verdict = Verdict::Good, .user = given->username};
        }
    }
    return outcome;
}

std::vector<std::string> DigestGuard::challenges(bool stale, SteadyTime now) const {
    const auto has = [this](std::string Secrets::*hash) {
        return std::ranges::any_of(
            users_, [hash](const auto& user) { return !(user.second.*hash).empty(); });
    };
    const std::string nonce = make_nonce(now);
    std::vector<std::string> found;
    for (const auto& [hash, name] :
         {std::pair(&Secrets::sha256, "SHA-256"), std::pair(&Secrets::md5, "MD5")}) {
        if (has(hash)) {
            found.push_back(
                fmt::format("Digest realm=\"{}\", nonce=\"{}\", qop=\"auth\", algorithm={}{}",
                            config_.realm,
                            nonce,
                            name,
                            stale ? ", stale=true" : ""));
        }
    }
    return found;
}

}  // namespace siprec::sip
