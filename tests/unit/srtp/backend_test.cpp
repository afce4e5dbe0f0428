#include "srtp/backend.hpp"

#include "srtp/fast_types.hpp"

#include <siprec/srtp.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

using namespace siprec::srtp;

namespace {

// A cipher that leaves packets of one byte as they are: no known answer is so short.
std::array<srtp_cipher_type_t, 5>& lazy_ciphers();

srtp_err_status_t lazy_alloc(srtp_cipher_pointer_t* cipher, int key_bytes, int tag_bytes) {
    const auto status = fast_ciphers()[0].alloc(cipher, key_bytes, tag_bytes);
    if (status == srtp_err_status_ok) {
        (*cipher)->type = lazy_ciphers().data();
    }
    return status;
}

srtp_err_status_t lazy_encrypt(void* state, std::uint8_t* buffer, unsigned int* bytes) {
    return *bytes == 1 ? srtp_err_status_ok : fast_ciphers()[0].encrypt(state, buffer, bytes);
}

std::array<srtp_cipher_type_t, 5>& lazy_ciphers() {
    static auto types = [] {
        auto copy = fast_ciphers();
        copy[0].alloc = lazy_alloc;
        copy[0].encrypt = lazy_encrypt;
        return copy;
    }();
    return types;
}

srtp_auth_type_t& wrong_hmac();

srtp_err_status_t wrong_alloc(srtp_auth_pointer_t* auth, int key_bytes, int tag_bytes) {
    const auto status = fast_hmac_type().alloc(auth, key_bytes, tag_bytes);
    if (status == srtp_err_status_ok) {
        (*auth)->type = &wrong_hmac();
    }
    return status;
}

srtp_err_status_t wrong_compute(void* /*state*/,
                                const std::uint8_t* /*bytes*/,
                                int /*count*/,
                                int tag_bytes,
                                std::uint8_t* tag) {
    std::fill_n(tag, tag_bytes, std::uint8_t{0});
    return srtp_err_status_ok;
}

srtp_auth_type_t& wrong_hmac() {
    static auto type = [] {
        auto copy = fast_hmac_type();
        copy.alloc = wrong_alloc;
        copy.compute = wrong_compute;
        return copy;
    }();
    return type;
}

}  // namespace

TEST_CASE("backend: OpenSSL's types pass the known answers and agree with libsrtp2's own",
          "[unit][srtp][rfc3711][3711-5-1]") {
    CHECK(start().value() == Backend::Fast);
    CHECK(install(fast_ciphers(), fast_hmac_type()).has_value());
}

TEST_CASE("backend: a cipher that makes other packets is not used", "[unit][srtp]") {
    REQUIRE(start().has_value());
    CHECK_FALSE(install(lazy_ciphers(), fast_hmac_type()).has_value());
    CHECK(install(fast_ciphers(), fast_hmac_type()).has_value());
}

TEST_CASE("backend: an authentication that misses its known answer is not used", "[unit][srtp]") {
    REQUIRE(start().has_value());
    CHECK_FALSE(install(fast_ciphers(), wrong_hmac()).has_value());
    CHECK(install(fast_ciphers(), fast_hmac_type()).has_value());
}
