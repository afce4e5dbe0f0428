#include "audio.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using srcsim::Codec;
using srcsim::Samples;

namespace {

// ITU-T G.711 decoders, written from the tables for this test.
int decode_mulaw(std::uint8_t code) {
    const int bits = ~code & 0xFF;
    const int magnitude = (((bits & 0x0F) << 3) + 132) << ((bits >> 4) & 7);
    return (bits & 0x80) != 0 ? 132 - magnitude : magnitude - 132;
}

int decode_alaw(std::uint8_t code) {
    const int bits = code ^ 0x55;
    const int segment = bits >> 4 & 7;
    int magnitude = ((bits & 0x0F) << 4) + 8;
    if (segment > 0) {
        magnitude = (magnitude + 256) << (segment - 1);
    }
    return (bits & 0x80) != 0 ? magnitude : -magnitude;
}

std::string wav(std::uint16_t format,
                std::uint16_t channels,
                std::uint32_t rate,
                std::uint16_t bits,
                const std::string& data) {
    const auto number = [](std::uint32_t value, std::size_t width) {
        std::string out;
        for (std::size_t i = 0; i < width; ++i) {
            out += static_cast<char>(value >> (8 * i) & 0xFFU);
        }
        return out;
    };
    // An odd chunk in front, as editors write it: its padding byte has to be stepped over.
    return "RIFF" + number(0, 4) + "WAVE" + "LIST" + number(3, 4) + "abc" + std::string(1, '\0') +
           "fmt " + number(16, 4) + number(format, 2) + number(channels, 2) + number(rate, 4) +
           number(rate * channels * bits / 8, 4) +
           number(static_cast<std::uint32_t>(channels * bits / 8), 2) + number(bits, 2) + "data" +
           number(static_cast<std::uint32_t>(data.size()), 4) + data;
}

}  // namespace

TEST_CASE("siprec-src audio: G.711 codes have their known values", "[unit][siprec-src][g711]") {
    CHECK(srcsim::encode_mulaw(0) == 0xFF);
    CHECK(srcsim::encode_mulaw(-1) == 0x7F);
    CHECK(srcsim::encode_mulaw(32767) == 0x80);
    CHECK(srcsim::encode_mulaw(-32768) == 0x00);
    CHECK(srcsim::encode_mulaw(1000) == 0xCE);
    CHECK(srcsim::encode_alaw(0) == 0xD5);
    CHECK(srcsim::encode_alaw(-1) == 0x55);
    CHECK(srcsim::encode_alaw(32767) == 0xAA);
    CHECK(srcsim::encode_alaw(-32768) == 0x2A);
    CHECK(srcsim::encode_alaw(1000) == 0xFA);
}

TEST_CASE("siprec-src audio: every G.711 code is what its own value encodes to",
          "[unit][siprec-src][g711]") {
    for (int code = 0; code < 256; ++code) {
        const auto byte = static_cast<std::uint8_t>(code);
        INFO("code " << code);
        CHECK(srcsim::encode_alaw(static_cast<std::int16_t>(decode_alaw(byte))) == byte);
        // 0x7F is minus zero: the only code that 16 bits cannot ask for.
        if (code != 0x7F) {
            CHECK(srcsim::encode_mulaw(static_cast<std::int16_t>(decode_mulaw(byte))) == byte);
        }
    }
}

TEST_CASE("siprec-src audio: L16 is in network order", "[unit][siprec-src][rfc3551]") {
    CHECK(
        srcsim::encode(Codec::L16, Samples{0x1234, -2}) ==
        std::vector<std::byte>{std::byte{0x12}, std::byte{0x34}, std::byte{0xFF}, std::byte{0xFE}});
}

TEST_CASE("siprec-src audio: a stereo WAV gives two channels", "[unit][siprec-src]") {
    const auto channels = srcsim::parse_audio(
        wav(1, 2, 8000, 16, std::string{"\x01\x00\xFF\xFF\x02\x00\xFE\xFF", 8}));
    REQUIRE(channels);
    REQUIRE(channels->size() == 2);
    CHECK((*channels)[0] == Samples{1, 2});
    CHECK((*channels)[1] == Samples{-1, -2});
}

TEST_CASE("siprec-src audio: bytes without RIFF are raw samples", "[unit][siprec-src]") {
    const auto channels = srcsim::parse_audio(std::string{"\x01\x00\x00\x80", 4});
    REQUIRE(channels);
    REQUIRE(channels->size() == 1);
    CHECK(channels->front() == Samples{1, -32768});
}

TEST_CASE("siprec-src audio: sound that cannot be sent is refused", "[unit][siprec-src]") {
    const std::string four(4, 'x');
    CHECK_FALSE(srcsim::parse_audio(wav(1, 1, 16000, 16, four)));
    CHECK_FALSE(srcsim::parse_audio(wav(1, 1, 8000, 8, four)));
    CHECK_FALSE(srcsim::parse_audio(wav(7, 1, 8000, 8, four)));
    CHECK_FALSE(srcsim::parse_audio(wav(1, 3, 8000, 16, four)));
    CHECK_FALSE(srcsim::parse_audio(wav(1, 1, 8000, 16, "")));
    CHECK_FALSE(srcsim::parse_audio(""));
    CHECK_FALSE(srcsim::parse_audio(std::string{"RIFF\0\0\0\0WAVE", 12}));
}

TEST_CASE("siprec-src audio: generated voices repeat by seed and differ by speaker",
          "[unit][siprec-src]") {
    const Samples voice = srcsim::generate_speech(1, 0, 8000);
    CHECK(voice.size() == 8000);
    CHECK(voice == srcsim::generate_speech(1, 0, 8000));
    CHECK(voice != srcsim::generate_speech(1, 1, 8000));
    CHECK(voice != srcsim::generate_speech(2, 0, 8000));
    CHECK(*std::max_element(voice.begin(), voice.end()) > 3000);
}

TEST_CASE("siprec-src audio: streams and calls of a bank differ", "[unit][siprec-src]") {
    const srcsim::AudioBank bank{Codec::Pcmu, {}, false, 7, 2};
    CHECK(bank.clip(0, 0).loop.data() != bank.clip(0, 1).loop.data());
    CHECK(bank.clip(0, 0).loop.data() != bank.clip(1, 0).loop.data());
    CHECK(bank.clip(0, 0).start ==
          srcsim::AudioBank(Codec::Pcmu, {}, false, 7, 2).clip(0, 0).start);
    const srcsim::AudioBank given{Codec::Pcmu, {Samples{0}, Samples{100, 200}}, false, 7, 2};
    CHECK(given.clip(5, 0).start == 0);
    CHECK(given.clip(0, 0).loop.size() == 1);
    CHECK(given.clip(5, 1).loop.size() == 2);
    const srcsim::AudioBank mixed{Codec::L16, {Samples{10}, Samples{20, 30}}, true, 7, 1};
    CHECK(mixed.clip(0, 0).loop.size() == 4);
    CHECK(mixed.clip(0, 0).loop[1] == std::byte{15});
}
