#include <siprec/keying.hpp>

#include <catch2/catch.hpp>

#include <string>

using siprec::sdp::parse_crypto;
using siprec::sdp::parse_fingerprint;
using siprec::sdp::write_crypto;

namespace {

constexpr const char* kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";  // 30 bytes
const std::string kSuite = "AES_CM_128_HMAC_SHA1_80";

std::string line(const std::string& behind_key) {
    return "1 " + kSuite + " inline:" + kKey + behind_key;
}

}  // namespace

TEST_CASE("crypto: lines by the grammar are read", "[unit][sdp][rfc4568][4568-6.1-2]") {
    const auto [text, lifetime, mki] = GENERATE(table<std::string, std::uint64_t, std::size_t>({
        {"", siprec::srtp::kMaxLifetime, 0},
        {"|2^20", 1U << 20U, 0},
        {"|1000", 1000, 0},
        {"|2^48", siprec::srtp::kMaxLifetime, 0},
        {"|1:4", siprec::srtp::kMaxLifetime, 4},
        {"|2^20|1:4", 1U << 20U, 4},
        {"|2^20|66051:128", 1U << 20U, 128},
    }));
    CAPTURE(text);
    const auto crypto = parse_crypto(line(text));
    REQUIRE(crypto);
    CHECK(crypto->tag == 1);
    CHECK(crypto->protection.keys.at(0).lifetime == lifetime);
    CHECK(crypto->protection.keys.at(0).mki.size() == mki);
    CHECK(crypto->protection.keys.at(0).key.size() == 30);
    const auto again = parse_crypto(write_crypto(*crypto));
    REQUIRE(again);
    CHECK(again->protection == crypto->protection);
}

TEST_CASE("crypto: lines against the grammar are refused",
          "[unit][sdp][rfc4568][4568-6.1-1][4568-6.1-2]") {
    const std::string text = GENERATE(as<std::string>(),
                                      "",
                                      "1",
                                      "1 " + kSuite,
                                      "x " + kSuite + " inline:" + kKey,
                                      "01 " + kSuite + " inline:" + kKey,
                                      "1000000000 " + kSuite + " inline:" + kKey,
                                      "1 " + kSuite + " outline:" + kKey,
                                      "1 " + kSuite + " inline:",
                                      "1 " + kSuite + " inline:" + std::string(kKey).substr(1),
                                      "1 " + kSuite + " inline:" + std::string(kKey).substr(4),
                                      "1 " + kSuite + " inline:" + kKey + "AAAA",
                                      "1 " + kSuite + " inline:" + kKey + "!",
                                      line("|0"),
                                      line("|020"),
                                      line("|2^0x"),
                                      line("|2^49"),
                                      line("|2^64"),
                                      line("|281474976710657"),
                                      line("|1:0"),
                                      line("|1:129"),
                                      line("|256:1"),
                                      line("|1:04"),
                                      line("|1:4|2^20"),
                                      line(";inline:" + std::string(kKey)),
                                      line("|1:4;inline:" + std::string(kKey) + "|2:3"),
                                      line("|1:4;inline:" + std::string(kKey) + "|1:4"));
    CAPTURE(text);
    CHECK_FALSE(parse_crypto(text));
}

TEST_CASE("crypto: several keys have MKIs", "[unit][sdp][rfc4568][4568-6.1-2]") {
    const auto crypto = parse_crypto(line("|2^20|1:2;inline:" + std::string(kKey) + "|2^20|258:2"));
    REQUIRE(crypto);
    REQUIRE(crypto->protection.keys.size() == 2);
    CHECK(crypto->protection.keys[1].mki == std::vector<std::byte>{std::byte{1}, std::byte{2}});
    const auto again = parse_crypto(write_crypto(*crypto));
    REQUIRE(again);
    CHECK(again->protection == crypto->protection);
}

TEST_CASE("crypto: padding of the key may be missing", "[unit][sdp][rfc4568][4568-6.1-1]") {
    // 46 bytes: 62 characters and two of padding.
    const std::string key(62, 'A');
    for (const auto* padding : {"", "=="}) {
        const auto crypto = parse_crypto("1 AES_256_CM_HMAC_SHA1_80 inline:" + key + padding);
        REQUIRE(crypto);
        CHECK(crypto->protection.keys[0].key.size() == 46);
    }
    CHECK_FALSE(parse_crypto("1 AES_256_CM_HMAC_SHA1_80 inline:" + key + "==="));
}

TEST_CASE("crypto: GCM does not go without encryption or authentication", "[unit][sdp][rfc7714]") {
    const std::string start = "1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";
    CHECK(parse_crypto(start));
    CHECK(parse_crypto(start + " UNENCRYPTED_SRTCP"));
    CHECK_FALSE(parse_crypto(start + " UNENCRYPTED_SRTP"));
    CHECK_FALSE(parse_crypto(start + " UNAUTHENTICATED_SRTP"));
}

TEST_CASE("fingerprint: a known hash with a digest of its size is read", "[unit][sdp][rfc8122]") {
    std::string pairs = "0a";
    for (int i = 1; i < 20; ++i) {
        pairs += ":FF";
    }
    const auto read = parse_fingerprint("SHA-1 " + pairs);
    REQUIRE(read);
    CHECK(read->digest.front() == std::byte{0x0A});
    CHECK(parse_fingerprint(siprec::sdp::write_fingerprint(*read)) == read);
    CHECK_FALSE(parse_fingerprint("sha-256 " + pairs));
    CHECK_FALSE(parse_fingerprint("md5 " + pairs));
    CHECK_FALSE(parse_fingerprint("sha-1 " + pairs + ":0"));
    CHECK_FALSE(parse_fingerprint("sha-1 " + pairs.substr(3) + ":gg"));
    CHECK_FALSE(parse_fingerprint("sha-1"));
    CHECK_FALSE(parse_fingerprint(""));
}
