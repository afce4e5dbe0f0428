#include <siprec/codec.hpp>

#include <catch2/catch.hpp>
#include <opus.h>

#include <array>
#include <cmath>
#include <memory>
#include <numbers>

namespace {

using siprec::AudioDecoder;
using siprec::DecoderRegistry;
using siprec::PayloadFormat;
using Samples = std::vector<std::int16_t>;

std::vector<std::byte> bytes(std::initializer_list<int> values) {
    std::vector<std::byte> out;
    for (const int value : values) {
        out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

PayloadFormat format(const char* encoding,
                     std::uint32_t clock_rate = 8000,
                     std::uint8_t channels = 1) {
    PayloadFormat out;
    out.encoding = encoding;
    out.clock_rate = clock_rate;
    out.channels = channels;
    return out;
}

std::unique_ptr<AudioDecoder> decoder_of(const char* encoding,
                                         std::uint32_t clock_rate = 8000,
                                         std::uint8_t channels = 1) {
    auto made = DecoderRegistry::with_defaults().create(format(encoding, clock_rate, channels));
    REQUIRE(made);
    return std::move(*made);
}

Samples decoded(AudioDecoder& decoder, std::span<const std::byte> payload) {
    Samples out;
    REQUIRE(decoder.decode(payload, out));
    return out;
}

/// Packets of 20 ms of a 440 Hz tone.
std::vector<std::vector<std::byte>> opus_tone(int channels, int packets) {
    int error = OPUS_OK;
    const std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder(
        opus_encoder_create(48'000, channels, OPUS_APPLICATION_AUDIO, &error),
        &opus_encoder_destroy);
    REQUIRE(error == OPUS_OK);
    std::vector<std::vector<std::byte>> out;
    for (int packet = 0; packet < packets; ++packet) {
        std::vector<std::int16_t> pcm;
        for (int i = 0; i < 960; ++i) {
            const double phase = 2 * std::numbers::pi * 440 * (packet * 960 + i) / 48'000;
            pcm.insert(pcm.end(),
                       static_cast<std::size_t>(channels),
                       static_cast<std::int16_t>(10'000 * std::sin(phase)));
        }
        std::array<unsigned char, 1500> coded{};
        const int size = opus_encode(encoder.get(), pcm.data(), 960, coded.data(), coded.size());
        REQUIRE(size > 0);
        std::vector<std::byte>& payload = out.emplace_back();
        for (int i = 0; i < size; ++i) {
            payload.push_back(static_cast<std::byte>(coded[static_cast<std::size_t>(i)]));
        }
    }
    return out;
}

double rms(std::span<const std::int16_t> samples) {
    double sum = 0;
    for (const std::int16_t sample : samples) {
        sum += static_cast<double>(sample) * sample;
    }
    return std::sqrt(sum / static_cast<double>(samples.size()));
}

}  // namespace

TEST_CASE("codec: PCMU decodes to the values of G.711 table 2", "[unit][codec][g711]") {
    const auto decoder = decoder_of("PCMU");
    CHECK(decoder->sample_rate() == 8000);
    // Ends of the range, both zeros, and the first value of segments.
    CHECK(decoded(*decoder, bytes({0x00, 0x80, 0x7F, 0xFF, 0x0F, 0x8F, 0x10, 0x70, 0xF0, 0xFE})) ==
          Samples{-32124, 32124, 0, 0, -16764, 16764, -15996, -120, 120, 8});
}

TEST_CASE("codec: PCMA decodes to the values of G.711 table 1", "[unit][codec][g711]") {
    const auto decoder = decoder_of("PCMA");
    CHECK(decoded(*decoder, bytes({0x2A, 0xAA, 0x55, 0xD5, 0x54, 0xD4, 0x45, 0xC5, 0x5A, 0xDA})) ==
          Samples{-32256, 32256, -8, 8, -24, 24, -264, 264, -248, 248});
}

TEST_CASE("codec: both laws are symmetric and monotonic over all codes", "[unit][codec][g711]") {
    const auto mu = decoder_of("PCMU");
    const auto a = decoder_of("PCMA");
    for (int code = 0; code < 128; ++code) {
        const Samples pair = decoded(*mu, bytes({code, code | 0x80}));
        REQUIRE(pair[0] == -pair[1]);
        const Samples a_pair = decoded(*a, bytes({code, code | 0x80}));
        REQUIRE(a_pair[0] == -a_pair[1]);
        if (code > 0) {
            REQUIRE(decoded(*mu, bytes({code - 1}))[0] < pair[0]);
            const int before = (code - 1) ^ 0x55;
            REQUIRE(decoded(*a, bytes({before}))[0] > decoded(*a, bytes({code ^ 0x55}))[0]);
        }
    }
}

TEST_CASE("codec: concealment of G.711 is silence of the length asked for", "[unit][codec][g711]") {
    const auto decoder = decoder_of("PCMA");
    Samples out{7};
    decoder->conceal(160, out);
    CHECK(out.size() == 161);
    CHECK(out[160] == 0);
}

TEST_CASE("codec: L16 is read in network order at any rate", "[unit][codec][rfc3551]") {
    const auto decoder = decoder_of("L16", 44'100);
    CHECK(decoder->sample_rate() == 44'100);
    CHECK(decoded(*decoder, bytes({0x7F, 0xFF, 0x80, 0x00, 0x00, 0x01, 0xFF, 0xFF})) ==
          Samples{32767, -32768, 1, -1});
}

TEST_CASE("codec: L16 channels are averaged", "[unit][codec][rfc3551]") {
    const auto decoder = decoder_of("L16", 16'000, 2);
    CHECK(decoded(*decoder, bytes({0x01, 0x00, 0x03, 0x00, 0x80, 0x00, 0x80, 0x00})) ==
          Samples{0x200, -32768});
}

TEST_CASE("codec: a payload that ends within a sample is refused and leaves the output alone",
          "[unit][codec][rfc3551]") {
    const auto decoder = decoder_of("L16", 16'000, 2);
    Samples out{1, 2, 3};
    const auto result = decoder->decode(bytes({1, 2, 3}), out);
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == siprec::ErrorCode::Malformed);
    CHECK(out == Samples{1, 2, 3});
}

TEST_CASE("codec: Opus decodes mono and stereo packets to one channel", "[unit][codec][rfc7587]") {
    const int channels = GENERATE(1, 2);
    const auto decoder = decoder_of("opus", 48'000, 2);
    CHECK(decoder->sample_rate() == 48'000);
    Samples out;
    for (const auto& packet : opus_tone(channels, 10)) {
        REQUIRE(decoder->decode(packet, out));
    }
    REQUIRE(out.size() == 9600);
    CHECK(rms(std::span(out).last(4800)) == Approx(10'000 / std::numbers::sqrt2).epsilon(0.05));
}

TEST_CASE("codec: Opus conceals exactly the samples asked for", "[unit][codec][rfc7587]") {
    const auto decoder = decoder_of("OPUS", 48'000, 2);
    Samples out;
    for (const auto& packet : opus_tone(1, 10)) {
        REQUIRE(decoder->decode(packet, out));
    }
    const auto samples = GENERATE(std::size_t{0}, 1U, 120U, 960U, 5761U, 48'000U);
    out.clear();
    decoder->conceal(samples, out);
    CHECK(out.size() == samples);
    if (samples == 960) {
        CHECK(rms(out) > 1000);
    }
}

TEST_CASE("codec: Opus refuses what is no Opus packet and leaves the output alone",
          "[unit][codec][rfc7587]") {
    const auto decoder = decoder_of("OPUS", 48'000, 2);
    Samples out{5};
    CHECK_FALSE(decoder->decode({}, out));
    CHECK_FALSE(decoder->decode(bytes({0x03}), out));
    CHECK(out == Samples{5});
}

TEST_CASE("codec: the registry finds decoders whatever the case of the name", "[unit][codec]") {
    const DecoderRegistry registry = DecoderRegistry::with_defaults();
    CHECK(registry.knows("pcmu"));
    CHECK(registry.knows("Opus"));
    CHECK(registry.knows("G726-32"));
    CHECK(registry.knows("aal2-g726-40"));
    CHECK_FALSE(registry.knows("G728"));
    CHECK_FALSE(registry.knows("CN"));
    CHECK_FALSE(registry.knows("telephone-event"));
}

TEST_CASE("codec: the registry names what it has no decoder for", "[unit][codec]") {
    const auto made = DecoderRegistry::with_defaults().create(format("G728"));
    REQUIRE_FALSE(made);
    CHECK(made.error().code() == siprec::ErrorCode::Unsupported);
    CHECK(made.error().message().find("G728") != std::string::npos);
}

TEST_CASE("codec: formats that no decoder can keep to are refused", "[unit][codec]") {
    const DecoderRegistry registry = DecoderRegistry::with_defaults();
    CHECK_FALSE(registry.create(format("L16", 0)));
    CHECK_FALSE(registry.create(format("L16", 4'000'000'000U)));
    CHECK_FALSE(registry.create(format("PCMU", 8000, 0)));
}

TEST_CASE("codec: a decoder that a program adds takes the place of ours", "[unit][codec]") {
    DecoderRegistry registry = DecoderRegistry::with_defaults();
    registry.add("pcmu", [](const PayloadFormat&) -> siprec::Result<std::unique_ptr<AudioDecoder>> {
        return siprec::Error(siprec::ErrorCode::Unsupported, "replaced");
    });
    const auto made = registry.create(format("PCMU"));
    REQUIRE_FALSE(made);
    CHECK(made.error().message() == "replaced");
}
