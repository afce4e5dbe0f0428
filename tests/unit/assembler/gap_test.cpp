// What is heard where nothing arrived: concealment, redundancy, comfort noise.
#include "unit/assembler/rtp_stream.hpp"

#include <siprec/assembler.hpp>

#include <catch2/catch.hpp>
#include <opus.h>

#include <array>
#include <cmath>
#include <memory>
#include <numbers>

namespace {

using namespace std::chrono_literals;
using siprec::Assembler;
using siprec::AssemblerConfig;
using siprec::AssemblerStats;
using siprec::AudioBlock;
using siprec::DecoderRegistry;
using siprec::test::code_at;
using siprec::test::format;
using siprec::test::kOrigin;
using siprec::test::Listener;
using siprec::test::pcm_of;
using siprec::test::Sender;
using siprec::test::Sent;
using Kind = AudioBlock::Kind;
using Stretch = Listener::Stretch;

struct Outcome {
    Listener heard;
    AssemblerStats stats;
};

std::unique_ptr<Outcome> assemble(const std::vector<Sent>& packets,
                                  std::vector<siprec::PayloadFormat> formats,
                                  std::uint32_t sample_rate = 8000) {
    static const DecoderRegistry decoders = DecoderRegistry::with_defaults();
    AssemblerConfig config;
    config.origin = kOrigin;
    config.formats = std::move(formats);
    config.sample_rate = sample_rate;
    auto outcome = std::make_unique<Outcome>();
    auto assembler = Assembler::create(config, decoders, outcome->heard);
    REQUIRE(assembler);
    for (const Sent& sent : packets) {
        (*assembler)->push(sent.packet());
    }
    (*assembler)->finish(std::nullopt);
    outcome->stats = (*assembler)->stats();
    REQUIRE(outcome->heard.is_contiguous);
    return outcome;
}

/// A tone instead of noise: something with a pitch.
std::vector<Sent> tone(std::size_t packets) {
    Sender sender;
    auto sent = sender.packets(packets);
    std::size_t n = 0;
    for (Sent& packet : sent) {
        for (std::byte& code : packet.payload) {
            // The mu-law codes 0x80 and 0x00 are the loudest of each sign: a square wave of 200 Hz.
            code = n++ / 20 % 2 == 0 ? std::byte{0x90} : std::byte{0x10};
        }
    }
    return sent;
}

double rms(std::span<const std::int16_t> samples) {
    double sum = 0;
    for (const std::int16_t sample : samples) {
        sum += static_cast<double>(sample) * sample;
    }
    return std::sqrt(sum / static_cast<double>(samples.size()));
}

/// RFC 2198: the payloads of the packets before, then the packet's own.
Sent with_redundancy(const std::vector<Sent>& stream, std::size_t index, std::size_t generations) {
    Sent out = stream.at(index);
    std::vector<std::byte> headers;
    std::vector<std::byte> data;
    for (std::size_t back = std::min(generations, index); back > 0; --back) {
        const Sent& earlier = stream.at(index - back);
        const std::uint32_t offset = out.timestamp - earlier.timestamp;
        const std::size_t size = earlier.payload.size();
        for (const std::size_t octet : {std::size_t{0x80},
                                        std::size_t{offset >> 6U},
                                        std::size_t{(offset & 0x3FU) << 2U} | size >> 8U,
                                        size & 0xFFU}) {
            headers.push_back(static_cast<std::byte>(octet));
        }
        data.insert(data.end(), earlier.payload.begin(), earlier.payload.end());
    }
    headers.push_back(std::byte{0});
    data.insert(data.end(), out.payload.begin(), out.payload.end());
    headers.insert(headers.end(), data.begin(), data.end());
    out.payload = headers;
    out.payload_type = 97;
    return out;
}

}  // namespace

TEST_CASE("assembler: a lost packet is concealed in exactly its place and counted",
          "[unit][assembler]") {
    auto packets = tone(20);
    const auto whole = assemble(packets, {format(0, "PCMU")});
    packets.erase(packets.begin() + 10);
    const auto outcome = assemble(packets, {format(0, "PCMU")});
    CHECK(outcome->heard.stretches ==
          std::vector<Stretch>{{Kind::Voice, 1600}, {Kind::Lost, 160}, {Kind::Voice, 1440}});
    CHECK(outcome->stats.lost == 1);
    CHECK(outcome->stats.samples_lost == 160);
    CHECK(outcome->stats.samples_concealed == 160);
    const auto lost = std::span(outcome->heard.pcm).subspan(1600, 160);
    CHECK(rms(lost) > 0.7 * rms(std::span(whole->heard.pcm).subspan(1600, 160)));
    CHECK(std::equal(outcome->heard.pcm.begin() + 1760,
                     outcome->heard.pcm.end(),
                     whole->heard.pcm.begin() + 1760));
}

TEST_CASE("assembler: a long loss fades to silence", "[unit][assembler]") {
    auto packets = tone(200);
    packets.erase(packets.begin() + 10, packets.begin() + 110);
    const auto outcome = assemble(packets, {format(0, "PCMU")});
    CHECK(outcome->heard.pcm.size() == 32'000);
    CHECK(outcome->stats.samples_lost == 16'000);
    CHECK(outcome->stats.samples_concealed == 8000);
    CHECK(rms(std::span(outcome->heard.pcm).subspan(1600 + 480, 15'520)) == 0);
}

TEST_CASE("assembler: losses come back whole out of RED whatever was lost before",
          "[unit][assembler][rfc2198]") {
    Sender sender;
    sender.samples = 80;  // a 10-bit length holds 1023
    const auto stream = sender.packets(40);
    std::vector<Sent> sent;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        const bool is_lost = i == 7 || (i >= 20 && i < 22) || (i >= 30 && i < 33);
        if (!is_lost) {
            sent.push_back(with_redundancy(stream, i, 2));
        }
    }
    const auto outcome = assemble(sent, {format(0, "PCMU"), format(97, "red")});
    REQUIRE(outcome->heard.pcm.size() == 3200);
    CHECK(outcome->stats.lost == 6);
    CHECK(outcome->stats.recovered == 5);
    CHECK(outcome->stats.samples_lost == 80);  // one of three is older than two generations
    std::size_t differing = 0;
    for (std::size_t i = 0; i < outcome->heard.pcm.size(); ++i) {
        differing += static_cast<std::size_t>(outcome->heard.pcm[i] != pcm_of(code_at(i)));
    }
    CHECK(differing <= 80);
}

TEST_CASE("assembler: RED changes nothing when nothing is lost", "[unit][assembler][rfc2198]") {
    Sender sender;
    sender.samples = 80;
    const auto stream = sender.packets(20);
    std::vector<Sent> sent;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        sent.push_back(with_redundancy(stream, i, 3));
    }
    // Out of order too
    std::swap(sent[5].arrival, sent[6].arrival);
    std::swap(sent[5], sent[6]);
    const auto outcome = assemble(sent, {format(0, "PCMU"), format(97, "RED")});
    CHECK(outcome->heard.stretches == std::vector<Stretch>{{Kind::Voice, 1600}});
    CHECK(outcome->stats.recovered == 0);
    CHECK(outcome->stats.undecodable == 0);
}

TEST_CASE("assembler: RED that is none is counted and its time kept",
          "[unit][assembler][rfc2198]") {
    Sender sender;
    const auto stream = sender.packets(6);
    std::vector<Sent> sent;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        sent.push_back(with_redundancy(stream, i, 1));
    }
    sent[3].payload = {std::byte{0x80}, std::byte{0xFF}};
    sent[4].payload[4] = std::byte{97};  // RED within RED
    const auto outcome = assemble(sent, {format(0, "PCMU"), format(97, "RED")});
    CHECK(outcome->stats.undecodable == 2);
    CHECK(outcome->heard.pcm.size() == 6 * 160);
}

TEST_CASE("assembler: a pause behind CN sounds as CN says and counts as no loss",
          "[unit][assembler][rfc3389]") {
    const std::uint32_t rate = GENERATE(8000U, 48'000U);
    Sender sender;
    auto packets = sender.packets(10);
    Sent noise = sender.next();
    noise.payload_type = 13;
    noise.payload = {std::byte{40}};
    packets.push_back(noise);
    sender.pause(480ms);
    const auto more = sender.packets(10);
    packets.insert(packets.end(), more.begin(), more.end());
    const auto outcome = assemble(packets, {format(0, "PCMU"), format(13, "CN")}, rate);
    const std::size_t times = rate / 8000;
    CHECK(outcome->heard.stretches == std::vector<Stretch>{{Kind::Voice, 1600 * times},
                                                           {Kind::Silence, 4000 * times},
                                                           {Kind::Voice, 1600 * times}});
    CHECK(outcome->stats.lost == 0);
    const auto quiet = std::span(outcome->heard.pcm).subspan(1700 * times, 3800 * times);
    CHECK(20 * std::log10(rms(quiet) / 32'767) == Approx(-40).margin(1.5));
}

TEST_CASE("assembler: comfort noise does not go on for ever", "[unit][assembler][rfc3389]") {
    Sender sender;
    auto packets = sender.packets(10);
    Sent noise = sender.next();
    noise.payload_type = 13;
    noise.payload = {std::byte{30}};
    packets.push_back(noise);
    sender.pause(60s);
    packets.push_back(sender.next());
    const auto outcome = assemble(packets, {format(0, "PCMU")});
    REQUIRE(outcome->heard.pcm.size() == 1600 + 60 * 8000 + 320);
    CHECK(rms(std::span(outcome->heard.pcm).subspan(2000, 70'000)) > 300);
    CHECK(rms(std::span(outcome->heard.pcm).subspan(90'000, 300'000)) == 0);
}

TEST_CASE("assembler: Opus with FEC hears a lost packet in the next one",
          "[unit][assembler][rfc7587]") {
    int error = OPUS_OK;
    const std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder(
        opus_encoder_create(16'000, 1, OPUS_APPLICATION_VOIP, &error), &opus_encoder_destroy);
    REQUIRE(opus_encoder_ctl(encoder.get(), OPUS_SET_INBAND_FEC(1)) == OPUS_OK);
    REQUIRE(opus_encoder_ctl(encoder.get(), OPUS_SET_PACKET_LOSS_PERC(30)) == OPUS_OK);
    REQUIRE(opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(24'000)) == OPUS_OK);
    std::vector<Sent> packets;
    for (std::uint16_t i = 0; i < 100; ++i) {
        std::array<std::int16_t, 320> pcm{};
        for (std::size_t n = 0; n < pcm.size(); ++n) {
            // Its pitch changes with each lost packet: steady, it would be sent without redundancy.
            const double phase = (300 + 200 * (i / 5 % 4)) * static_cast<double>(n) / 16'000;
            pcm[n] = static_cast<std::int16_t>(8000 * std::sin(2 * std::numbers::pi * phase));
        }
        std::array<unsigned char, 1500> coded{};
        const int size = opus_encode(encoder.get(), pcm.data(), 320, coded.data(), coded.size());
        REQUIRE(size > 0);
        Sent sent{.sequence = i,
                  .timestamp = i * 960U,
                  .payload_type = 96,
                  .payload = {},
                  .arrival = i * 20ms};
        for (int n = 0; n < size; ++n) {
            sent.payload.push_back(static_cast<std::byte>(coded[static_cast<std::size_t>(n)]));
        }
        packets.push_back(sent);
    }
    packets.erase(packets.begin() + 60);
    packets.erase(packets.begin() + 40);
    const auto outcome = assemble(packets, {format(96, "OPUS", 48'000)}, 48'000);
    CHECK(outcome->heard.pcm.size() == 96'000);
    CHECK(outcome->stats.lost == 2);
    CHECK(outcome->stats.recovered == 2);
    CHECK(rms(std::span(outcome->heard.pcm).subspan(40 * 960, 960)) > 2000);
}

TEST_CASE("assembler: the codec may change at any packet to one of another rate",
          "[unit][assembler]") {
    Sender sender;
    auto packets = sender.packets(50);
    auto wide = sender.packets(50);
    for (Sent& sent : wide) {
        sent.payload_type = 9;
        for (std::byte& octet : sent.payload) {
            octet = std::byte{0xFA};
        }
    }
    packets.insert(packets.end(), wide.begin(), wide.end());
    const auto back = sender.packets(50);
    packets.insert(packets.end(), back.begin(), back.end());
    const std::uint32_t rate = GENERATE(8000U, 16'000U);
    const auto outcome = assemble(packets, {format(0, "PCMU"), format(9, "G722")}, rate);
    CHECK(outcome->heard.pcm.size() == 3 * rate);
    CHECK(outcome->heard.stretches == std::vector<Stretch>{{Kind::Voice, 3 * rate}});
}
