#include "sip/digest.hpp"

#include "tls/hash.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <regex>

using namespace siprec;
using namespace siprec::sip;
using namespace std::chrono_literals;
using Verdict = DigestGuard::Verdict;

namespace {

const SteadyTime kNow{1'000'000s};

DigestConfig config() {
    DigestConfig config;
    config.realm = "recorder";
    config.users = {{.name = "src", .password = "secret", .ha1_md5 = {}, .ha1_sha256 = {}},
                    {.name = "old",
                     .password = {},
                     .ha1_md5 = tls::hex_digest(tls::Hash::Md5, "old:recorder:geheim"),
                     .ha1_sha256 = {}}};
    config.exempt_sources = {*Subnet::parse("192.0.2.0/24")};
    config.nonce_lifetime = 60s;
    return config;
}

struct Answer {
    std::string user = "src";
    std::string password = "secret";
    std::string method = "INVITE";
    std::string nc = "00000001";
    std::string qop = "auth";
};

std::string answer(const std::string& challenge, const Answer& with = {}) {
    std::smatch nonce;
    std::regex_search(challenge, nonce, std::regex("nonce=\"([^\"]+)\""));
    const bool is_sha256 = challenge.find("SHA-256") != std::string::npos;
    const auto digest = [is_sha256](const std::string& text) {
        return tls::hex_digest(is_sha256 ? tls::Hash::Sha256 : tls::Hash::Md5, text);
    };
    const std::string response =
        digest(fmt::format("{}:{}:{}:x:auth:{}",
                           digest(fmt::format("{}:recorder:{}", with.user, with.password)),
                           nonce[1].str(),
                           with.nc,
                           digest(with.method + ":sip:srs")));
    return fmt::format(
        "Digest username=\"{}\", realm=\"recorder\", nonce=\"{}\", uri=\"sip:srs\", "
        "response=\"{}\", algorithm={}, cnonce=\"x\", qop={}, nc={}",
        with.user,
        nonce[1].str(),
        response,
        is_sha256 ? "SHA-256" : "MD5",
        with.qop,
        with.nc);
}

}  // namespace

TEST_CASE("digest: the strongest challenge stands first", "[unit][sip][rfc8760]") {
    const auto challenges = DigestGuard(config()).challenges(false, kNow);
    REQUIRE(challenges.size() == 2);
    CHECK(challenges[0].find("algorithm=SHA-256") != std::string::npos);
    CHECK(challenges[1].find("algorithm=MD5") != std::string::npos);
    CHECK(challenges[0].find("stale") == std::string::npos);
    CHECK(DigestGuard(config()).challenges(true, kNow)[0].find("stale=true") != std::string::npos);
}

TEST_CASE("digest: a right answer is good once for each count",
          "[unit][sip][rfc8760][7866-12.1-2]") {
    DigestGuard guard(config());
    const std::string challenge = guard.challenges(false, kNow)[0];
    CHECK(guard.check("INVITE", {answer(challenge)}, kNow).verdict == Verdict::Good);
    CHECK(guard.check("INVITE", {answer(challenge)}, kNow).verdict == Verdict::Stale);
    const auto second = guard.check("INVITE", {answer(challenge, {.nc = "00000002"})}, kNow);
    CHECK(second.verdict == Verdict::Good);
    CHECK(second.user == "src");
}

TEST_CASE("digest: what does not fit is wrong", "[unit][sip][rfc8760]") {
    DigestGuard guard(config());
    const auto challenges = guard.challenges(false, kNow);
    CHECK(guard.check("INVITE", {answer(challenges[0], {.password = "x"})}, kNow).verdict ==
          Verdict::Wrong);
    CHECK(guard.check("INVITE", {answer(challenges[0], {.user = "nobody"})}, kNow).verdict ==
          Verdict::Wrong);
    CHECK(guard.check("INVITE", {answer(challenges[0], {.method = "BYE"})}, kNow).verdict ==
          Verdict::Wrong);
    CHECK(guard.check("INVITE", {answer(challenges[0], {.qop = "auth-int"})}, kNow).verdict ==
          Verdict::Wrong);
    // Only the MD5 hash of this user is known.
    const Answer old{.user = "old", .password = "geheim"};
    CHECK(guard.check("INVITE", {answer(challenges[0], old)}, kNow).verdict == Verdict::Wrong);
    CHECK(guard.check("INVITE", {answer(challenges[1], old)}, kNow).verdict == Verdict::Good);
    CHECK(guard.check("INVITE", {}, kNow).verdict == Verdict::Missing);
    CHECK(guard.check("INVITE", {"Basic abc", "Digest realm=\"other\""}, kNow).verdict ==
          Verdict::Missing);
}

TEST_CASE("digest: a nonce grows old, and a made-up one was never young", "[unit][sip][rfc8760]") {
    DigestGuard guard(config());
    const std::string challenge = guard.challenges(false, kNow)[0];
    CHECK(guard.check("INVITE", {answer(challenge)}, kNow + 61s).verdict == Verdict::Stale);
    CHECK(guard
              .check("INVITE",
                     {answer("nonce=\"ffffffff.0.00000000000000000000000000000000\" SHA-256")},
                     kNow)
              .verdict == Verdict::Stale);
}

TEST_CASE("digest: exempt sources are not asked, and without users nobody is", "[unit][sip]") {
    const DigestGuard guard(config());
    CHECK_FALSE(guard.asks(*IpAddress::parse("192.0.2.9")));
    CHECK_FALSE(guard.asks(*IpAddress::parse("::ffff:192.0.2.9")));
    CHECK(guard.asks(*IpAddress::parse("192.0.3.9")));
    CHECK_FALSE(DigestGuard({}).asks(*IpAddress::parse("192.0.3.9")));
}

TEST_CASE("digest: credentials are read as the grammar has them", "[unit][sip][rfc7616]") {
    const auto read = parse_credentials(
        "dIgEsT  username = \"a \\\"b\\\\\" ,\r\n nc=00000001,unknown=\"x,y\", QOP=auth");
    REQUIRE(read);
    CHECK(read->username == "a \"b\\");
    CHECK(read->nc == "00000001");
    CHECK(read->qop == "auth");
    for (const char* bad : {"",
                            "Digest",
                            "Digestusername=a",
                            "Basic x",
                            "Digest a",
                            "Digest a=\"b",
                            "Digest a=b c=d"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_credentials(bad));
    }
}
