#include "srtp/evp.hpp"
#include "srtp/fast_types.hpp"

#include <new>
#include <span>

namespace siprec::srtp {

namespace {

constexpr int kSalt = 12;

struct GcmState {
    EvpCipherContext context{EVP_CIPHER_CTX_new()};
    const EVP_CIPHER* cipher = nullptr;
    int tag_bytes = 0;
    bool is_sealing = false;
};

const EVP_CIPHER* cipher_of(int key_bytes) noexcept {
    static const EvpCipher aes128 = fetch_cipher("AES-128-GCM");
    static const EvpCipher aes256 = fetch_cipher("AES-256-GCM");
    if (key_bytes == 16) {
        return aes128.get();
    }
    return key_bytes == 32 ? aes256.get() : nullptr;
}

extern "C" {

static srtp_err_status_t gcm_alloc(srtp_cipher_pointer_t* cipher,
                                   int key_and_salt_bytes,
                                   int tag_bytes) noexcept {
    const int key_bytes = key_and_salt_bytes - kSalt;
    const EVP_CIPHER* evp = cipher_of(key_bytes);
    if (evp == nullptr || (tag_bytes != 8 && tag_bytes != 16)) {
        return srtp_err_status_bad_param;
    }
    std::unique_ptr<GcmState> state(new (std::nothrow) GcmState);
    std::unique_ptr<srtp_cipher_t> made(new (std::nothrow) srtp_cipher_t{});
    if (!state || !state->context || !made) {
        return srtp_err_status_alloc_fail;
    }
    state->cipher = evp;
    state->tag_bytes = tag_bytes;
    made->type = &fast_gcm_types().at(key_bytes == 16 ? 0 : 1);
    made->algorithm = static_cast<int>(made->type->id);
    made->key_len = key_and_salt_bytes;
    made->state = state.release();
    *cipher = made.release();
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_dealloc(srtp_cipher_pointer_t cipher) noexcept {
    const std::unique_ptr<srtp_cipher_t> owned(cipher);
    if (owned) {
        const std::unique_ptr<GcmState> state(static_cast<GcmState*>(owned->state));
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_init(void* state, const std::uint8_t* key) noexcept {
    auto& gcm = *static_cast<GcmState*>(state);
    const int done = EVP_CipherInit_ex2(gcm.context.get(), gcm.cipher, key, nullptr, 1, nullptr);
    return done == 1 ? srtp_err_status_ok : srtp_err_status_init_fail;
}

static srtp_err_status_t gcm_set_iv(void* state,
                                    std::uint8_t* iv,
                                    srtp_cipher_direction_t direction) noexcept {
    auto& gcm = *static_cast<GcmState*>(state);
    gcm.is_sealing = direction == srtp_direction_encrypt;
    const int done = EVP_CipherInit_ex2(
        gcm.context.get(), nullptr, nullptr, iv, gcm.is_sealing ? 1 : 0, nullptr);
    return done == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_set_aad(void* state,
                                     const std::uint8_t* data,
                                     std::uint32_t bytes) noexcept {
    int done = 0;
    auto* context = static_cast<GcmState*>(state)->context.get();
    return EVP_CipherUpdate(context, nullptr, &done, data, static_cast<int>(bytes)) == 1
               ? srtp_err_status_ok
               : srtp_err_status_algo_fail;
}

static srtp_err_status_t gcm_encrypt(void* state,
                                     std::uint8_t* buffer,
                                     unsigned int* bytes) noexcept {
    int done = 0;
    auto* context = static_cast<GcmState*>(state)->context.get();
    return EVP_CipherUpdate(context, buffer, &done, buffer, static_cast<int>(*bytes)) == 1
               ? srtp_err_status_ok
               : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_get_tag(void* state,
                                     std::uint8_t* tag,
                                     std::uint32_t* bytes) noexcept {
    const auto& gcm = *static_cast<GcmState*>(state);
    int done = 0;
    if (EVP_CipherFinal_ex(gcm.context.get(), tag, &done) != 1 ||
        EVP_CIPHER_CTX_ctrl(gcm.context.get(), EVP_CTRL_AEAD_GET_TAG, gcm.tag_bytes, tag) != 1) {
        return srtp_err_status_algo_fail;
    }
    *bytes = static_cast<std::uint32_t>(gcm.tag_bytes);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_decrypt(void* state,
                                     std::uint8_t* buffer,
                                     unsigned int* bytes) noexcept {
    const auto& gcm = *static_cast<GcmState*>(state);
    auto* context = gcm.context.get();
    const int length = static_cast<int>(*bytes) - gcm.tag_bytes;
    if (length < 0) {
        return srtp_err_status_bad_param;
    }
    std::array<std::uint8_t, 16> tail{};
    int done = 0;
    const bool is_authentic =
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, gcm.tag_bytes, buffer + length) == 1 &&
        EVP_CipherUpdate(context, buffer, &done, buffer, length) == 1 &&
        EVP_CipherFinal_ex(context, tail.data(), &done) == 1;
    if (!is_authentic) {
        return srtp_err_status_auth_fail;
    }
    *bytes = static_cast<unsigned int>(length);
    return srtp_err_status_ok;
}

}  // extern "C"

// The GCM specification's test cases 4 and 16; the salt behind the key is not part of them.
constexpr std::array<std::uint8_t, 28> kKey128{
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
constexpr std::array<std::uint8_t, 44> kKey256{
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
constexpr std::array<std::uint8_t, 20> kHeader{0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe,
                                               0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad,
                                               0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
constexpr std::array<std::uint8_t, 60> kPlain{
    0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26,
    0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31,
    0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49,
    0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
constexpr std::array<std::uint8_t, 76> kSealed128{
    0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4, 0x9c,
    0xe3, 0xaa, 0x21, 0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac, 0xa1, 0x2e,
    0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66, 0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac, 0x84, 0xaa, 0x05,
    0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d, 0x58, 0xe0, 0x91, 0x5b, 0xc9, 0x4f, 0xbc,
    0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47};
constexpr std::array<std::uint8_t, 76> kSealed256{
    0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d,
    0x64, 0x3a, 0x8c, 0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55, 0xd1, 0xaa,
    0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d, 0xbb, 0x3d, 0xa7, 0xb0, 0x8b, 0x10, 0x56, 0x82, 0x88, 0x38,
    0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc, 0xc9, 0xf6, 0x62, 0x76, 0xfc, 0x6e, 0xce,
    0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b};

// libsrtp2's table of test cases holds the nonce by a pointer to what is not const.
std::array<std::uint8_t, 12> nonce{
    0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};

srtp_cipher_test_case_t known_answer(std::span<const std::uint8_t> key,
                                     std::span<const std::uint8_t> sealed) noexcept {
    srtp_cipher_test_case_t known{};
    known.key_length_octets = static_cast<int>(key.size());
    known.key = key.data();
    known.idx = nonce.data();
    known.plaintext_length_octets = static_cast<unsigned int>(kPlain.size());
    known.plaintext = kPlain.data();
    known.ciphertext_length_octets = static_cast<unsigned int>(sealed.size());
    known.ciphertext = sealed.data();
    known.aad_length_octets = static_cast<int>(kHeader.size());
    known.aad = kHeader.data();
    known.tag_length_octets = static_cast<int>(sealed.size() - kPlain.size());
    return known;
}

srtp_cipher_type_t gcm_type(const char* description,
                            const srtp_cipher_test_case_t& known,
                            srtp_cipher_type_id_t id) noexcept {
    srtp_cipher_type_t type{};
    type.alloc = gcm_alloc;
    type.dealloc = gcm_dealloc;
    type.init = gcm_init;
    type.set_aad = gcm_set_aad;
    type.encrypt = gcm_encrypt;
    type.decrypt = gcm_decrypt;
    type.set_iv = gcm_set_iv;
    type.get_tag = gcm_get_tag;
    type.description = description;
    type.test_data = &known;
    type.id = id;
    return type;
}

}  // namespace

const std::array<srtp_cipher_type_t, 2>& fast_gcm_types() noexcept {
    static const std::array<srtp_cipher_test_case_t, 2> known{known_answer(kKey128, kSealed128),
                                                              known_answer(kKey256, kSealed256)};
    static const std::array<srtp_cipher_type_t, 2> types{
        gcm_type("AES-128 GCM by OpenSSL", known[0], SRTP_AES_GCM_128),
        gcm_type("AES-256 GCM by OpenSSL", known[1], SRTP_AES_GCM_256)};
    return types;
}

const std::array<srtp_cipher_type_t, 5>& fast_ciphers() noexcept {
    static const std::array<srtp_cipher_type_t, 5> types{fast_counter_types()[0],
                                                         fast_counter_types()[1],
                                                         fast_counter_types()[2],
                                                         fast_gcm_types()[0],
                                                         fast_gcm_types()[1]};
    return types;
}

}  // namespace siprec::srtp
