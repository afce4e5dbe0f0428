#include "digest.hpp"

#include <siprec/uuid.hpp>

#include <openssl/evp.h>

#include <array>

namespace srcsim {

namespace {

std::string hex_digest(const EVP_MD* hash, const std::string& data) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    std::string text;
    if (EVP_Digest(data.data(), data.size(), digest.data(), &length, hash, nullptr) == 1) {
        for (unsigned int i = 0; i < length; ++i) {
            text += kDigits[digest.at(i) >> 4U];
            text += kDigits[digest.at(i) & 0xFU];
        }
    }
    return text;
}

/// The value of a parameter such as realm="..." or algorithm=MD5.
std::string parameter(std::string_view challenge, const std::string& name) {
    const std::size_t at = challenge.find(name + "=");
    if (at == std::string_view::npos) {
        return {};
    }
    std::string_view value = challenge.substr(at + name.size() + 1);
    if (value.starts_with('"')) {
        value.remove_prefix(1);
        return std::string{value.substr(0, value.find('"'))};
    }
    return std::string{value.substr(0, value.find_first_of(", "))};
}

}  // namespace

std::optional<std::string> answer_challenge(const Message& response,
                                            std::string_view method,
                                            const std::string& uri,
                                            const std::string& user,
                                            const std::string& password) {
    for (const std::string_view challenge : response.values("WWW-Authenticate")) {
        const std::string algorithm = parameter(challenge, "algorithm");
        const bool is_sha256 = equals_ignoring_case(algorithm, "SHA-256");
        if (!is_sha256 && !algorithm.empty() && !equals_ignoring_case(algorithm, "MD5")) {
            continue;
        }
        const EVP_MD* hash = is_sha256 ? EVP_sha256() : EVP_md5();
        const std::string realm = parameter(challenge, "realm");
        const std::string nonce = parameter(challenge, "nonce");
        const std::string cnonce = siprec::Uuid::random().to_string();
        const std::string ha1 = hex_digest(hash, user + ":" + realm + ":" + password);
        const std::string ha2 = hex_digest(hash, std::string{method} + ":" + uri);
        const std::string answer =
            hex_digest(hash, ha1 + ":" + nonce + ":00000001:" + cnonce + ":auth:" + ha2);
        return "Digest username=\"" + user + "\", realm=\"" + realm + "\", nonce=\"" + nonce +
               "\", uri=\"" + uri + "\", response=\"" + answer +
               "\", algorithm=" + (is_sha256 ? "SHA-256" : "MD5") + ", cnonce=\"" + cnonce +
               "\", qop=auth, nc=00000001";
    }
    return std::nullopt;
}

}  // namespace srcsim
