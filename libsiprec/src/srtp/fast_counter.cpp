#include "srtp/evp.hpp"
#include "srtp/fast_types.hpp"

#include <algorithm>
#include <new>
#include <span>

namespace siprec::srtp {

namespace {

constexpr std::size_t kBlock = 16;
constexpr int kSalt = 14;

struct CounterState {
    EvpCipherContext context{EVP_CIPHER_CTX_new()};
    const EVP_CIPHER* cipher = nullptr;
    std::size_t key_bytes = 0;
    std::array<std::uint8_t, kBlock> salt{};
};

const EVP_CIPHER* cipher_of(int key_bytes) noexcept {
    static const EvpCipher aes128 = fetch_cipher("AES-128-CTR");
    static const EvpCipher aes192 = fetch_cipher("AES-192-CTR");
    static const EvpCipher aes256 = fetch_cipher("AES-256-CTR");
    switch (key_bytes) {
        case 16:
            return aes128.get();
        case 24:
            return aes192.get();
        case 32:
            return aes256.get();
        default:
            return nullptr;
    }
}

std::size_t type_index(int key_bytes) noexcept {
    return static_cast<std::size_t>((key_bytes - 16) / 8);
}

extern "C" {

static srtp_err_status_t counter_alloc(srtp_cipher_pointer_t* cipher,
                                       int key_and_salt_bytes,
                                       int /*tag_bytes*/) noexcept {
    const int key_bytes = key_and_salt_bytes - kSalt;
    const EVP_CIPHER* evp = cipher_of(key_bytes);
    if (evp == nullptr) {
        return srtp_err_status_bad_param;
    }
    std::unique_ptr<CounterState> state(new (std::nothrow) CounterState);
    std::unique_ptr<srtp_cipher_t> made(new (std::nothrow) srtp_cipher_t{});
    if (!state || !state->context || !made) {
        return srtp_err_status_alloc_fail;
    }
    state->cipher = evp;
    state->key_bytes = static_cast<std::size_t>(key_bytes);
    made->type = &fast_counter_types().at(type_index(key_bytes));
    made->algorithm = static_cast<int>(made->type->id);
    made->key_len = key_and_salt_bytes;
    made->state = state.release();
    *cipher = made.release();
    return srtp_err_status_ok;
}

static srtp_err_status_t counter_dealloc(srtp_cipher_pointer_t cipher) noexcept {
    const std::unique_ptr<srtp_cipher_t> owned(cipher);
    if (owned) {
        const std::unique_ptr<CounterState> state(static_cast<CounterState*>(owned->state));
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t counter_init(void* state, const std::uint8_t* key) noexcept {
    auto& counter = *static_cast<CounterState*>(state);
    counter.salt.fill(0);
    std::copy_n(key + counter.key_bytes, kSalt, counter.salt.begin());
    const int done =
        EVP_EncryptInit_ex2(counter.context.get(), counter.cipher, key, nullptr, nullptr);
    return done == 1 ? srtp_err_status_ok : srtp_err_status_init_fail;
}

static srtp_err_status_t counter_set_iv(void* state,
                                        std::uint8_t* iv,
                                        srtp_cipher_direction_t /*direction*/) noexcept {
    auto& counter = *static_cast<CounterState*>(state);
    // RFC 3711 4.1.1: the salt is XORed into what SSRC and packet index make.
    std::array<std::uint8_t, kBlock> first{};
    for (std::size_t i = 0; i < kBlock; ++i) {
        first.at(i) = static_cast<std::uint8_t>(counter.salt.at(i) ^ iv[i]);
    }
    const int done =
        EVP_EncryptInit_ex2(counter.context.get(), nullptr, nullptr, first.data(), nullptr);
    return done == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t counter_encrypt(void* state,
                                         std::uint8_t* buffer,
                                         unsigned int* bytes) noexcept {
    auto& counter = *static_cast<CounterState*>(state);
    int done = 0;
    if (EVP_EncryptUpdate(counter.context.get(), buffer, &done, buffer, static_cast<int>(*bytes)) !=
        1) {
        return srtp_err_status_cipher_fail;
    }
    *bytes = static_cast<unsigned int>(done);
    return srtp_err_status_ok;
}

}  // extern "C"

// RFC 3711 B.2, RFC 6188 7.2 and 7.1: the key stream for an index of zero.
constexpr std::array<std::uint8_t, 30> kKey128{
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
    0x3c, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
constexpr std::array<std::uint8_t, 38> kKey192{
    0xea, 0xb2, 0x34, 0x76, 0x4e, 0x51, 0x7b, 0x2d, 0x3d, 0x16, 0x0d, 0x58, 0x7d,
    0x8c, 0x86, 0x21, 0x97, 0x40, 0xf6, 0x5f, 0x99, 0xb6, 0xbc, 0xf7, 0xf0, 0xf1,
    0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
constexpr std::array<std::uint8_t, 46> kKey256{
    0x57, 0xf8, 0x2f, 0xe3, 0x61, 0x3f, 0xd1, 0x70, 0xa8, 0x5e, 0xc9, 0x3c, 0x40, 0xb1, 0xf0, 0x92,
    0x2e, 0xc4, 0xcb, 0x0d, 0xc0, 0x25, 0xb5, 0x82, 0x72, 0x14, 0x7c, 0xc4, 0x38, 0x94, 0x4a, 0x98,
    0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
constexpr std::array<std::uint8_t, 32> kStream128{
    0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
    0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab};
constexpr std::array<std::uint8_t, 32> kStream192{
    0x35, 0x09, 0x6c, 0xba, 0x46, 0x10, 0x02, 0x8d, 0xc1, 0xb5, 0x75, 0x03, 0x80, 0x4c, 0xe3, 0x7c,
    0x5d, 0xe9, 0x86, 0x29, 0x1d, 0xcc, 0xe1, 0x61, 0xd5, 0x16, 0x5e, 0xc4, 0x56, 0x8f, 0x5c, 0x9a};
constexpr std::array<std::uint8_t, 32> kStream256{
    0x92, 0xbd, 0xd2, 0x8a, 0x93, 0xc3, 0xf5, 0x25, 0x11, 0xc6, 0x77, 0xd0, 0x8b, 0x55, 0x15, 0xa4,
    0x9d, 0xa7, 0x1b, 0x23, 0x78, 0xa8, 0x54, 0xf6, 0x70, 0x50, 0x75, 0x6d, 0xed, 0x16, 0x5b, 0xac};
constexpr std::array<std::uint8_t, 32> kZeros{};

// libsrtp2's table of test cases holds the index by a pointer to what is not const.
std::array<std::uint8_t, kBlock> zero_index{};

srtp_cipher_test_case_t known_answer(std::span<const std::uint8_t> key,
                                     std::span<const std::uint8_t> stream) noexcept {
    srtp_cipher_test_case_t known{};
    known.key_length_octets = static_cast<int>(key.size());
    known.key = key.data();
    known.idx = zero_index.data();
    known.plaintext_length_octets = static_cast<unsigned int>(kZeros.size());
    known.plaintext = kZeros.data();
    known.ciphertext_length_octets = static_cast<unsigned int>(stream.size());
    known.ciphertext = stream.data();
    return known;
}

srtp_cipher_type_t counter_type(const char* description,
                                const srtp_cipher_test_case_t& known,
                                srtp_cipher_type_id_t id) noexcept {
    srtp_cipher_type_t type{};
    type.alloc = counter_alloc;
    type.dealloc = counter_dealloc;
    type.init = counter_init;
    type.encrypt = counter_encrypt;
    type.decrypt = counter_encrypt;
    type.set_iv = counter_set_iv;
    type.description = description;
    type.test_data = &known;
    type.id = id;
    return type;
}

}  // namespace

const std::array<srtp_cipher_type_t, 3>& fast_counter_types() noexcept {
    static const std::array<srtp_cipher_test_case_t, 3> known{known_answer(kKey128, kStream128),
                                                              known_answer(kKey192, kStream192),
                                                              known_answer(kKey256, kStream256)};
    static const std::array<srtp_cipher_type_t, 3> types{
        counter_type("AES-128 counter mode by OpenSSL", known[0], SRTP_AES_ICM_128),
        counter_type("AES-192 counter mode by OpenSSL", known[1], SRTP_AES_ICM_192),
        counter_type("AES-256 counter mode by OpenSSL", known[2], SRTP_AES_ICM_256)};
    return types;
}

}  // namespace siprec::srtp
