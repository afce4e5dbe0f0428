// Payloads made by hand: what is between the packet and the decoders.
#include "codec/amr_payload.hpp"
#include "codec/comfort_noise.hpp"
#include "codec/concealment.hpp"
#include "codec/parameters.hpp"
#include "unit/codec/peer.hpp"

#include <siprec/codec.hpp>
#include <siprec/redundancy.hpp>

#include <catch2/catch.hpp>

#include <cmath>

namespace {

using siprec::DecoderRegistry;
using siprec::ErrorCode;
using siprec::PayloadFormat;
using siprec::codec::AmrBand;
using siprec::codec::ComfortNoise;
using siprec::codec::Concealment;
using siprec::codec::parse_amr;
using siprec::test::Bytes;
using siprec::test::Pcm;
using siprec::test::rms;
using siprec::test::sine;

Bytes bytes(std::initializer_list<int> values) {
    Bytes out;
    for (const int value : values) {
        out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

}  // namespace

TEST_CASE("codec: RED blocks come oldest first with the primary last", "[unit][codec][rfc2198]") {
    // RFC 2198 4's layout: a redundant block of type 5, offset 160, three bytes; primary of type 7.
    const auto blocks = siprec::parse_redundancy(
        bytes({0x85, 160 >> 6, (160 & 0x3F) << 2, 3, 0x07, 'a', 'b', 'c', 'd', 'e'}));
    REQUIRE(blocks);
    REQUIRE(blocks->size() == 2);
    CHECK((*blocks)[0].payload_type == 5);
    CHECK((*blocks)[0].offset == 160);
    CHECK((*blocks)[0].begin == 5);
    CHECK((*blocks)[0].size == 3);
    CHECK((*blocks)[1].payload_type == 7);
    CHECK((*blocks)[1].offset == 0);
    CHECK((*blocks)[1].begin == 8);
    CHECK((*blocks)[1].size == 2);
}

TEST_CASE("codec: RED that is cut off or promises too much is refused", "[unit][codec][rfc2198]") {
    CHECK_FALSE(siprec::parse_redundancy({}));
    CHECK_FALSE(siprec::parse_redundancy(bytes({0x85})));
    CHECK_FALSE(siprec::parse_redundancy(bytes({0x85, 0, 0, 0})));
    CHECK_FALSE(siprec::parse_redundancy(bytes({0x85, 0, 0, 3, 0x07, 1, 2})));
    CHECK_FALSE(siprec::parse_redundancy(Bytes(400, std::byte{0x80})));
    const auto empty_primary = siprec::parse_redundancy(bytes({0x07}));
    REQUIRE(empty_primary);
    CHECK(empty_primary->back().size == 0);
}

TEST_CASE("codec: AMR payloads that are no AMR payloads are refused", "[unit][codec][rfc4867]") {
    const siprec::codec::AmrLayout layout{.band = GENERATE(AmrBand::Narrow, AmrBand::Wide),
                                          .octet_aligned = GENERATE(true, false),
                                          .crc = false};
    CHECK_FALSE(parse_amr({}, layout));
    CHECK_FALSE(parse_amr(bytes({0xF0}), layout));
    CHECK_FALSE(parse_amr(bytes({0xF0, 0x04}), layout));           // speech announced, none there
    CHECK_FALSE(parse_amr(bytes({0xF0, 0x64, 1, 2, 3}), layout));  // a type of the future
    CHECK_FALSE(parse_amr(Bytes(500, std::byte{0xFF}), layout));
    const auto nothing =
        parse_amr(bytes({0xF0, 0x7C}), {.band = layout.band, .octet_aligned = true});
    REQUIRE(nothing);
    REQUIRE(nothing->size() == 1);
    CHECK(nothing->front().type == siprec::codec::kAmrNoData);
}

TEST_CASE("codec: a damaged AMR frame becomes one without data", "[unit][codec][rfc4867]") {
    Bytes payload(2 + 31, std::byte{0x55});
    payload[0] = std::byte{0xF0};
    payload[1] = std::byte{7U << 3U};  // mode 12.2, Q = 0
    const auto frames = parse_amr(payload, {.band = AmrBand::Narrow, .octet_aligned = true});
    REQUIRE(frames);
    CHECK(frames->front().type == siprec::codec::kAmrNoData);
    payload[1] |= std::byte{0x04};
    const auto good = parse_amr(payload, {.band = AmrBand::Narrow, .octet_aligned = true});
    REQUIRE(good);
    CHECK(good->front().type == 7);
    CHECK(good->front().storage[1] == 0x55);
}

TEST_CASE("codec: truncated and overlong payloads are refused by each decoder", "[unit][codec]") {
    struct Case {
        const char* encoding;
        std::uint32_t rate;
        std::size_t size;
    };

    const auto given = GENERATE(Case{"G726-24", 8000, 61},
                                Case{"G726-40", 8000, 99},
                                Case{"GSM", 8000, 32},
                                Case{"GSM", 8000, 33},  // without signature
                                Case{"G729", 8000, 9},
                                Case{"G729", 8000, 0},
                                Case{"ILBC", 8000, 37},
                                Case{"AMR", 8000, 3},
                                Case{"AMR-WB", 16'000, 1},
                                Case{"SPEEX", 8000, 0});
    CAPTURE(given.encoding, given.size);
    auto decoder = DecoderRegistry::with_defaults().create({.payload_type = 96,
                                                            .encoding = given.encoding,
                                                            .clock_rate = given.rate,
                                                            .parameters = {}});
    REQUIRE(decoder);
    Pcm out{1, 2};
    const auto decoded = (*decoder)->decode(Bytes(given.size, std::byte{0x01}), out);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code() == ErrorCode::Malformed);
    CHECK(out == Pcm{1, 2});
}

TEST_CASE("codec: formats that cannot be played are refused with a reason", "[unit][codec]") {
    const auto refused = [](const char* encoding,
                            std::uint32_t rate,
                            std::uint8_t channels,
                            const char* parameters) {
        const auto made = DecoderRegistry::with_defaults().create({.payload_type = 96,
                                                                   .encoding = encoding,
                                                                   .clock_rate = rate,
                                                                   .channels = channels,
                                                                   .parameters = parameters});
        return !made && made.error().code() == ErrorCode::Unsupported;
    };
    CHECK(refused("AMR", 8000, 1, "octet-align=1; interleaving=30"));
    CHECK(refused("AMR-WB", 16'000, 1, "octet-align=1; robust-sorting=1"));
    CHECK_FALSE(refused("AMR-WB", 16'000, 1, "octet-align=1; robust-sorting=0"));
    CHECK(refused("AMR", 8000, 2, ""));
    CHECK(refused("AMR", 16'000, 1, ""));
    CHECK(refused("SPEEX", 11'025, 1, ""));
    CHECK(refused("G722", 8000, 2, ""));
    CHECK(refused("GSM", 16'000, 1, ""));
}

TEST_CASE("codec: iLBC frames of both lengths are told apart by their size",
          "[unit][codec][rfc3952]") {
    auto decoder = DecoderRegistry::with_defaults().create(
        {.payload_type = 97, .encoding = "iLBC", .parameters = "mode=20"});
    REQUIRE(decoder);
    Pcm out;
    REQUIRE((*decoder)->decode(Bytes(76, std::byte{0x2A}), out));
    CHECK(out.size() == 320);
    REQUIRE((*decoder)->decode(Bytes(50, std::byte{0x2A}), out));
    CHECK(out.size() == 560);
    CHECK(rms(out) > 0);
    out.clear();
    (*decoder)->conceal(250, out);
    CHECK(out.size() == 250);
}

TEST_CASE("codec: comfort noise has the level that CN asks for whatever its spectrum",
          "[unit][codec][rfc3389]") {
    const int level = GENERATE(30, 50, 65);
    const auto payload = GENERATE(bytes({0}), bytes({0, 180, 100}), bytes({0, 20, 127, 127, 200}));
    Bytes given = payload;
    given[0] = static_cast<std::byte>(level);
    auto noise = ComfortNoise::parse(given);
    REQUIRE(noise);
    Pcm out;
    noise->generate(40'000, out);
    REQUIRE(out.size() == 40'000);
    CHECK(20 * std::log10(rms(out) / 32'767) == Approx(-level).margin(1.5));
    CHECK_FALSE(ComfortNoise::parse({}));
}

TEST_CASE("codec: concealment goes on with the pitch and is silent after 60 ms", "[unit][codec]") {
    const std::uint32_t rate = GENERATE(8000U, 16'000U, 48'000U);
    Concealment concealment(rate);
    const Pcm tone = sine(rate, 125, rate / 5);
    concealment.remember(tone);
    Pcm out;
    concealment.extend(rate / 200, out);
    concealment.extend(rate / 5, out);
    REQUIRE(out.size() == rate / 200 + rate / 5);
    const Pcm whole = sine(rate, 125, rate / 5 + rate / 100);
    CHECK(siprec::test::likeness_db(std::span(whole).last(rate / 100),
                                    std::span(out).first(rate / 100)) > 15);
    const std::size_t faded = rate * 60 / 1000;
    CHECK(rms(std::span(out).subspan(faded)) == 0);
    CHECK(rms(std::span(out).subspan(faded - rate / 100, rate / 100)) < 2000);
    concealment.remember(tone);
    out.clear();
    concealment.extend(rate / 100, out);
    CHECK(rms(out) > 4000);
    Concealment fresh(rate);
    out.clear();
    fresh.extend(100, out);
    CHECK(out == Pcm(100, 0));
}

TEST_CASE("codec: fmtp parameters are found in any case and with blanks",
          "[unit][codec][rfc4855]") {
    using siprec::codec::number_parameter;
    using siprec::codec::parameter;
    CHECK(number_parameter("mode-set=0,2; Octet-Align = 1;;", "octet-align") == 1U);
    CHECK(parameter("a=b;flag ; c=d", "flag") == "");
    CHECK_FALSE(parameter("mode=20", "mod"));
    CHECK_FALSE(number_parameter("mode=x", "mode"));
    CHECK_FALSE(parameter("", "mode"));
}
