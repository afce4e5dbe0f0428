// OpenSSL 3 marks its SHA1_ functions as deprecated in favour of EVP, whose HMAC allocates and
// looks up for each packet and costs more than the hash itself.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(cppcoreguidelines-macro-usage)

#include "srtp/fast_types.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <memory>
#include <new>

namespace siprec::srtp {

namespace {

constexpr std::size_t kTag = SHA_DIGEST_LENGTH;

/// RFC 2104: the hash states behind the padded key, made once for a key.
struct HmacState {
    SHA_CTX inner{};
    SHA_CTX outer{};
    SHA_CTX running{};
};

extern "C" {

static srtp_err_status_t hmac_alloc(srtp_auth_pointer_t* auth,
                                    int key_bytes,
                                    int tag_bytes) noexcept {
    if (key_bytes < 0 || key_bytes > static_cast<int>(kTag) || tag_bytes < 0 ||
        tag_bytes > static_cast<int>(kTag)) {
        return srtp_err_status_bad_param;
    }
    std::unique_ptr<HmacState> state(new (std::nothrow) HmacState);
    std::unique_ptr<srtp_auth_t> made(new (std::nothrow) srtp_auth_t{});
    if (!state || !made) {
        return srtp_err_status_alloc_fail;
    }
    made->type = &fast_hmac_type();
    made->out_len = tag_bytes;
    made->key_len = key_bytes;
    made->state = state.release();
    *auth = made.release();
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_dealloc(srtp_auth_pointer_t auth) noexcept {
    const std::unique_ptr<srtp_auth_t> owned(auth);
    if (owned) {
        const std::unique_ptr<HmacState> state(static_cast<HmacState*>(owned->state));
        OPENSSL_cleanse(state.get(), sizeof(HmacState));
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_init(void* state, const std::uint8_t* key, int key_bytes) noexcept {
    if (key_bytes < 0 || key_bytes > SHA_CBLOCK) {
        return srtp_err_status_bad_param;
    }
    auto& hmac = *static_cast<HmacState*>(state);
    std::array<std::uint8_t, SHA_CBLOCK> pad{};
    std::copy_n(key, key_bytes, pad.begin());
    for (std::uint8_t& byte : pad) {
        byte ^= 0x36U;
    }
    bool done =
        SHA1_Init(&hmac.inner) == 1 && SHA1_Update(&hmac.inner, pad.data(), pad.size()) == 1;
    for (std::uint8_t& byte : pad) {
        byte ^= 0x36U ^ 0x5cU;
    }
    done = done && SHA1_Init(&hmac.outer) == 1 &&
           SHA1_Update(&hmac.outer, pad.data(), pad.size()) == 1;
    OPENSSL_cleanse(pad.data(), pad.size());
    hmac.running = hmac.inner;
    return done ? srtp_err_status_ok : srtp_err_status_init_fail;
}

static srtp_err_status_t hmac_start(void* state) noexcept {
    auto& hmac = *static_cast<HmacState*>(state);
    hmac.running = hmac.inner;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_update(void* state, const std::uint8_t* bytes, int count) noexcept {
    auto& hmac = *static_cast<HmacState*>(state);
    return count >= 0 && SHA1_Update(&hmac.running, bytes, static_cast<std::size_t>(count)) == 1
               ? srtp_err_status_ok
               : srtp_err_status_auth_fail;
}

static srtp_err_status_t hmac_compute(
    void* state, const std::uint8_t* bytes, int count, int tag_bytes, std::uint8_t* tag) noexcept {
    if (tag_bytes < 0 || tag_bytes > static_cast<int>(kTag)) {
        return srtp_err_status_bad_param;
    }
    if (const auto status = hmac_update(state, bytes, count); status != srtp_err_status_ok) {
        return status;
    }
    auto& hmac = *static_cast<HmacState*>(state);
    std::array<std::uint8_t, kTag> digest{};
    SHA_CTX outer = hmac.outer;
    if (SHA1_Final(digest.data(), &hmac.running) != 1 ||
        SHA1_Update(&outer, digest.data(), digest.size()) != 1 ||
        SHA1_Final(digest.data(), &outer) != 1) {
        return srtp_err_status_auth_fail;
    }
    std::copy_n(digest.begin(), tag_bytes, tag);
    return srtp_err_status_ok;
}

}  // extern "C"

// RFC 2202 3, case 1.
constexpr std::array<std::uint8_t, 20> kKey{0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                            0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                            0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
constexpr std::array<std::uint8_t, 8> kData{'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
constexpr std::array<std::uint8_t, kTag> kDigest{0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72,
                                                 0x64, 0xe2, 0x8b, 0xc0, 0xb6, 0xfb, 0x37,
                                                 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};

srtp_auth_test_case_t known_answer() noexcept {
    srtp_auth_test_case_t known{};
    known.key_length_octets = static_cast<int>(kKey.size());
    known.key = kKey.data();
    known.data_length_octets = static_cast<int>(kData.size());
    known.data = kData.data();
    known.tag_length_octets = static_cast<int>(kDigest.size());
    known.tag = kDigest.data();
    return known;
}

srtp_auth_type_t make_type(const srtp_auth_test_case_t& known) noexcept {
    srtp_auth_type_t type{};
    type.alloc = hmac_alloc;
    type.dealloc = hmac_dealloc;
    type.init = hmac_init;
    type.compute = hmac_compute;
    type.update = hmac_update;
    type.start = hmac_start;
    type.description = "HMAC-SHA1 by OpenSSL";
    type.test_data = &known;
    type.id = SRTP_HMAC_SHA1;
    return type;
}

}  // namespace

const srtp_auth_type_t& fast_hmac_type() noexcept {
    static const srtp_auth_test_case_t known = known_answer();
    static const srtp_auth_type_t type = make_type(known);
    return type;
}

}  // namespace siprec::srtp
