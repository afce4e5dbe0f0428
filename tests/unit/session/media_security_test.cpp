#include "session/media_security.hpp"

#include "session/recording_session.hpp"

#include <siprec/keying.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>

namespace {

using namespace siprec;
using session::agree;
using session::Agreement;
using session::SecurityTerms;
using srtp::Suite;

constexpr const char* kKey128 = "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
constexpr const char* kOther128 = "inline:HRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA";

std::string crypto(int tag, const std::string& suite, const std::string& rest) {
    return "a=crypto:" + std::to_string(tag) + " " + suite + " " + rest + "\r\n";
}

std::string eighty(const std::string& rest = kKey128, int tag = 1) {
    return crypto(tag, "AES_CM_128_HMAC_SHA1_80", rest);
}

const std::string& fingerprint() {
    static const std::string line = [] {
        std::string text = "a=fingerprint:sha-256 AA";
        for (int i = 1; i < 32; ++i) {
            text += ":AA";
        }
        return text + "\r\n";
    }();
    return line;
}

sdp::SessionDescription offer(const std::string& profile,
                              const std::string& attributes,
                              const std::string& port = "6000") {
    return *sdp::parse(
        "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
        "m=audio " +
        port + " " + profile + " 0\r\na=sendonly\r\n" + attributes);
}

SecurityTerms terms(SrtpPolicy policy = SrtpPolicy::Prefer) {
    static const auto certificate = *srtp::Certificate::generate();
    SecurityTerms terms;
    terms.config.policy = policy;
    terms.certificate = certificate;
    terms.signalling_is_secure = true;
    return terms;
}

struct Answer {
    Result<Agreement> agreed = Agreement{};
    std::vector<std::string> notes;

    [[nodiscard]] const srtp::SdesKeys* sdes() const {
        return agreed ? std::get_if<srtp::SdesKeys>(&agreed->keying) : nullptr;
    }

    [[nodiscard]] const srtp::DtlsTerms* dtls() const {
        return agreed ? std::get_if<srtp::DtlsTerms>(&agreed->keying) : nullptr;
    }

    [[nodiscard]] bool is_plain() const {
        return agreed && std::holds_alternative<std::monostate>(agreed->keying);
    }

    [[nodiscard]] std::string value(const std::string& name) const {
        const auto& answer = agreed->answer;
        const auto found = std::find_if(
            answer.begin(), answer.end(), [&](const auto& a) { return a.name == name; });
        return found == answer.end() ? "" : found->value;
    }
};

Answer ask(const sdp::SessionDescription& offered,
           const SecurityTerms& with = terms(),
           const Agreement* before = nullptr) {
    Answer answer;
    answer.agreed = agree(offered, offered.media.at(0), with, before, answer.notes);
    return answer;
}

class Ports final : public session::PortSource {
  public:
    Result<session::StreamPorts> open(const Uuid& /*stream*/,
                                      const std::optional<IpAddress>& /*client*/,
                                      bool /*rtcp_mux*/) override {
        const Endpoint rtp{.address = IpAddress::v4({192, 0, 2, 9}), .port = 30000};
        return session::StreamPorts{.rtp = rtp, .rtcp = rtp};
    }
};

}  // namespace

TEST_CASE("security: SDES is answered with the offer's tag and suite and a key of our own",
          "[unit][session][rfc4568][7866-12.2-1][7866-12.2-2][4568-5.1.2-2][4568-7.1.2-1]") {
    const auto profile = GENERATE(as<std::string>(), "RTP/SAVP", "RTP/SAVPF");
    const auto& suite = GENERATE(from_range(srtp::kSuites));
    const auto key = srtp::Secret::random(suite.key_bytes + suite.salt_bytes);
    sdp::Crypto line;
    line.tag = 7;
    line.suite_name = suite.name;
    line.protection.suite = suite.suite;
    line.protection.keys.push_back({key, {}, srtp::kMaxLifetime});
    const auto answer = ask(offer(profile, "a=crypto:" + sdp::write_crypto(line) + "\r\n"));
    REQUIRE(answer.sdes() != nullptr);
    CHECK(answer.sdes()->receive.keys.at(0).key == key);
    const auto ours = sdp::parse_crypto(answer.value("crypto"));
    REQUIRE(ours);
    CHECK(ours->tag == 7);
    CHECK(ours->suite_name == suite.name);
    CHECK(ours->protection.keys.at(0).key == answer.sdes()->send.keys.at(0).key);
    CHECK_FALSE(ours->protection.keys.at(0).key == key);
}

TEST_CASE("security: the first usable line is taken, or the policy's best",
          "[unit][session][rfc4568][4568-5.1.2-1]") {
    const std::string lines = crypto(1, "F8_128_HMAC_SHA1_80", kKey128) +
                              crypto(2, "AES_CM_128_HMAC_SHA1_32", kKey128) +
                              eighty("inline:short", 3) + eighty(kOther128, 4);
    auto with = terms();
    auto answer = ask(offer("RTP/SAVP", lines), with);
    REQUIRE(answer.sdes() != nullptr);
    CHECK(answer.value("crypto").starts_with("2 AES_CM_128_HMAC_SHA1_32 inline:"));
    CHECK(answer.notes.size() == 2);
    with.config.suites = {Suite::AeadAes256Gcm, Suite::AesCm128HmacSha1_80};
    answer = ask(offer("RTP/SAVP", lines), with);
    CHECK(answer.value("crypto").starts_with("4 AES_CM_128_HMAC_SHA1_80 inline:"));
    with.config.suites = {Suite::AeadAes256Gcm};
    CHECK_FALSE(ask(offer("RTP/SAVP", lines), with).agreed);
}

TEST_CASE("security: notes tell what was wrong and never a key", "[unit][session][7866-12.2-4]") {
    const std::string secret = std::string(kKey128).substr(7);
    const auto answer = ask(offer("RTP/SAVP",
                                  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + secret +
                                      "AAAA\r\n" + "a=crypto:2 inline:" + secret + "\r\n" +
                                      eighty(std::string(kKey128) + " FEC_KEY=inline:" + secret) +
                                      eighty(std::string(kKey128) + " ;inline:" + secret)));
    REQUIRE_FALSE(answer.agreed);
    CHECK(answer.notes.size() == 4);
    for (const auto& note : answer.notes) {
        CHECK(note.find(secret.substr(0, 8)) == std::string::npos);
    }
}

TEST_CASE("security: a secure profile without usable keys is refused, never taken in clear",
          "[unit][session][7866-12.2-3]") {
    const auto attributes = GENERATE(as<std::string>(),
                                     "",
                                     "a=crypto:1 ARIA_128 inline:AAAA\r\n",
                                     "a=crypto:nonsense\r\n",
                                     "a=fingerprint:md5 00\r\n");
    const auto profile = GENERATE(as<std::string>(), "RTP/SAVP", "UDP/TLS/RTP/SAVPF");
    CHECK_FALSE(ask(offer(profile, attributes)).agreed);
}

TEST_CASE("security: session parameters are agreed to, refused or ignored",
          "[unit][session][rfc4568][4568-6.3.2-1][4568-6.3.7-1]") {
    const auto [parameters, is_taken, echoed] = GENERATE(table<std::string, bool, std::string>({
        {"UNENCRYPTED_SRTCP", true, " UNENCRYPTED_SRTCP"},
        {"UNENCRYPTED_SRTP", true, " UNENCRYPTED_SRTP"},
        {"unencrypted_srtp UNENCRYPTED_SRTCP", true, " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP"},
        {"WSH=128", true, ""},
        {"WSH=63", false, ""},
        {"KDR=0", true, ""},
        {"KDR=24", false, ""},
        {"UNAUTHENTICATED_SRTP", false, ""},
        {"FEC_ORDER=FEC_SRTP", true, ""},
        {"FEC_ORDER=SRTP_FEC", false, ""},
        {"-X=unknown", true, ""},
        {"X=unknown", false, ""},
    }));
    CAPTURE(parameters);
    const auto answer = ask(offer("RTP/SAVP", eighty(kKey128 + (" " + parameters))));
    REQUIRE(answer.agreed.has_value() == is_taken);
    if (is_taken) {
        const std::string value = answer.value("crypto");
        CHECK(value.substr(std::min(value.find(' ', value.find("inline:")), value.size())) ==
              echoed);
    }
}

TEST_CASE("security: UNAUTHENTICATED_SRTP is taken where it is allowed",
          "[unit][session][rfc4568][4568-6.3.2-1]") {
    auto with = terms();
    with.config.unauthenticated_srtp = true;
    const auto answer =
        ask(offer("RTP/SAVP", eighty(kKey128 + std::string(" UNAUTHENTICATED_SRTP"))), with);
    REQUIRE(answer.sdes() != nullptr);
    CHECK_FALSE(answer.sdes()->receive.authenticates_rtp);
}

TEST_CASE("security: the same key from the same address goes on, another begins anew",
          "[unit][session][rfc4568][4568-7.1.4-1][7866-12.2-10]") {
    auto first = ask(offer("RTP/SAVP", eighty()));
    REQUIRE(first.sdes() != nullptr);
    CHECK(first.agreed->is_new);
    const auto again = [&](const sdp::SessionDescription& next) {
        return ask(next, terms(), &*first.agreed);
    };
    const auto same = again(offer("RTP/SAVP", eighty()));
    CHECK_FALSE(same.agreed->is_new);
    CHECK(same.value("crypto") == first.value("crypto"));
    const auto other_key = again(offer("RTP/SAVP", eighty(kOther128)));
    CHECK(other_key.agreed->is_new);
    CHECK(other_key.value("crypto") != first.value("crypto"));
    const auto other_port = again(offer("RTP/SAVP", eighty(), "6010"));
    CHECK(other_port.agreed->is_new);
    CHECK(other_port.value("crypto") != first.value("crypto"));
    auto held = offer("RTP/SAVP", eighty());
    held.media[0].connection = IpAddress{};
    CHECK_FALSE(again(held).agreed->is_new);
}

TEST_CASE("security: keys that came for all to read are warned of or refused",
          "[unit][session][rfc4568][4568-8.3-1][8643-4-1]") {
    auto with = terms();
    with.signalling_is_secure = false;
    const auto warned = ask(offer("RTP/SAVP", eighty()), with);
    CHECK(warned.sdes() != nullptr);
    CHECK(warned.notes.size() == 1);
    with.config.sdes_needs_tls = true;
    CHECK_FALSE(ask(offer("RTP/SAVP", eighty()), with).agreed);
    CHECK(ask(offer("RTP/AVP", eighty()), with).is_plain());
}

TEST_CASE("security: plain profiles with keys are encrypted as the policy says",
          "[unit][session][rfc8643][8643-3.2-1][8643-4-2][4568-6-1]") {
    CHECK(ask(offer("RTP/AVP", eighty())).sdes() != nullptr);
    CHECK(ask(offer("RTP/AVPF", fingerprint() + "a=setup:actpass\r\n")).dtls() != nullptr);
    // One keying method, not two.
    const auto both = ask(offer("RTP/AVP", eighty() + fingerprint() + "a=setup:actpass\r\n"));
    CHECK(both.dtls() != nullptr);
    CHECK(both.value("crypto").empty());
    CHECK(ask(offer("RTP/AVP", "")).is_plain());
    CHECK(ask(offer("RTP/AVP", "a=crypto:1 X inline:AA\r\n")).is_plain());
    CHECK(ask(offer("RTP/AVP", eighty()), terms(SrtpPolicy::Off)).is_plain());
    CHECK_FALSE(ask(offer("RTP/SAVP", eighty()), terms(SrtpPolicy::Off)).agreed);
    CHECK_FALSE(ask(offer("RTP/AVP", eighty()), terms(SrtpPolicy::Require)).agreed);
    CHECK_FALSE(ask(offer("RTP/AVP", ""), terms(SrtpPolicy::Require)).agreed);
    CHECK(ask(offer("RTP/SAVP", eighty()), terms(SrtpPolicy::Require)).sdes() != nullptr);
}

TEST_CASE("security: DTLS is answered in the role that the offer leaves",
          "[unit][session][rfc5763][5763-5-1][5764-8-1]") {
    const auto profile =
        GENERATE(as<std::string>(), "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "RTP/SAVP");
    const auto [setup, role, answered] = GENERATE(table<std::string, srtp::DtlsRole, std::string>({
        {"a=setup:actpass\r\n", srtp::DtlsRole::Client, "active"},
        {"a=setup:passive\r\n", srtp::DtlsRole::Client, "active"},
        {"a=setup:active\r\n", srtp::DtlsRole::Server, "passive"},
        {"", srtp::DtlsRole::Server, "passive"},
    }));
    const auto answer = ask(offer(profile, fingerprint() + setup));
    REQUIRE(answer.dtls() != nullptr);
    CHECK(answer.dtls()->role == role);
    CHECK(answer.value("setup") == answered);
    CHECK(sdp::parse_fingerprint(answer.value("fingerprint")) ==
          terms().certificate->fingerprint());
    CHECK(answer.value("tls-id").empty());
    CHECK(answer.dtls()->suites.size() == 4);
    CHECK_FALSE(ask(offer(profile, fingerprint() + "a=setup:holdconn\r\n")).agreed);
}

TEST_CASE("security: a fingerprint of the session holds for lines without",
          "[unit][session][rfc5763]") {
    auto whole = offer("UDP/TLS/RTP/SAVP", "a=setup:actpass\r\n");
    whole.attributes = offer("RTP/AVP", fingerprint()).media[0].attributes;
    CHECK(ask(whole).dtls() != nullptr);
}

TEST_CASE("security: an association lasts until SDP says that there is another",
          "[unit][session][rfc8842][8842-5.3-1]") {
    const std::string setup = "a=setup:actpass\r\n";
    const auto first = ask(offer("UDP/TLS/RTP/SAVP", fingerprint() + setup + "a=tls-id:abc\r\n"));
    REQUIRE(first.dtls() != nullptr);
    CHECK_FALSE(first.value("tls-id").empty());
    const auto again = [&](const std::string& attributes, const std::string& port = "6000") {
        return ask(offer("UDP/TLS/RTP/SAVP", attributes, port), terms(), &*first.agreed);
    };
    const auto same = again(fingerprint() + setup + "a=tls-id:abc\r\n", "6002");
    CHECK_FALSE(same.agreed->is_new);
    CHECK(same.value("tls-id") == first.value("tls-id"));
    const auto other = again(fingerprint() + setup + "a=tls-id:def\r\n");
    CHECK(other.agreed->is_new);
    CHECK(other.value("tls-id") != first.value("tls-id"));
    std::string changed = fingerprint();
    changed.replace(changed.find("AA"), 2, "BB");
    CHECK(again(changed + setup + "a=tls-id:abc\r\n").agreed->is_new);
}

TEST_CASE("security: SHA-1 is taken for a fingerprint unless forbidden",
          "[unit][session][rfc8122]") {
    std::string line = "a=fingerprint:SHA-1 00";
    for (int i = 1; i < 20; ++i) {
        line += ":00";
    }
    line += "\r\na=setup:active\r\n";
    auto with = terms();
    CHECK(ask(offer("UDP/TLS/RTP/SAVP", line), with).dtls() != nullptr);
    with.config.sha1_fingerprints = false;
    CHECK_FALSE(ask(offer("UDP/TLS/RTP/SAVP", line), with).agreed);
}

TEST_CASE("security: where encryption is required our own offer has keys, and the ACK the client's",
          "[unit][session][rfc4568][7866-12.2-2]") {
    Ports ports;

    session::RecordingSession machine(
        {.sdp_session_id = 1, .security = terms(SrtpPolicy::Require)});
    const auto offered = machine.on_offer(true, std::vector<BodyPart>{}, ports);
    REQUIRE(offered.reply.status == 200);
    const auto ours = sdp::parse(offered.reply.body);
    REQUIRE(ours);
    REQUIRE(ours->media.size() == 2);
    std::set<std::string> keys;
    for (const auto& media : ours->media) {
        CHECK(media.protocol == "RTP/SAVP");
        CHECK(media.port != 0);
        for (const auto& attribute : media.attributes) {
            if (attribute.name == "crypto") {
                keys.insert(attribute.value);
            }
        }
    }
    CHECK(keys.size() == 2);
    const std::string answer =
        "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
        "m=audio 6000 RTP/SAVP 0\r\na=sendonly\r\n" +
        eighty() + "m=audio 0 RTP/SAVP 0\r\n";
    const auto outcome = machine.on_ack(parse_body("application/sdp", "", answer));
    REQUIRE(outcome.changes.size() == 2);
    REQUIRE(outcome.changes[0].keying);
    const auto* agreed = std::get_if<srtp::SdesKeys>(&*outcome.changes[0].keying);
    REQUIRE(agreed != nullptr);
    CHECK(agreed->receive ==
          sdp::parse_crypto(eighty().substr(9, eighty().size() - 11))->protection);
    CHECK(keys.contains(sdp::write_crypto(
        {.tag = 1, .suite_name = "AES_CM_128_HMAC_SHA1_80", .protection = agreed->send})));
}

TEST_CASE("security: one key on two m-lines is noted, and ours differ all the same",
          "[unit][session][rfc3711][3711-9.1-1][4568-7.1.2-1]") {
    Ports ports;
    session::RecordingSession machine({.sdp_session_id = 1, .security = terms()});
    const std::string line = "m=audio 6000 RTP/SAVP 0\r\na=sendonly\r\n" + eighty();
    const auto outcome = machine.on_offer(
        true,
        parse_body(
            "application/sdp",
            "",
            "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" +
                line + line),
        ports);
    REQUIRE(outcome.changes.size() == 2);
    REQUIRE(outcome.notes.size() == 1);
    CHECK(outcome.notes[0].find("RFC 3711 9.1") != std::string::npos);
    const auto own = [&](std::size_t i) {
        return std::get<srtp::SdesKeys>(*outcome.changes.at(i).keying).send.keys;
    };
    CHECK_FALSE(own(0) == own(1));
}
