#include "srtp/policy.hpp"

#include <fmt/format.h>
#include <srtp2/crypto_types.h>

#include <algorithm>

namespace siprec::srtp {

namespace {

Error bad(std::string message) {
    return {ErrorCode::InvalidArgument, std::move(message)};
}

void set_suite(Suite suite, srtp_crypto_policy_t& rtp, srtp_crypto_policy_t& rtcp) noexcept {
    // RFC 3711 5.2: the tag of SRTCP keeps 80 bits also where SRTP's has 32.
    switch (suite) {
        case Suite::AesCm128HmacSha1_80:
        case Suite::AesCm128HmacSha1_32:
            srtp_crypto_policy_set_rtp_default(&rtcp);
            break;
        case Suite::AesCm192HmacSha1_80:
        case Suite::AesCm192HmacSha1_32:
            srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&rtcp);
            break;
        case Suite::AesCm256HmacSha1_80:
        case Suite::AesCm256HmacSha1_32:
            srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&rtcp);
            break;
        case Suite::AeadAes128Gcm:
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&rtcp);
            break;
        case Suite::AeadAes256Gcm:
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&rtcp);
            break;
    }
    rtp = rtcp;
    rtp.auth_tag_len = static_cast<int>(traits(suite).tag_bytes);
}

srtp_sec_serv_t services(bool encrypts, bool authenticates) noexcept {
    if (encrypts && authenticates) {
        return sec_serv_conf_and_auth;
    }
    if (encrypts) {
        return sec_serv_conf;
    }
    return authenticates ? sec_serv_auth : sec_serv_none;
}

// libsrtp2 takes keys by pointers to what is not const, and only reads them.
unsigned char* unconst(std::span<const std::byte> bytes) noexcept {
    return const_cast<unsigned char*>(  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        reinterpret_cast<const unsigned char*>(bytes.data()));
}

}  // namespace

Result<void> Policy::check(const Protection& protection) {
    const SuiteTraits& suite = traits(protection.suite);
    if (protection.keys.empty() || protection.keys.size() > SRTP_MAX_NUM_MASTER_KEYS) {
        return bad(fmt::format("{} master keys; 1 to {} can be used",
                               protection.keys.size(),
                               SRTP_MAX_NUM_MASTER_KEYS));
    }
    const std::size_t mki_bytes = protection.keys.front().mki.size();
    for (const MasterKey& key : protection.keys) {
        if (key.key.size() != suite.key_bytes + suite.salt_bytes) {
            return bad(fmt::format("{} takes {} bytes of key and salt, not {} (RFC 4568 6.1)",
                                   suite.name,
                                   suite.key_bytes + suite.salt_bytes,
                                   key.key.size()));
        }
        if (key.mki.size() != mki_bytes || mki_bytes > SRTP_MAX_MKI_LEN ||
            (mki_bytes == 0 && protection.keys.size() > 1)) {
            return bad(
                "several master keys need MKIs of one length, at most 128 bytes "
                "(RFC 4568 6.1)");
        }
    }
    if (suite.is_aead && !protection.authenticates_rtp) {
        return bad(fmt::format("{} cannot go without authentication (RFC 7714 5.2)", suite.name));
    }
    return {};
}

Policy::Policy(const Protection& protection, srtp_ssrc_type_t direction)
    : protection_(protection), uses_mki_(!protection.keys.front().mki.empty()) {
    for (const MasterKey& key : protection_.keys) {
        keys_.push_back({.key = unconst(key.key.bytes()),
                         .mki_id = unconst(key.mki),
                         .mki_size = static_cast<unsigned int>(key.mki.size())});
    }
    for (srtp_master_key_t& key : keys_) {
        key_pointers_.push_back(&key);
    }
    set_suite(protection_.suite, policy_.rtp, policy_.rtcp);
    policy_.rtp.sec_serv = services(protection_.encrypts_rtp, protection_.authenticates_rtp);
    if (!protection_.authenticates_rtp) {
        // libsrtp2 would look for a tag's length of bytes that is not there.
        policy_.rtp.auth_type = SRTP_NULL_AUTH;
        policy_.rtp.auth_key_len = 0;
        policy_.rtp.auth_tag_len = 0;
    }
    policy_.rtcp.sec_serv = services(protection_.encrypts_rtcp, true);
    policy_.ssrc.type = direction;
    policy_.keys = key_pointers_.data();
    policy_.num_master_keys = key_pointers_.size();
    policy_.window_size = std::clamp<std::uint32_t>(protection_.replay_window, 64, 0x7FFF);
}

srtp_policy_t Policy::for_ssrc(std::uint32_t ssrc) const noexcept {
    srtp_policy_t policy = policy_;
    policy.ssrc = {.type = ssrc_specific, .value = ssrc};
    return policy;
}

}  // namespace siprec::srtp
