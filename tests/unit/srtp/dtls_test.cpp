#include "unit/srtp/packets.hpp"

#include <siprec/dtls.hpp>
#include <siprec/keying.hpp>
#include <siprec/srtp.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <thread>
#include <vector>

using namespace siprec::srtp;
using siprec::test::Bytes;
using siprec::test::open_rtp;
using siprec::test::rtp;
using State = DtlsAssociation::State;

namespace {

const std::shared_ptr<const Certificate>& certificate(std::size_t which) {
    static const std::array all{*Certificate::generate(), *Certificate::generate()};
    return all.at(which);
}

DtlsTerms terms(DtlsRole role, std::vector<Suite> suites = {Suite::AesCm128HmacSha1_80}) {
    const std::size_t own = role == DtlsRole::Client ? 0 : 1;
    DtlsTerms terms;
    terms.role = role;
    terms.certificate = certificate(own);
    terms.peer = {certificate(1 - own)->fingerprint()};
    terms.suites = std::move(suites);
    return terms;
}

// Carries datagrams to and fro until nobody has any; `lose` says which to lose.
template <typename Lose>
void converse(DtlsAssociation& client, DtlsAssociation& server, Lose lose) {
    for (bool is_idle = false; !is_idle;) {
        is_idle = true;
        for (auto& datagram : client.take_output()) {
            is_idle = false;
            if (!lose()) {
                server.receive(datagram);
            }
        }
        for (auto& datagram : server.take_output()) {
            is_idle = false;
            if (!lose()) {
                client.receive(datagram);
            }
        }
    }
}

void converse(DtlsAssociation& client, DtlsAssociation& server) {
    client.start();
    server.start();
    converse(client, server, [] { return false; });
}

}  // namespace

TEST_CASE("dtls: both sides get the same keys and understand each other's packets",
          "[unit][srtp][rfc5764][5764-4.1-1][5764-4.2-1]") {
    const auto suite = GENERATE(Suite::AesCm128HmacSha1_80,
                                Suite::AesCm128HmacSha1_32,
                                Suite::AeadAes128Gcm,
                                Suite::AeadAes256Gcm);
    auto client = *DtlsAssociation::create(terms(DtlsRole::Client, {suite}));
    auto server = *DtlsAssociation::create(terms(DtlsRole::Server,
                                                 {Suite::AesCm128HmacSha1_80,
                                                  Suite::AesCm128HmacSha1_32,
                                                  Suite::AeadAes128Gcm,
                                                  Suite::AeadAes256Gcm}));
    converse(client, server);
    REQUIRE(client.state() == State::Connected);
    REQUIRE(server.state() == State::Connected);
    CHECK(client.keys()->send == server.keys()->receive);
    CHECK(client.keys()->receive == server.keys()->send);
    CHECK(client.keys()->send.suite == suite);
    CHECK_FALSE(client.keys()->send == client.keys()->receive);
    auto sender = *Sender::create(client.keys()->send);
    auto receiver = *Receiver::create(server.keys()->receive);
    Bytes packet = rtp(1, 2);
    REQUIRE(sender.protect_rtp(packet));
    CHECK(open_rtp(receiver, packet) == std::pair(Verdict::Ok, rtp(1, 2)));
}

TEST_CASE("dtls: the server's order of suites decides", "[unit][srtp][rfc5764][5764-4.1-1]") {
    const std::vector<Suite> ours{Suite::AeadAes128Gcm, Suite::AesCm128HmacSha1_80};
    const std::vector<Suite> theirs{Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm};
    auto client = *DtlsAssociation::create(terms(DtlsRole::Client, theirs));
    auto server = *DtlsAssociation::create(terms(DtlsRole::Server, ours));
    converse(client, server);
    REQUIRE(client.keys());
    CHECK(client.keys()->send.suite == Suite::AeadAes128Gcm);
}

TEST_CASE("dtls: a certificate with another fingerprint gives no keys",
          "[unit][srtp][rfc5763][5763-5-2]") {
    const bool wrong_client = GENERATE(true, false);
    auto theirs = terms(DtlsRole::Client);
    auto ours = terms(DtlsRole::Server);
    (wrong_client ? ours : theirs).peer[0].digest[5] ^= std::byte{1};
    auto client = *DtlsAssociation::create(theirs);
    auto server = *DtlsAssociation::create(ours);
    converse(client, server);
    const auto& deceived = wrong_client ? server : client;
    CHECK(deceived.state() == State::Failed);
    CHECK_FALSE(deceived.keys());
    CHECK(deceived.failure().find("fingerprint") != std::string::npos);
}

TEST_CASE("dtls: one of several fingerprints is enough", "[unit][srtp][rfc8122][5763-5-2]") {
    auto ours = terms(DtlsRole::Server);
    auto wrong = ours.peer[0];
    wrong.digest[0] ^= std::byte{1};
    ours.peer.insert(ours.peer.begin(), wrong);
    ours.peer.insert(ours.peer.begin(), Fingerprint{.hash = Hash::Sha512, .digest = Bytes(64)});
    auto client = *DtlsAssociation::create(terms(DtlsRole::Client));
    auto server = *DtlsAssociation::create(ours);
    converse(client, server);
    CHECK(server.state() == State::Connected);
}

TEST_CASE("dtls: no common suite gives no keys", "[unit][srtp][rfc5764][5764-4.1-1]") {
    auto client = *DtlsAssociation::create(terms(DtlsRole::Client, {Suite::AeadAes128Gcm}));
    auto server = *DtlsAssociation::create(terms(DtlsRole::Server, {Suite::AeadAes256Gcm}));
    converse(client, server);
    CHECK_FALSE(client.keys());
    CHECK_FALSE(server.keys());
    CHECK(client.state() != State::Connected);
}

TEST_CASE("dtls: lost flights are sent again", "[unit][srtp][rfc6347]") {
    auto client = *DtlsAssociation::create(terms(DtlsRole::Client));
    auto server = *DtlsAssociation::create(terms(DtlsRole::Server));
    client.start();
    REQUIRE(client.timeout());
    CHECK(*client.timeout() <= std::chrono::seconds(1));
    static_cast<void>(client.take_output());
    // OpenSSL looks at the machine's clock.
    std::this_thread::sleep_for(*client.timeout() + std::chrono::milliseconds(5));
    client.on_timeout();
    converse(client, server, [] { return false; });
    CHECK(client.state() == State::Connected);
    CHECK(server.state() == State::Connected);
    CHECK_FALSE(client.timeout());
}

TEST_CASE("dtls: noise is no end of the handshake", "[unit][srtp][rfc6347]") {
    auto client = *DtlsAssociation::create(terms(DtlsRole::Client));
    auto server = *DtlsAssociation::create(terms(DtlsRole::Server));
    for (const std::size_t size : {1U, 12U, 13U, 14U, 100U, 2000U}) {
        server.receive(Bytes(size, std::byte{22}));
        server.receive(Bytes(size, std::byte{63}));
    }
    CHECK(server.state() == State::Handshaking);
    converse(client, server);
    CHECK(server.state() == State::Connected);
}

TEST_CASE("dtls: goodbye is heard", "[unit][srtp]") {
    auto client = *DtlsAssociation::create(terms(DtlsRole::Client));
    auto server = *DtlsAssociation::create(terms(DtlsRole::Server));
    converse(client, server);
    client.close();
    converse(client, server, [] { return false; });
    CHECK(server.state() == State::Closed);
    CHECK(server.keys());
}

TEST_CASE("dtls: terms without certificate, fingerprint or suite are refused", "[unit][srtp]") {
    auto none = terms(DtlsRole::Client);
    none.certificate.reset();
    CHECK_FALSE(DtlsAssociation::create(none));
    none = terms(DtlsRole::Client);
    none.peer.clear();
    CHECK_FALSE(DtlsAssociation::create(none));
    CHECK_FALSE(DtlsAssociation::create(terms(DtlsRole::Client, {Suite::AesCm256HmacSha1_80})));
}

TEST_CASE("dtls: certificates differ from each other", "[unit][srtp]") {
    CHECK_FALSE(certificate(0)->fingerprint() == certificate(1)->fingerprint());
    CHECK(certificate(0)->fingerprint().digest.size() == 32);
    CHECK(siprec::sdp::write_fingerprint(certificate(0)->fingerprint()).size() == 8 + 32 * 3 - 1);
}
