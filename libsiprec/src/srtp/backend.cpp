#include "srtp/backend.hpp"

#include "base/mutex.hpp"
#include "srtp/context.hpp"
#include "srtp/fast_types.hpp"

#include <siprec/srtp.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace siprec::srtp {

namespace {

using Bytes = std::vector<std::byte>;

/// What a sender with a fixed key makes of fixed packets.
Result<std::vector<Bytes>> sample(const SuiteTraits& suite) {
    Bytes key(suite.key_bytes + suite.salt_bytes);
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<std::byte>(i * 37 + 11);
    }
    MasterKey master;
    master.key = Secret(std::move(key));
    Protection protection;
    protection.suite = suite.suite;
    protection.keys.push_back(std::move(master));
    const Policy policy(protection, ssrc_any_outbound);
    auto context = Context::create(policy.get());
    if (!context) {
        return std::move(context).error();
    }
    std::vector<Bytes> made;
    for (const std::size_t payload : {0U, 1U, 15U, 16U, 33U, 160U, 1200U}) {
        for (const bool is_rtcp : {false, true}) {
            // Whole words, as RTCP has to be.
            Bytes packet(is_rtcp ? 12 + payload / 4 * 4 : 12 + payload, std::byte{0x5A});
            packet[0] = std::byte{0x80};
            packet[1] = is_rtcp ? std::byte{201} : std::byte{0};
            packet[2] = std::byte{0};
            packet[3] = static_cast<std::byte>(payload & 0xFFU);
            if (!(is_rtcp ? context->protect_rtcp(packet, false)
                          : context->protect_rtp(packet, false))) {
                return Error(ErrorCode::Internal,
                             fmt::format("{}: a packet cannot be protected", suite.name));
            }
            made.push_back(std::move(packet));
        }
    }
    return made;
}

Result<void> check(srtp_err_status_t status, std::string_view what) {
    if (status == srtp_err_status_ok) {
        return {};
    }
    return Error(ErrorCode::Internal,
                 fmt::format("libsrtp2: {} fails with status {}", what, static_cast<int>(status)));
}

Result<void> replace(std::span<const srtp_cipher_type_t> ciphers, const srtp_auth_type_t& auth) {
    for (const srtp_cipher_type_t& cipher : ciphers) {
        if (auto done = check(srtp_replace_cipher_type(&cipher, cipher.id), cipher.description);
            !done) {
            return done;
        }
    }
    return check(srtp_replace_auth_type(&auth, auth.id), auth.description);
}

Result<void> replace_and_compare(std::span<const srtp_cipher_type_t> ciphers,
                                 const srtp_auth_type_t& auth) {
    std::vector<std::vector<Bytes>> expected;
    for (const SuiteTraits& suite : kSuites) {
        auto packets = sample(suite);
        if (!packets) {
            return std::move(packets).error();
        }
        expected.push_back(*std::move(packets));
    }
    if (auto replaced = replace(ciphers, auth); !replaced) {
        return replaced;
    }
    for (std::size_t i = 0; i < kSuites.size(); ++i) {
        const auto packets = sample(kSuites.at(i));
        if (!packets || *packets != expected[i]) {
            return Error(ErrorCode::Internal,
                         fmt::format("{}: OpenSSL's packets differ from libsrtp2's own",
                                     kSuites.at(i).name));
        }
    }
    return {};
}

Result<Backend> start_once() {
    if (auto started = check(srtp_init(), "start"); !started) {
        return Error(ErrorCode::Unsupported, started.error().message());
    }
    const bool is_installed = install(fast_ciphers(), fast_hmac_type()).has_value();
    return is_installed ? Backend::Fast : Backend::Builtin;
}

struct Started {
    base::Mutex mutex;
    std::optional<Result<Backend>> result SIPREC_GUARDED_BY(mutex);
};

Started& started() {
    static Started instance;
    return instance;
}

}  // namespace

Result<void> install(std::span<const srtp_cipher_type_t> ciphers, const srtp_auth_type_t& auth) {
    auto installed = replace_and_compare(ciphers, auth);
    if (!installed) {
        if (auto restored = restore_builtin(); !restored) {
            return restored;
        }
    }
    return installed;
}

Result<void> restore_builtin() {
    // The only way back is a new kernel.
    if (srtp_shutdown() != srtp_err_status_ok || srtp_init() != srtp_err_status_ok) {
        return Error(ErrorCode::Unsupported, "libsrtp2 does not start again");
    }
    return {};
}

Result<Backend> start() {
    Started& state = started();
    const base::MutexLock lock(state.mutex);
    if (!state.result) {
        state.result = start_once();
    }
    return *state.result;
}

}  // namespace siprec::srtp
