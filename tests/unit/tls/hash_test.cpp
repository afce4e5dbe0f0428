#include "tls/hash.hpp"

#include <catch2/catch.hpp>

using namespace siprec::tls;

TEST_CASE("hash: digests are those of the standards", "[unit][tls]") {
    CHECK(hex_digest(Hash::Md5, "abc") == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(hex_digest(Hash::Sha256, "abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex_hmac("Jefe", "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("hash: random text is long and never the same", "[unit][tls]") {
    CHECK(random_hex(16).size() == 32);
    CHECK(random_hex(16) != random_hex(16));
}

TEST_CASE("hash: secrets are equal only byte by byte", "[unit][tls]") {
    CHECK(equal_secrets("abc", "abc"));
    CHECK_FALSE(equal_secrets("abc", "abd"));
    CHECK_FALSE(equal_secrets("abc", "ab"));
}
