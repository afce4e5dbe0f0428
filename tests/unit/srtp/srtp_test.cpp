#include "unit/srtp/packets.hpp"

#include <siprec/srtp.hpp>

#include <catch2/catch.hpp>

using namespace siprec::srtp;
using siprec::test::Bytes;
using siprec::test::open_rtcp;
using siprec::test::open_rtp;
using siprec::test::random_keys;
using siprec::test::rtcp;
using siprec::test::rtp;

namespace {

Bytes sealed(Sender& sender, Bytes packet) {
    REQUIRE(sender.protect_rtp(packet));
    return packet;
}

Bytes mki(unsigned value) {
    return {std::byte{0}, static_cast<std::byte>(value)};
}

}  // namespace

TEST_CASE("srtp: every suite gives back what was protected",
          "[unit][srtp][rfc3711][rfc6188][rfc7714][7866-12.2-2]") {
    const auto& suite = GENERATE(from_range(kSuites));
    CAPTURE(suite.name);
    const auto keys = random_keys(suite.suite);
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    for (std::uint16_t sequence = 65500; sequence != 100; ++sequence) {
        const Bytes plain = rtp(0x1234, sequence, sequence % 200U);
        const Bytes packet = sealed(sender, plain);
        REQUIRE(packet.size() == plain.size() + suite.tag_bytes);
        REQUIRE((plain.size() < 20 || packet != plain));
        const auto [verdict, opened] = open_rtp(receiver, packet);
        REQUIRE(verdict == Verdict::Ok);
        REQUIRE(opened == plain);
    }
    CHECK(receiver.rollover(0x1234) == 1);
}

TEST_CASE("srtp: RTCP is protected with 80 bits or more of tag in every suite",
          "[unit][srtp][rfc3711][3711-5-1][3711-3.4-1]") {
    const auto& suite = GENERATE(from_range(kSuites));
    CAPTURE(suite.name);
    const auto keys = random_keys(suite.suite);
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    Bytes packet = rtcp(7);
    REQUIRE(sender.protect_rtcp(packet));
    CHECK(packet.size() == 8 + 4 + (suite.is_aead ? 16U : 10U));
    CHECK(open_rtcp(receiver, packet) == std::pair(Verdict::Ok, rtcp(7)));
    CHECK(open_rtcp(receiver, packet).first == Verdict::Replayed);
    packet.back() ^= std::byte{1};
    CHECK(open_rtcp(receiver, packet).first != Verdict::Ok);
}

TEST_CASE("srtp: what is forged leaves no trace and its bytes as they were",
          "[unit][srtp][rfc3711][3711-3.3-1][4568-6.4-1]") {
    const auto& suite = GENERATE(from_range(kSuites));
    CAPTURE(suite.name);
    auto stranger = *Sender::create(random_keys(suite.suite));
    auto receiver = *Receiver::create(random_keys(suite.suite));
    const Bytes packet = sealed(stranger, rtp(9, 1));
    CHECK(open_rtp(receiver, packet) == std::pair(Verdict::Forged, packet));
    CHECK_FALSE(receiver.rollover(9));
    CHECK(open_rtp(receiver, Bytes(11)).first == Verdict::Malformed);
    CHECK(open_rtp(receiver, rtp(9, 2, 0)).first != Verdict::Ok);
}

TEST_CASE("srtp: one changed bit anywhere is noticed", "[unit][srtp][rfc3711][3711-3.3-1]") {
    const auto suite = GENERATE(Suite::AesCm128HmacSha1_80, Suite::AeadAes256Gcm);
    const auto keys = random_keys(suite);
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    const Bytes packet = sealed(sender, rtp(9, 1, 20));
    for (std::size_t i = 1; i < packet.size(); ++i) {
        Bytes changed = packet;
        changed[i] ^= std::byte{0x10};
        CAPTURE(i);
        CHECK(open_rtp(receiver, changed).first == Verdict::Forged);
    }
    CHECK(open_rtp(receiver, packet).first == Verdict::Ok);
}

TEST_CASE("srtp: replays are told from late packets", "[unit][srtp][rfc3711][3711-3.3.2-1]") {
    auto keys = random_keys(Suite::AesCm128HmacSha1_80);
    keys.replay_window = 64;
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    const Bytes late = sealed(sender, rtp(9, 100));
    const Bytes too_late = sealed(sender, rtp(9, 99));
    CHECK(open_rtp(receiver, sealed(sender, rtp(9, 163))).first == Verdict::Ok);
    CHECK(open_rtp(receiver, late).first == Verdict::Ok);
    CHECK(open_rtp(receiver, late).first == Verdict::Replayed);
    CHECK(open_rtp(receiver, too_late).first == Verdict::Replayed);
}

TEST_CASE("srtp: each SSRC has its own counter and replay list",
          "[unit][srtp][rfc3711][3711-3.2.1-1][4568-6.4-1][5764-5.1.2-1]") {
    const auto keys = random_keys(Suite::AesCm128HmacSha1_80);
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    for (const std::uint32_t ssrc : {1U, 2U, 3U}) {
        CHECK(open_rtp(receiver, sealed(sender, rtp(ssrc, 5))).first == Verdict::Ok);
        CHECK(receiver.rollover(ssrc) == 0);
    }
}

TEST_CASE("srtp: a stream is decrypted that was joined after its counter rolled over",
          "[unit][srtp][rfc3711][3711-3.3.1-1]") {
    const auto suite = GENERATE(Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm);
    const auto keys = random_keys(suite);
    auto sender = *Sender::create(keys);
    for (std::uint32_t i = 0; i < 3 * 65536; i += 16384) {
        static_cast<void>(sealed(sender, rtp(9, static_cast<std::uint16_t>(i))));
    }
    auto receiver = *Receiver::create(keys);
    const Bytes plain = rtp(9, 60000);
    CHECK(open_rtp(receiver, sealed(sender, plain)) == std::pair(Verdict::Ok, plain));
    CHECK(receiver.rollover(9) == 2);
    CHECK(open_rtp(receiver, sealed(sender, rtp(9, 60001))).first == Verdict::Ok);
}

TEST_CASE("srtp: a gap of more than half the sequence numbers is got over",
          "[unit][srtp][rfc3711][3711-3.3.1-1]") {
    const auto keys = random_keys(Suite::AesCm128HmacSha1_80);
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    CHECK(open_rtp(receiver, sealed(sender, rtp(9, 1000))).first == Verdict::Ok);
    static_cast<void>(sealed(sender, rtp(9, 30000)));
    static_cast<void>(sealed(sender, rtp(9, 60000)));
    static_cast<void>(sealed(sender, rtp(9, 20000)));
    static_cast<void>(sealed(sender, rtp(9, 50000)));
    CHECK(open_rtp(receiver, sealed(sender, rtp(9, 50001))).first == Verdict::Ok);
    CHECK(receiver.rollover(9) == 1);
}

TEST_CASE("srtp: a forger does not use up the guesses for ever", "[unit][srtp][rfc3711]") {
    const auto keys = random_keys(Suite::AesCm128HmacSha1_80);
    auto sender = *Sender::create(keys);
    auto stranger = *Sender::create(random_keys(Suite::AesCm128HmacSha1_80));
    auto receiver = *Receiver::create(keys);
    CHECK(open_rtp(receiver, sealed(sender, rtp(9, 1))).first == Verdict::Ok);
    for (std::uint16_t i = 0; i < 200; ++i) {
        CHECK(open_rtp(receiver, sealed(stranger, rtp(i, i))).first == Verdict::Forged);
    }
    for (std::uint16_t i = 2; i < 40; ++i) {
        CHECK(open_rtp(receiver, sealed(sender, rtp(9, i))).first == Verdict::Ok);
    }
    CHECK(receiver.rollover(9) == 0);
}

TEST_CASE("srtp: a new key keeps the counter or starts it anew, as the client pleases",
          "[unit][srtp][rfc3711][3711-3.3.1-2][4568-7.1.4-1]") {
    const auto first = random_keys(Suite::AesCm128HmacSha1_80);
    const auto second = random_keys(Suite::AesCm128HmacSha1_80);
    auto old_sender = *Sender::create(first);
    auto old_receiver = *Receiver::create(first);
    auto new_sender = *Sender::create(second);
    for (std::uint32_t i = 0; i < 20 * 65536; i += 16384) {
        CHECK(open_rtp(old_receiver, sealed(old_sender, rtp(9, static_cast<std::uint16_t>(i))))
                  .first == Verdict::Ok);
        static_cast<void>(sealed(new_sender, rtp(9, static_cast<std::uint16_t>(i))));
    }
    REQUIRE(old_receiver.rollover(9) == 19);
    auto receiver = *Receiver::create(second);
    receiver.inherit_rollovers(old_receiver);
    SECTION("kept") {
        CHECK(open_rtp(receiver, sealed(new_sender, rtp(9, 60000))).first == Verdict::Ok);
        CHECK(receiver.rollover(9) == 19);
    }
    SECTION("anew") {
        auto fresh = *Sender::create(second);
        CHECK(open_rtp(receiver, sealed(fresh, rtp(9, 60000))).first == Verdict::Ok);
        CHECK(receiver.rollover(9) == 0);
    }
}

TEST_CASE("srtp: the MKI chooses the key", "[unit][srtp][rfc3711][4568-6.1-2]") {
    const auto& suite = GENERATE(from_range(kSuites));
    CAPTURE(suite.name);
    auto keys = random_keys(suite.suite);
    keys.keys.push_back(random_keys(suite.suite).keys.front());
    keys.keys[0].mki = mki(1);
    keys.keys[1].mki = mki(2);
    auto receiver = *Receiver::create(keys);
    for (const std::size_t index : {0U, 1U}) {
        auto alone = keys;
        alone.keys = {keys.keys.at(index)};
        auto sender = *Sender::create(alone);
        const auto sequence = static_cast<std::uint16_t>(index + 1);
        const Bytes packet = sealed(sender, rtp(9, sequence));
        CHECK(packet.size() == 172 + suite.tag_bytes + 2);
        CHECK(open_rtp(receiver, packet) == std::pair(Verdict::Ok, rtp(9, sequence)));
        Bytes report = rtcp(9 + sequence);
        REQUIRE(sender.protect_rtcp(report));
        CHECK(open_rtcp(receiver, report).first == Verdict::Ok);
    }
    auto other = keys;
    other.keys = {keys.keys[0]};
    other.keys[0].mki = mki(3);
    auto sender = *Sender::create(other);
    CHECK(open_rtp(receiver, sealed(sender, rtp(9, 3))).first == Verdict::Forged);
}

TEST_CASE("srtp: no packet is taken or sent after the key's lifetime",
          "[unit][srtp][rfc4568][4568-6.1-3][3711-9.2-1]") {
    auto keys = random_keys(Suite::AesCm128HmacSha1_80);
    auto long_lived = *Sender::create(keys);
    keys.keys[0].lifetime = 4;
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    for (std::uint16_t i = 0; i < 4; ++i) {
        CHECK(open_rtp(receiver, sealed(long_lived, rtp(9, i))).first == Verdict::Ok);
        static_cast<void>(sealed(sender, rtp(9, i)));
    }
    CHECK(open_rtp(receiver, sealed(long_lived, rtp(9, 4))).first == Verdict::Expired);
    Bytes packet = rtp(9, 4);
    CHECK_FALSE(sender.protect_rtp(packet));
}

TEST_CASE("srtp: session parameters leave out encryption or authentication",
          "[unit][srtp][rfc4568][4568-6.3.2-1]") {
    auto keys = random_keys(Suite::AesCm128HmacSha1_80);
    SECTION("unencrypted SRTCP has a clear E bit") {
        keys.encrypts_rtcp = false;
        auto sender = *Sender::create(keys);
        auto receiver = *Receiver::create(keys);
        Bytes packet = rtcp(9);
        REQUIRE(sender.protect_rtcp(packet));
        CHECK((packet[8] & std::byte{0x80}) == std::byte{0});
        CHECK(open_rtcp(receiver, packet).first == Verdict::Ok);
    }
    SECTION("unencrypted SRTP is authenticated all the same") {
        keys.encrypts_rtp = false;
        auto sender = *Sender::create(keys);
        auto receiver = *Receiver::create(keys);
        Bytes packet = sealed(sender, rtp(9, 1));
        CHECK(std::equal(packet.begin(), packet.begin() + 172, rtp(9, 1).begin()));
        packet[20] ^= std::byte{1};
        CHECK(open_rtp(receiver, packet).first == Verdict::Forged);
    }
    SECTION("unauthenticated SRTP has no tag") {
        keys.authenticates_rtp = false;
        auto sender = *Sender::create(keys);
        auto receiver = *Receiver::create(keys);
        const Bytes packet = sealed(sender, rtp(9, 1));
        CHECK(packet.size() == 172);
        CHECK(open_rtp(receiver, packet) == std::pair(Verdict::Ok, rtp(9, 1)));
    }
}

TEST_CASE("srtp: keys that do not fit the suite are refused", "[unit][srtp][rfc4568][4568-6.1-1]") {
    for (const auto& suite : kSuites) {
        auto keys = random_keys(suite.suite);
        for (const int difference : {-1, 1}) {
            keys.keys[0].key = Secret::random(suite.key_bytes + suite.salt_bytes +
                                              static_cast<std::size_t>(difference));
            CHECK_FALSE(Receiver::create(keys));
            CHECK_FALSE(Sender::create(keys));
        }
    }
    auto two = random_keys(Suite::AesCm128HmacSha1_80);
    two.keys.push_back(two.keys.front());
    CHECK_FALSE(Receiver::create(two));
}

TEST_CASE("srtp: suites are known by name", "[unit][srtp][rfc4568]") {
    for (const auto& suite : kSuites) {
        CHECK(suite_of(suite.name) == suite.suite);
    }
    CHECK(suite_of("aes_cm_128_hmac_sha1_80") == Suite::AesCm128HmacSha1_80);
    CHECK(suite_of("AES_CM_256_HMAC_SHA1_80") == Suite::AesCm256HmacSha1_80);
    CHECK_FALSE(suite_of("F8_128_HMAC_SHA1_80"));
    CHECK_FALSE(suite_of(""));
}

TEST_CASE("srtp: a client with the key cannot make us remember SSRCs without bound",
          "[unit][srtp]") {
    const auto keys = random_keys(Suite::AesCm128HmacSha1_80);
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    for (std::uint32_t ssrc = 1; ssrc <= 100; ++ssrc) {
        CHECK(open_rtp(receiver, sealed(sender, rtp(ssrc, 1))).first == Verdict::Ok);
    }
    CHECK_FALSE(receiver.rollover(1));
    CHECK(receiver.rollover(100));
    receiver.forget(100);
    CHECK_FALSE(receiver.rollover(100));
}

TEST_CASE("srtp: an SSRC that left and is back goes on where it was",
          "[unit][srtp][rfc4568][4568-6.5-1]") {
    const Suite suite = GENERATE(Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm);
    const auto keys = random_keys(suite);
    auto sender = *Sender::create(keys);
    auto receiver = *Receiver::create(keys);
    // Past two roll-overs, then a BYE.
    std::uint32_t index = 65'500;
    Bytes last;
    for (; index < 2 * 65'536 + 10; ++index) {
        last = sealed(sender, rtp(9, static_cast<std::uint16_t>(index)));
        REQUIRE(open_rtp(receiver, last).first == Verdict::Ok);
    }
    REQUIRE(receiver.rollover(9) == 2U);
    receiver.forget(9);
    CHECK_FALSE(receiver.rollover(9));
    CHECK(open_rtp(receiver, last).first == Verdict::Replayed);
    CHECK_FALSE(receiver.rollover(9));
    // Somebody else is heard meanwhile, as the first of a stream that nobody knew.
    CHECK(open_rtp(receiver, sealed(sender, rtp(10, 1))).first == Verdict::Ok);
    CHECK(open_rtp(receiver, sealed(sender, rtp(9, static_cast<std::uint16_t>(index++)))).first ==
          Verdict::Ok);
    CHECK(receiver.rollover(9) == 2U);
    CHECK(open_rtp(receiver, last).first == Verdict::Replayed);
    // A pause in which the number went round.
    receiver.forget(9);
    Bytes far;
    for (const std::uint32_t end = index + 60'000; index < end; ++index) {
        far = sealed(sender, rtp(9, static_cast<std::uint16_t>(index)));
    }
    CHECK(open_rtp(receiver, far).first == Verdict::Ok);
    for (const std::uint32_t end = index + 100; index < end; ++index) {
        CHECK(open_rtp(receiver, sealed(sender, rtp(9, static_cast<std::uint16_t>(index)))).first ==
              Verdict::Ok);
    }
    // What is not authentic leaves nothing behind.
    receiver.forget(9);
    Bytes forged = sealed(sender, rtp(9, static_cast<std::uint16_t>(index)));
    forged.back() ^= std::byte{1};
    CHECK(open_rtp(receiver, forged).first == Verdict::Forged);
    CHECK_FALSE(receiver.rollover(9));
}
