#include "engine_fixture.hpp"
#include "rtp/rtcp.hpp"
#include "unit/srtp/packets.hpp"

#include <siprec/dtls.hpp>
#include <siprec/keying.hpp>

#include <catch2/catch.hpp>

using siprec::StreamInfo;
using siprec::rtp::MediaThread;
using siprec::srtp::DtlsAssociation;
using siprec::srtp::DtlsRole;
using siprec::srtp::DtlsTerms;
using siprec::srtp::SdesKeys;
using siprec::srtp::Sender;
using siprec::srtp::Suite;
using siprec::srtp::Verdict;
using siprec::test::Bytes;
using siprec::test::Client;
using siprec::test::EngineFixture;
using siprec::test::eventually;
using siprec::test::random_keys;
using siprec::test::TestStream;

namespace {

void secure(const EngineFixture& f, const TestStream& stream, const siprec::srtp::Keying& keying) {
    f.on_thread(stream.thread,
                [&](MediaThread& thread) { thread.secure_stream(stream.handle, keying); });
}

SdesKeys sdes() {
    return {.receive = random_keys(Suite::AesCm128HmacSha1_80),
            .send = random_keys(Suite::AesCm128HmacSha1_80)};
}

Bytes sealed(Sender& sender, std::uint16_t sequence) {
    Bytes packet = siprec::test::rtp(7, sequence);
    REQUIRE(sender.protect_rtp(packet));
    return packet;
}

// The client's half of a handshake on one of its sockets.
void shake_hands(DtlsAssociation& dtls, const Client& client, const siprec::Endpoint& to) {
    dtls.start();
    while (dtls.state() == DtlsAssociation::State::Handshaking) {
        for (const auto& datagram : dtls.take_output()) {
            client.send(to, datagram);
        }
        dtls.receive(client.receive());
    }
    for (const auto& datagram : dtls.take_output()) {
        client.send(to, datagram);
    }
}

}  // namespace

TEST_CASE("engine: sinks get encrypted media in the clear and nothing that is not authentic",
          "[unit][rtp][srtp][rfc3711][3711-3.3-1][3711-3.3.2-1]") {
    EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    const auto keys = sdes();
    secure(f, stream, keys);
    auto sender = *Sender::create(keys.receive);
    auto stranger = *Sender::create(random_keys(Suite::AesCm128HmacSha1_80));
    const Bytes good = sealed(sender, 1);
    client.send(stream.info.local_rtp, sealed(stranger, 1));
    client.send(stream.info.local_rtp, siprec::test::rtp(7, 1));
    client.send(stream.info.local_rtp, good);
    client.send(stream.info.local_rtp, good);
    client.send(stream.info.local_rtp, sealed(sender, 2));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 2; }));
    CHECK(stream.notes->packets()[0].bytes == siprec::test::rtp(7, 1));
    const auto stats = f.close(stream);
    CHECK(stats.packets == 2);
    CHECK(stats.dropped_auth == 2);
    CHECK(stats.dropped_replay == 1);
    CHECK(f.engine->stats().media.dropped_auth == 2);
    CHECK(f.engine->stats().media.dropped_replay == 1);
    CHECK(f.logger.count("not authentic") == 1);
}

TEST_CASE("engine: a forger cannot latch a stream, and an authentic packet can from anywhere",
          "[unit][rtp][srtp][4568-6.4-1]") {
    EngineFixture f;
    const Client offered("127.0.0.2");
    const Client moved("127.0.0.3");
    const Client forger("127.0.0.4");
    const TestStream stream =
        f.open([&](StreamInfo& info) { info.remote_rtp = offered.endpoint(); });
    const auto keys = sdes();
    secure(f, stream, keys);
    auto sender = *Sender::create(keys.receive);
    for (std::uint16_t i = 1; i < 20; ++i) {
        forger.send(stream.info.local_rtp, siprec::test::rtp(7, i));
    }
    moved.send(stream.info.local_rtp, sealed(sender, 1));
    offered.send(stream.info.local_rtp, sealed(sender, 2));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 2; }));
    CHECK(f.close(stream).dropped_auth == 19);
}

TEST_CASE("engine: packets under way with the old key are taken for a while",
          "[unit][rtp][srtp][7866-12.2-10]") {
    EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    const auto first = sdes();
    const auto second = sdes();
    auto old_sender = *Sender::create(first.receive);
    auto new_sender = *Sender::create(second.receive);
    secure(f, stream, first);
    client.send(stream.info.local_rtp, sealed(old_sender, 1));
    secure(f, stream, second);
    client.send(stream.info.local_rtp, sealed(old_sender, 2));
    client.send(stream.info.local_rtp, sealed(new_sender, 3));
    client.send(stream.info.local_rtp, sealed(old_sender, 4));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 4; }));
    f.clock.advance(std::chrono::seconds(20));
    REQUIRE(eventually([&] { return stream.notes->ticks > 0; }));
    client.send(stream.info.local_rtp, sealed(old_sender, 5));
    client.send(stream.info.local_rtp, sealed(new_sender, 6));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 5; }));
    CHECK(f.close(stream).dropped_auth == 1);
}

TEST_CASE("engine: what waits in the socket when a stream opens is decrypted",
          "[unit][rtp][srtp][rfc4568]") {
    EngineFixture f;
    const Client client;
    const auto keys = sdes();
    TestStream stream;
    auto sockets = f.engine->open_sockets(*siprec::IpAddress::parse("127.0.0.1"), false);
    REQUIRE(sockets);
    stream.info = f.info_for(*sockets, false);
    auto sender = *Sender::create(keys.receive);
    // The client is quick: it sends on the answer, before our media thread has heard of it.
    client.send(stream.info.local_rtp, sealed(sender, 1));
    f.open_on(stream, std::move(*sockets), keys);
    client.send(stream.info.local_rtp, sealed(sender, 2));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 2; }));
    CHECK(stream.notes->packets()[0].bytes == siprec::test::rtp(7, 1));
    const auto stats = f.close(stream);
    CHECK(stats.packets == 2);
    CHECK(stats.dropped_auth == 0);
}

TEST_CASE("engine: a stream that becomes encrypted loses nothing of before and after",
          "[unit][rtp][srtp][rfc8643]") {
    EngineFixture f;
    const Client client;
    const TestStream stream = f.open();
    const auto keys = sdes();
    auto sender = *Sender::create(keys.receive);
    const Bytes before = sealed(sender, 2);
    const Bytes after = sealed(sender, 4);
    f.on_thread(stream.thread, [&](MediaThread& thread) {
        client.send(stream.info.local_rtp, siprec::test::rtp(7, 1));
        client.send(stream.info.local_rtp, before);
        thread.secure_stream(stream.handle, keys);
        client.send(stream.info.local_rtp, siprec::test::rtp(7, 3));
        client.send(stream.info.local_rtp, after);
    });
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 3; }));
    CHECK(stream.notes->packets()[0].bytes == siprec::test::rtp(7, 1));
    CHECK(stream.notes->packets()[1].bytes == siprec::test::rtp(7, 2));
    CHECK(stream.notes->packets()[2].bytes == siprec::test::rtp(7, 4));
    CHECK(f.close(stream).dropped_auth == 1);
}

TEST_CASE("engine: our RTCP is protected with our own key and theirs is checked",
          "[unit][rtp][srtp][3711-3.4-1][5761-7-1]") {
    EngineFixture f;
    const Client rtcp;
    const auto keys = sdes();
    TestStream stream;
    auto sockets = f.engine->open_sockets(*siprec::IpAddress::parse("127.0.0.1"), false);
    REQUIRE(sockets);
    stream.info = f.info_for(*sockets, false);
    stream.info.remote_rtcp = rtcp.endpoint();
    f.on_thread(0, [&](MediaThread& thread) {
        siprec::fork::Fork fork(siprec::null_logger());
        fork.add(std::make_unique<siprec::test::NotingSink>(stream.notes));
        stream.handle = thread.open_stream(stream.info, std::move(*sockets), std::move(fork), keys);
    });
    auto receiver = *siprec::srtp::Receiver::create(keys.send);
    const auto [verdict, report] = siprec::test::open_rtcp(receiver, rtcp.receive());
    CHECK(verdict == Verdict::Ok);
    CHECK(siprec::rtp::is_valid_compound(report));
    auto sender = *Sender::create(keys.receive);
    Bytes theirs = siprec::test::rtcp(7);
    rtcp.send(stream.info.local_rtcp, theirs);
    REQUIRE(sender.protect_rtcp(theirs));
    rtcp.send(stream.info.local_rtcp, theirs);
    rtcp.send(stream.info.local_rtcp, theirs);
    REQUIRE(eventually([&] { return stream.notes->reports().size() == 1; }));
    CHECK(stream.notes->reports()[0].bytes == siprec::test::rtcp(7));
    const auto stats = f.close(stream);
    CHECK(stats.dropped_malformed == 1);  // in clear: no room for an index and a tag
    CHECK(stats.dropped_replay == 1);
}

TEST_CASE("engine: media that overtakes the DTLS handshake is kept and decrypted after it",
          "[unit][rtp][srtp][rfc5764][5764-5.1-1][5763-6.7.2-1]") {
    const bool mux = GENERATE(true, false);
    EngineFixture f;
    const Client client;
    const Client client_rtcp;
    const TestStream stream = f.open({}, mux);
    const auto own = *siprec::srtp::Certificate::generate();
    const auto theirs = *siprec::srtp::Certificate::generate();
    const std::vector<Suite> suites{Suite::AeadAes128Gcm};
    secure(f, stream, DtlsTerms{DtlsRole::Server, own, {theirs->fingerprint()}, suites});
    const DtlsTerms terms{DtlsRole::Client, theirs, {own->fingerprint()}, suites};

    Bytes binding{std::byte{0},
                  std::byte{1},
                  std::byte{0},
                  std::byte{0},
                  std::byte{0x21},
                  std::byte{0x12},
                  std::byte{0xA4},
                  std::byte{0x42}};
    binding.resize(20, std::byte{5});
    client.send(stream.info.local_rtp, binding);
    CHECK(client.receive().at(0) == std::byte{1});

    auto dtls = *DtlsAssociation::create(terms);
    dtls.start();
    for (const auto& datagram : dtls.take_output()) {
        client.send(stream.info.local_rtp, datagram);
    }
    // The client has its keys before its last flight has arrived.
    while (dtls.state() == DtlsAssociation::State::Handshaking) {
        dtls.receive(client.receive());
        if (dtls.state() == DtlsAssociation::State::Handshaking) {
            for (const auto& datagram : dtls.take_output()) {
                client.send(stream.info.local_rtp, datagram);
            }
        }
    }
    REQUIRE(dtls.keys());
    auto sender = *Sender::create(dtls.keys()->send);
    client.send(stream.info.local_rtp, sealed(sender, 1));
    for (const auto& datagram : dtls.take_output()) {
        client.send(stream.info.local_rtp, datagram);
    }
    client.send(stream.info.local_rtp, sealed(sender, 2));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 2; }));
    CHECK(stream.notes->sequences() == std::vector<std::uint16_t>{1, 2});

    if (!mux) {
        // RFC 5764 4: RTCP on a port of its own has an association of its own.
        auto for_rtcp = *DtlsAssociation::create(terms);
        shake_hands(for_rtcp, client_rtcp, stream.info.local_rtcp);
        auto reports = *Sender::create(for_rtcp.keys()->send);
        Bytes report = siprec::test::rtcp(7);
        REQUIRE(reports.protect_rtcp(report));
        client_rtcp.send(stream.info.local_rtcp, report);
        REQUIRE(eventually([&] { return stream.notes->reports().size() == 1; }));
    }
    CHECK(f.close(stream).dropped_auth == 0);
}

TEST_CASE("engine: a certificate that SDP does not vouch for gives no media",
          "[unit][rtp][srtp][rfc5763][5763-5-2][8643-3.2-2]") {
    EngineFixture f;
    const Client client;
    const TestStream stream = f.open({}, true);
    const auto own = *siprec::srtp::Certificate::generate();
    const auto theirs = *siprec::srtp::Certificate::generate();
    const auto other = *siprec::srtp::Certificate::generate();
    const std::vector<Suite> suites{Suite::AesCm128HmacSha1_80};
    secure(f, stream, DtlsTerms{DtlsRole::Server, own, {theirs->fingerprint()}, suites});
    auto impostor =
        *DtlsAssociation::create(DtlsTerms{DtlsRole::Client, other, {own->fingerprint()}, suites});
    shake_hands(impostor, client, stream.info.local_rtp);
    REQUIRE(impostor.keys());
    auto sender = *Sender::create(impostor.keys()->send);
    client.send(stream.info.local_rtp, sealed(sender, 1));
    REQUIRE(eventually([&] { return f.logger.count("fingerprint") == 1; }));
    SECTION("not even later") {
        CHECK(f.close(stream).packets == 0);
    }
    SECTION("and is no end for the right one") {
        const Client rightful;
        auto dtls = *DtlsAssociation::create(
            DtlsTerms{DtlsRole::Client, theirs, {own->fingerprint()}, suites});
        shake_hands(dtls, rightful, stream.info.local_rtp);
        auto authentic = *Sender::create(dtls.keys()->send);
        rightful.send(stream.info.local_rtp, sealed(authentic, 2));
        REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
        CHECK(f.close(stream).dropped_auth == 1);
    }
}

TEST_CASE("engine: as DTLS client we shake hands first, with whom the offer names",
          "[unit][rtp][srtp][rfc5763][5763-5-1]") {
    EngineFixture f;
    const Client client;
    const TestStream stream = f.open(
        [&](StreamInfo& info) { info.remote_rtp = info.remote_rtcp = client.endpoint(); }, true);
    const auto own = *siprec::srtp::Certificate::generate();
    const auto theirs = *siprec::srtp::Certificate::generate();
    const std::vector<Suite> suites{Suite::AesCm128HmacSha1_80};
    secure(f, stream, DtlsTerms{DtlsRole::Client, own, {theirs->fingerprint()}, suites});
    auto dtls =
        *DtlsAssociation::create(DtlsTerms{DtlsRole::Server, theirs, {own->fingerprint()}, suites});
    for (int i = 0; i < 10 && dtls.state() != DtlsAssociation::State::Connected; ++i) {
        const Bytes datagram = client.receive();
        if (datagram[0] < std::byte{64}) {
            dtls.receive(datagram);
        }
        for (const auto& answer : dtls.take_output()) {
            client.send(stream.info.local_rtp, answer);
        }
    }
    REQUIRE(dtls.keys());
    auto sender = *Sender::create(dtls.keys()->send);
    client.send(stream.info.local_rtp, sealed(sender, 1));
    REQUIRE(eventually([&] { return stream.notes->packets().size() == 1; }));
    static_cast<void>(f.close(stream));
}
