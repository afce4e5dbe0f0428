#include <siprec/sdp.hpp>

#include <catch2/catch.hpp>

#include <string>

using siprec::sdp::blank_keys;

TEST_CASE("sdp: keys are overwritten and nothing else", "[unit][sdp][rfc4568]") {
    const auto [line, blanked] = GENERATE(table<std::string, std::string>({
        {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0",
         "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:********"},
        {"a=crypto:1 SUITE inline:c2Vj|2^20|1:4 UNENCRYPTED_SRTCP",
         "a=crypto:1 SUITE inline:****|2^20|1:4 UNENCRYPTED_SRTCP"},
        {"a=crypto:2 SUITE inline:a+/=|2^20|1:4;inline:bbbb|2^20|2:4",
         "a=crypto:2 SUITE inline:****|2^20|1:4;inline:****|2^20|2:4"},
        {"a=crypto:1 SUITE inline:aaaa FEC_KEY=inline:bbbb",
         "a=crypto:1 SUITE inline:**** FEC_KEY=inline:****"},
        {" A=Crypto :1 SUITE INLINE: aaaa|2^20", " A=Crypto :1 SUITE INLINE: ****|2^20"},
        {"a= crypto:1 SUITE inline:aaaa", "a= crypto:1 SUITE inline:****"},
        {"a=crypto:1 SUITE other:aaaa more", "a=crypto:1 SUITE ********** ****"},
        {"a=key-mgmt:mikey AQAF", "a=key-mgmt:***** ****"},
        {"k=base64:aaaa", "k=***********"},
        {"a=crypto:", "a=crypto:"},
        {"a=crypto:1 SUITE inline:", "a=crypto:1 SUITE inline:"},
        {"a=label:inline:abc", "a=label:inline:abc"},
        {"s=a=crypto:1 SUITE inline:abc", "s=a=crypto:1 SUITE inline:abc"},
        {"", ""},
    }));
    CHECK(blank_keys(line) == blanked);
    CHECK(blank_keys("v=0\r\n" + line + "\r\na=label:1\r\n") ==
          "v=0\r\n" + blanked + "\r\na=label:1\r\n");
    CHECK(blank_keys("v=0\n" + line + "\n" + line) == "v=0\n" + blanked + "\n" + blanked);
}

TEST_CASE("sdp: a key that has been overwritten stays as it is", "[unit][sdp]") {
    const std::string once = blank_keys("a=crypto:1 SUITE inline:aaaa|2^20;inline:bbbb\r\n");
    CHECK(blank_keys(once) == once);
}
