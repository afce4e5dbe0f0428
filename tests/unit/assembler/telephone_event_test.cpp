#include "unit/assembler/rtp_stream.hpp"

#include <siprec/assembler.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>

namespace {

using namespace std::chrono_literals;
using siprec::Assembler;
using siprec::AssemblerConfig;
using siprec::AudioBlock;
using siprec::DecoderRegistry;
using siprec::test::format;
using siprec::test::kOrigin;
using siprec::test::Listener;
using siprec::test::Sender;
using siprec::test::Sent;
using Packets = std::vector<Sent>;
using Kind = AudioBlock::Kind;
using Stretch = Listener::Stretch;

constexpr std::uint8_t kEventType = 101;

Sent event_packet(Sender& sender, std::uint32_t timestamp, int event, unsigned duration, bool end) {
    Sent sent = sender.next();
    sent.payload_type = kEventType;
    sent.timestamp = timestamp;
    sent.payload = {static_cast<std::byte>(event),
                    static_cast<std::byte>(end ? 0x8A : 0x0A),
                    static_cast<std::byte>(duration >> 8U),
                    static_cast<std::byte>(duration & 0xFFU)};
    return sent;
}

/// A press of `length` packets of 20 ms, the last of them three times (RFC 4733 2.5.1.4), in place
/// of audio.
Packets press(Sender& sender, int event, unsigned length) {
    Packets out;
    const std::uint32_t timestamp = sender.timestamp;
    for (unsigned i = 1; i <= length; ++i) {
        out.push_back(event_packet(sender, timestamp, event, i * 160, i == length));
        out.back().marker = i == 1;
    }
    for (int repeat = 0; repeat < 2; ++repeat) {
        Sent copy = out.back();
        copy.sequence = sender.sequence++;
        copy.arrival += 5ms;
        out.push_back(copy);
    }
    return out;
}

void append(Packets& to, const Packets& more) {
    to.insert(to.end(), more.begin(), more.end());
}

std::unique_ptr<Listener> listen(Packets packets) {
    static const DecoderRegistry decoders = DecoderRegistry::with_defaults();
    std::ranges::stable_sort(packets, {}, &Sent::arrival);
    AssemblerConfig config;
    config.origin = kOrigin;
    config.formats = {format(0, "PCMU"), format(kEventType, "TELEPHONE-EVENT")};
    auto heard = std::make_unique<Listener>();
    auto assembler = Assembler::create(config, decoders, *heard);
    REQUIRE(assembler);
    for (const Sent& sent : packets) {
        (*assembler)->push(sent.packet());
    }
    (*assembler)->finish(std::nullopt);
    REQUIRE(heard->is_contiguous);
    return heard;
}

}  // namespace

TEST_CASE("telephone-event: one press is one event and its time is silence",
          "[unit][assembler][rfc4733][4733-2.5.1.2-1][4733-2.5.2.2-2]") {
    Sender sender;
    Packets packets = sender.packets(10);
    append(packets, press(sender, 5, 10));
    append(packets, sender.packets(10));
    const auto heard = listen(packets);
    REQUIRE(heard->events.size() == 1);
    CHECK(heard->events[0].event == 5);
    CHECK(heard->events[0].start == 200ms);
    CHECK(heard->events[0].duration == 200ms);
    CHECK(heard->stretches ==
          std::vector<Stretch>{{Kind::Voice, 1600}, {Kind::Silence, 1600}, {Kind::Voice, 1600}});
}

TEST_CASE("telephone-event: one press is one event whatever of it is lost",
          "[unit][assembler][rfc4733][4733-2.5.2.2-1][4733-2.5.1.2-1]") {
    // Packets 10 to 21 are those of the press: ten and two repeats of the last.
    const auto lost = GENERATE(std::vector<std::size_t>{10},
                               std::vector<std::size_t>{11, 12, 13},
                               std::vector<std::size_t>{19},
                               std::vector<std::size_t>{19, 20},
                               std::vector<std::size_t>{19, 20, 21},
                               std::vector<std::size_t>{10, 11, 20, 21});
    Sender sender;
    Packets packets = sender.packets(10);
    append(packets, press(sender, 11, 10));
    append(packets, sender.packets(30));
    for (auto index = lost.rbegin(); index != lost.rend(); ++index) {
        packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(*index));
    }
    const auto heard = listen(packets);
    REQUIRE(heard->events.size() == 1);
    CHECK(heard->events[0].event == 11);
    CHECK(heard->events[0].start == 200ms);
    CHECK(heard->events[0].duration >= 180ms);
    CHECK(heard->events[0].duration <= 200ms);
    CHECK(heard->pcm.size() == 50 * 160);
}

TEST_CASE("telephone-event: one press is one event when its packets are reordered",
          "[unit][assembler][rfc4733][4733-2.5.2.2-1]") {
    Sender sender;
    Packets packets = sender.packets(10);
    append(packets, press(sender, 3, 6));
    append(packets, sender.packets(20));
    std::swap(packets[11].arrival, packets[16].arrival);
    std::swap(packets[10].arrival, packets[12].arrival);
    std::swap(packets[15].arrival, packets[19].arrival);
    const auto heard = listen(packets);
    REQUIRE(heard->events.size() == 1);
    CHECK(heard->events[0].duration == 120ms);
}

TEST_CASE("telephone-event: the same key twice is two events even when all ends are lost",
          "[unit][assembler][rfc4733][4733-2.5.2.2-1]") {
    Sender sender;
    Packets packets = sender.packets(10);
    Packets first = press(sender, 7, 5);
    first.resize(4);
    append(packets, first);
    append(packets, sender.packets(5));
    append(packets, press(sender, 7, 5));
    append(packets, sender.packets(5));
    const auto heard = listen(packets);
    REQUIRE(heard->events.size() == 2);
    CHECK(heard->events[0].start == 200ms);
    CHECK(heard->events[0].duration == 80ms);
    CHECK(heard->events[1].start == 400ms);
    CHECK(heard->events[1].duration == 100ms);
}

TEST_CASE("telephone-event: segments of a very long press are one event",
          "[unit][assembler][rfc4733][4733-2.5.1.3-1]") {
    Sender sender;
    Packets packets = sender.packets(10);
    const std::uint32_t start = sender.timestamp;
    for (unsigned tick = 160; tick <= 80'000; tick += 160) {
        const bool second = tick > 0xFFFF;
        packets.push_back(event_packet(sender,
                                       second ? start + 0xFFFF : start,
                                       1,
                                       second ? tick - 0xFFFF : std::min(tick, 0xFFFFU),
                                       tick == 80'000));
    }
    append(packets, sender.packets(10));
    const auto heard = listen(packets);
    REQUIRE(heard->events.size() == 1);
    CHECK(heard->events[0].duration == 10s);
    CHECK(heard->pcm.size() == 1600 + 80'000 + 1600);
}

TEST_CASE("telephone-event: a press that never ends is reported when the track does",
          "[unit][assembler][rfc4733]") {
    Sender sender;
    Packets packets = sender.packets(10);
    Packets cut = press(sender, 9, 8);
    cut.resize(4);
    append(packets, cut);
    const auto heard = listen(packets);
    REQUIRE(heard->events.size() == 1);
    CHECK(heard->events[0].duration == 80ms);
}

TEST_CASE("telephone-event: audio that is sent beside the event is kept",
          "[unit][assembler][rfc4733][4733-2.5.2.2-2]") {
    Sender sender;
    Packets packets = sender.packets(10);
    const std::uint32_t start = sender.timestamp;
    for (unsigned i = 1; i <= 5; ++i) {
        packets.push_back(sender.next());
        Sent event = packets.back();
        event.payload_type = kEventType;
        event.sequence = sender.sequence++;
        event.timestamp = start;
        event.payload = {std::byte{2},
                         static_cast<std::byte>(i == 5 ? 0x80 : 0),
                         static_cast<std::byte>(i * 160 >> 8U),
                         static_cast<std::byte>(i * 160 & 0xFFU)};
        packets.push_back(event);
    }
    append(packets, sender.packets(10));
    const auto heard = listen(packets);
    CHECK(heard->events.size() == 1);
    CHECK(heard->stretches == std::vector<Stretch>{{Kind::Voice, 25 * 160}});
}

TEST_CASE("telephone-event: payloads too short are counted and harmless",
          "[unit][assembler][rfc4733]") {
    Sender sender;
    Packets packets = sender.packets(10);
    packets[5].payload_type = kEventType;
    packets[5].payload.resize(3);
    const auto heard = listen(packets);
    CHECK(heard->events.empty());
    CHECK(heard->pcm.size() == 1600);
}
