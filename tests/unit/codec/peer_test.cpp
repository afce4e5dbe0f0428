// Each decoder against an encoder, or a second decoder, that is not ours.
#include "unit/codec/peer.hpp"

#include <siprec/codec.hpp>

#include <catch2/catch.hpp>
#include <opencore-amrnb/interf_enc.h>
#include <opus.h>
#include <spandsp.h>
#include <vo-amrwbenc/enc_if.h>

#include <array>
#include <cmath>
#include <memory>

extern "C" {
#include <bcg729/encoder.h>
}

namespace {

using siprec::AudioDecoder;
using siprec::DecoderRegistry;
using siprec::PayloadFormat;
using siprec::test::Bytes;
using siprec::test::ffmpeg_decode;
using siprec::test::ffmpeg_tone;
using siprec::test::fit_sine;
using siprec::test::likeness_db;
using siprec::test::Pcm;
using siprec::test::sine;

constexpr int kTone = 400;

std::unique_ptr<AudioDecoder> decoder_of(const std::string& encoding,
                                         std::uint32_t clock_rate,
                                         const std::string& parameters = "",
                                         std::uint8_t channels = 1) {
    auto made = DecoderRegistry::with_defaults().create({.payload_type = 96,
                                                         .encoding = encoding,
                                                         .clock_rate = clock_rate,
                                                         .channels = channels,
                                                         .parameters = parameters});
    REQUIRE(made);
    return std::move(*made);
}

Pcm decode_all(AudioDecoder& decoder, const std::vector<Bytes>& packets) {
    Pcm out;
    for (const Bytes& packet : packets) {
        const auto decoded = decoder.decode(packet, out);
        REQUIRE(decoded);
    }
    return out;
}

std::vector<Bytes> packets_of(const Bytes& coded, std::size_t size) {
    std::vector<Bytes> out;
    for (std::size_t at = 0; at + size <= coded.size(); at += size) {
        const auto from = coded.begin() + static_cast<std::ptrdiff_t>(at);
        out.emplace_back(from, from + static_cast<std::ptrdiff_t>(size));
    }
    return out;
}

/// The steady part: half a second in the middle.
std::span<const std::int16_t> middle(std::span<const std::int16_t> pcm, std::uint32_t rate) {
    return pcm.subspan(rate / 4, rate / 2);
}

Bytes bytes_of(std::span<const unsigned char> octets) {
    const auto bytes = std::as_bytes(octets);
    return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("codec: what ffmpeg encodes comes out as the same tone in its place",
          "[unit][codec][rfc3551]") {
    struct Case {
        const char* encoding;
        std::uint32_t rate;
        const char* encode;
        std::size_t packet;  // bytes of 20 ms
        double snr_db;
        double longest_delay;  // samples
    };

    const auto given =
        GENERATE(Case{"PCMU", 8000, "-f mulaw", 160, 34, 0.1},
                 Case{"PCMA", 8000, "-f alaw", 160, 34, 0.1},
                 Case{"L16", 8000, "-f s16be", 320, 60, 0.1},
                 // Two filters of 24 taps at 16 kHz
                 Case{"G722", 16'000, "-c:a g722 -f g722", 160, 30, 24},
                 Case{"G726-16", 8000, "-c:a g726le -code_size 2 -f g726le", 40, 8, 1},
                 Case{"G726-24", 8000, "-c:a g726le -code_size 3 -f g726le", 60, 14, 1},
                 Case{"G726-32", 8000, "-c:a g726le -code_size 4 -f g726le", 80, 20, 1},
                 Case{"AAL2-G726-16", 8000, "-c:a g726 -code_size 2 -f g726", 40, 8, 1},
                 Case{"AAL2-G726-24", 8000, "-c:a g726 -code_size 3 -f g726", 60, 14, 1},
                 Case{"AAL2-G726-32", 8000, "-c:a g726 -code_size 4 -f g726", 80, 20, 1},
                 Case{"GSM", 8000, "-c:a libgsm -f gsm", 33, 15, 4});
    CAPTURE(given.encoding);
    const auto decoder = decoder_of(given.encoding, 8000);
    CHECK(decoder->sample_rate() == given.rate);
    const auto packets = packets_of(ffmpeg_tone(given.rate, kTone, given.encode), given.packet);
    const Pcm pcm = decode_all(*decoder, packets);
    CHECK(pcm.size() == packets.size() * given.rate / 50);
    CHECK(packets.size() >= 49);
    const auto fit = fit_sine(middle(pcm, given.rate), given.rate, kTone);
    CHECK(fit.snr_db > given.snr_db);
    CHECK(fit.amplitude == Approx(4096).epsilon(0.1));
    CHECK(fit.delay < given.longest_delay);
}

// ffmpeg's predictor forgets by 2^-8 at each rate; G.726 4.2.6 says 2^-9 at 40 kbit/s, which a pure
// tone shows. So the tone has to be there, if not as loud, and the library's own encoder has to
// agree to the letter.
TEST_CASE("codec: G.726 at 40 kbit/s in both packings", "[unit][codec][rfc3551]") {
    const bool aal2 = GENERATE(true, false);
    const auto decoder = decoder_of(aal2 ? "AAL2-G726-40" : "G726-40", 8000);
    const Pcm pcm = decode_all(*decoder,
                               packets_of(ffmpeg_tone(8000,
                                                      kTone,
                                                      aal2 ? "-c:a g726 -code_size 5 -f g726"
                                                           : "-c:a g726le -code_size 5 -f g726le"),
                                          100));
    CHECK(fit_sine(middle(pcm, 8000), 8000, kTone).snr_db > 14);

    const std::unique_ptr<g726_state_t, int (*)(g726_state_t*)> encoder(
        g726_init(
            nullptr, 40'000, G726_ENCODING_LINEAR, aal2 ? G726_PACKING_LEFT : G726_PACKING_RIGHT),
        &g726_free);
    const Pcm tone = sine(8000, kTone, 8000);
    std::vector<unsigned char> coded(5000);
    REQUIRE(g726_encode(encoder.get(), coded.data(), tone.data(), 8000) == 5000);
    const auto second = decoder_of(aal2 ? "AAL2-G726-40" : "G726-40", 8000);
    const Pcm again = decode_all(*second, packets_of(bytes_of(coded), 100));
    const auto fit = fit_sine(middle(again, 8000), 8000, kTone);
    CHECK(fit.snr_db > 26);
    CHECK(fit.amplitude == Approx(8000).epsilon(0.02));
    CHECK(fit.delay < 0.1);
}

TEST_CASE("codec: Speex of ffmpeg comes out as the same tone at each rate",
          "[unit][codec][rfc5574]") {
    const std::uint32_t rate = GENERATE(8000U, 16'000U, 32'000U);
    CAPTURE(rate);
    auto packets =
        siprec::test::ogg_packets(ffmpeg_tone(rate, kTone, "-c:a libspeex -q:a 9 -f ogg"));
    REQUIRE(packets.size() > 45);
    packets.erase(packets.begin(), packets.begin() + 2);  // header and comment
    const auto decoder = decoder_of("speex", rate);
    CHECK(decoder->sample_rate() == rate);
    const Pcm pcm = decode_all(*decoder, packets);
    CHECK(pcm.size() == packets.size() * rate / 50);
    const auto fit = fit_sine(middle(pcm, rate), rate, kTone);
    CHECK(fit.snr_db > 12);
    CHECK(fit.amplitude == Approx(4096).epsilon(0.15));
    Pcm lost;
    decoder->conceal(rate / 50 + 7, lost);
    CHECK(lost.size() == rate / 50 + 7);
    CHECK(siprec::test::rms(lost) > 500);
}

TEST_CASE("codec: Opus of ffmpeg's own encoder comes out as the same tone in mono and stereo",
          "[unit][codec][rfc7587]") {
    const int channels = GENERATE(1, 2);
    auto packets = siprec::test::ogg_packets(
        ffmpeg_tone(48'000,
                    kTone,
                    std::string("-c:a opus -strict -2 -b:a 96k -af ") +
                        (channels == 2 ? "'pan=stereo|c0=c0|c1=c0'" : "anull") + " -f ogg"));
    packets.erase(packets.begin(), packets.begin() + 2);
    const auto decoder = decoder_of("OPUS", 48'000, "", 2);
    const Pcm pcm = decode_all(*decoder, packets);
    CHECK(pcm.size() >= 48'000);
    const auto fit = fit_sine(middle(pcm, 48'000), 48'000, kTone);
    CHECK(fit.snr_db > 25);
    CHECK(fit.amplitude == Approx(4096).epsilon(0.1));
}

TEST_CASE("codec: G.729 comes out as ffmpeg decodes it", "[unit][codec][g729]") {
    const Pcm tone = sine(8000, kTone, 16'000);
    const std::unique_ptr<bcg729EncoderChannelContextStruct,
                          void (*)(bcg729EncoderChannelContextStruct*)>
        encoder(initBcg729EncoderChannel(0), &closeBcg729EncoderChannel);
    std::vector<Bytes> packets;
    Bytes stream;
    for (std::size_t at = 0; at < tone.size(); at += 160) {
        Bytes& packet = packets.emplace_back();
        for (const std::size_t half : {at, at + 80}) {
            std::array<unsigned char, 10> frame{};
            std::uint8_t size = 0;
            bcg729Encoder(encoder.get(), tone.data() + half, frame.data(), &size);
            REQUIRE(size == 10);
            const Bytes bytes = bytes_of(frame);
            packet.insert(packet.end(), bytes.begin(), bytes.end());
        }
        stream.insert(stream.end(), packet.begin(), packet.end());
    }
    const auto decoder = decoder_of("G729", 8000);
    const Pcm pcm = decode_all(*decoder, packets);
    REQUIRE(pcm.size() == tone.size());
    const auto fit = fit_sine(middle(pcm, 8000), 8000, kTone);
    CHECK(fit.amplitude == Approx(8000).epsilon(0.2));
    CHECK(fit.snr_db > 10);
    const Pcm other = ffmpeg_decode(stream, "-f g729 -bit_rate 8000");
    REQUIRE(other.size() >= pcm.size() - 160);
    CHECK(likeness_db(pcm, other) > 15);
    Pcm lost;
    decoder->conceal(333, lost);
    CHECK(lost.size() == 333);
    CHECK(siprec::test::rms(lost) > 500);
}

TEST_CASE("codec: G.729 Annex B makes comfort noise out of a SID until speech comes back",
          "[unit][codec][g729]") {
    const std::unique_ptr<bcg729EncoderChannelContextStruct,
                          void (*)(bcg729EncoderChannelContextStruct*)>
        encoder(initBcg729EncoderChannel(1), &closeBcg729EncoderChannel);
    const auto decoder = decoder_of("G729", 8000, "annexb=yes");
    Pcm samples(80);
    Pcm out;
    bool has_paused = false;
    std::uint32_t random = 1;
    for (int frame = 0; frame < 300; ++frame) {
        for (std::int16_t& sample : samples) {
            random = random * 1'664'525U + 1'013'904'223U;
            const auto noise = static_cast<std::int16_t>(static_cast<int>(random >> 24U) - 128);
            sample = noise;
        }
        std::array<unsigned char, 10> coded{};
        std::uint8_t size = 0;
        bcg729Encoder(encoder.get(), samples.data(), coded.data(), &size);
        const std::size_t before = out.size();
        if (size > 0) {
            REQUIRE(decoder->decode(bytes_of(std::span(coded).first(size)), out));
        } else {
            has_paused = true;
            REQUIRE(decoder->pause(80, out));
        }
        REQUIRE(out.size() == before + 80);
    }
    CHECK(has_paused);
    const double level = siprec::test::rms(std::span(out).last(8000));
    CHECK(level > 10);
    CHECK(level < 300);
}

namespace {

constexpr std::array<std::size_t, 16> kNarrowBits = {
    95, 103, 118, 134, 148, 159, 204, 244, 39, 0, 0, 0, 0, 0, 0, 0};
constexpr std::array<std::size_t, 16> kWideBits = {
    132, 177, 253, 285, 317, 365, 397, 461, 477, 40, 0, 0, 0, 0, 0, 0};

/// Frames in the storage format (RFC 4867 5.3).
std::vector<Bytes> amr_frames(bool wide, int mode, const Pcm& pcm, bool dtx = false) {
    std::vector<Bytes> out;
    const std::size_t samples = wide ? 320 : 160;
    void* state = wide ? E_IF_init() : Encoder_Interface_init(dtx ? 1 : 0);
    for (std::size_t at = 0; at + samples <= pcm.size(); at += samples) {
        std::array<unsigned char, 64> coded{};
        const int size =
            wide ? E_IF_encode(state, mode, pcm.data() + at, coded.data(), dtx ? 1 : 0)
                 : Encoder_Interface_Encode(
                       state, static_cast<Mode>(mode), pcm.data() + at, coded.data(), 0);
        REQUIRE(size > 0);
        out.push_back(bytes_of(std::span(coded).first(static_cast<std::size_t>(size))));
    }
    if (wide) {
        E_IF_exit(state);
    } else {
        Encoder_Interface_exit(state);
    }
    return out;
}

/// A payload of some frames, RFC 4867 4.3 (bandwidth-efficient) or 4.4, written bit by bit.
Bytes amr_payload(const std::vector<Bytes>& frames, bool wide, bool octet_aligned, bool crc) {
    std::vector<bool> bits;
    const auto put = [&](unsigned value, std::size_t count) {
        for (std::size_t i = count; i > 0; --i) {
            bits.push_back(((value >> (i - 1)) & 1U) != 0);
        }
    };
    put(15, 4);  // no mode requested
    if (octet_aligned) {
        put(0, 4);
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto header = std::to_integer<unsigned>(frames[i].front());
        put(i + 1 < frames.size() ? 1 : 0, 1);
        put((header >> 3U) & 0x0FU, 4);
        put((header >> 2U) & 1U, 1);
        if (octet_aligned) {
            put(0, 2);
        }
    }
    if (crc) {
        for (std::size_t i = 0; i < frames.size(); ++i) {
            put(0xA5, 8);
        }
    }
    for (const Bytes& frame : frames) {
        const auto type = (std::to_integer<std::size_t>(frame.front()) >> 3U) & 0x0FU;
        const std::size_t size = wide ? kWideBits.at(type) : kNarrowBits.at(type);
        for (std::size_t i = 0; i < size; ++i) {
            put((std::to_integer<unsigned>(frame.at(1 + i / 8)) >> (7 - i % 8)) & 1U, 1);
        }
        while (octet_aligned && bits.size() % 8 != 0) {
            put(0, 1);
        }
    }
    Bytes out((bits.size() + 7) / 8);
    for (std::size_t i = 0; i < bits.size(); ++i) {
        out[i / 8] |= bits[i] ? std::byte{0x80} >> static_cast<int>(i % 8) : std::byte{0};
    }
    return out;
}

}  // namespace

TEST_CASE("codec: AMR of each mode and layout comes out as ffmpeg decodes it",
          "[unit][codec][rfc4867]") {
    const bool wide = GENERATE(false, true);
    const int mode = GENERATE(0, 3, 7, 8);
    if (!wide && mode == 8) {
        return;
    }
    const std::uint32_t rate = wide ? 16'000 : 8000;
    const Pcm tone = sine(rate, kTone, rate);
    const auto frames = amr_frames(wide, mode, tone);
    Bytes file;
    for (const char c : std::string(wide ? "#!AMR-WB\n" : "#!AMR\n")) {
        file.push_back(static_cast<std::byte>(c));
    }
    for (const Bytes& frame : frames) {
        file.insert(file.end(), frame.begin(), frame.end());
    }
    const Pcm other = ffmpeg_decode(file, "-f amr");
    REQUIRE(other.size() >= rate / 10 * 9);

    struct Layout {
        const char* parameters;
        bool octet_aligned;
        bool crc;
    };

    for (const auto& layout : {Layout{"", false, false},
                               Layout{"mode-set=0,7; octet-align=1", true, false},
                               Layout{"crc=1", true, true},
                               // Sent in a layout that was not agreed
                               Layout{"octet-align=1", false, false},
                               Layout{"octet-align=0", true, false}}) {
        CAPTURE(wide, mode, layout.parameters, layout.octet_aligned);
        std::vector<Bytes> packets;
        for (std::size_t i = 0; i + 1 < frames.size(); i += 2) {
            packets.push_back(
                amr_payload({frames[i], frames[i + 1]}, wide, layout.octet_aligned, layout.crc));
        }
        const auto decoder = decoder_of(wide ? "AMR-WB" : "AMR", rate, layout.parameters);
        CHECK(decoder->sample_rate() == rate);
        const Pcm pcm = decode_all(*decoder, packets);
        CHECK(pcm.size() == tone.size());
        // ffmpeg's gain control makes a pure tone quieter; its place and pitch are the same.
        const auto fit = fit_sine(middle(pcm, rate), rate, kTone);
        CHECK(fit.amplitude == Approx(8000).epsilon(0.1));
        CHECK(fit.snr_db > 20);
        CHECK(std::abs(fit.delay - fit_sine(middle(other, rate), rate, kTone).delay) < 1);
        Pcm lost;
        decoder->conceal(333, lost);
        CHECK(lost.size() == 333);
        CHECK(siprec::test::rms(lost) > 500);
    }
}

TEST_CASE("codec: AMR makes comfort noise in a pause behind a SID only", "[unit][codec][rfc4867]") {
    Pcm quiet(8000 * 2);
    std::uint32_t random = 1;
    for (std::int16_t& sample : quiet) {
        random = random * 1'664'525U + 1'013'904'223U;
        sample = static_cast<std::int16_t>(static_cast<int>(random >> 24U) - 128);
    }
    const auto decoder = decoder_of("AMR", 8000, "octet-align=1");
    Pcm out;
    CHECK_FALSE(decoder->pause(160, out));
    bool has_paused = false;
    for (const Bytes& frame : amr_frames(false, 7, quiet, true)) {
        const bool is_sent = (std::to_integer<unsigned>(frame.front()) >> 3U & 0x0FU) != 15;
        const std::size_t before = out.size();
        if (is_sent) {
            REQUIRE(decoder->decode(amr_payload({frame}, false, true, false), out));
        } else {
            has_paused = true;
            REQUIRE(decoder->pause(160, out));
        }
        REQUIRE(out.size() == before + 160);
    }
    CHECK(has_paused);
    CHECK(siprec::test::rms(std::span(out).last(4000)) > 5);
}

TEST_CASE("codec: Opus finds a lost packet in the next one when it was sent with FEC",
          "[unit][codec][rfc7587]") {
    const bool fec = GENERATE(true, false);
    int error = OPUS_OK;
    const std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder(
        opus_encoder_create(16'000, 1, OPUS_APPLICATION_VOIP, &error), &opus_encoder_destroy);
    REQUIRE(opus_encoder_ctl(encoder.get(), OPUS_SET_INBAND_FEC(fec ? 1 : 0)) == OPUS_OK);
    REQUIRE(opus_encoder_ctl(encoder.get(), OPUS_SET_PACKET_LOSS_PERC(30)) == OPUS_OK);
    REQUIRE(opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(24'000)) == OPUS_OK);
    // A tone that changes each 100 ms, so that concealment alone cannot know it.
    std::vector<Bytes> packets;
    for (int frame = 0; frame < 50; ++frame) {
        const Pcm tone = sine(16'000, 300 + 200 * (frame / 5 % 4), 320);
        std::array<unsigned char, 1500> coded{};
        const int size = opus_encode(encoder.get(), tone.data(), 320, coded.data(), coded.size());
        REQUIRE(size > 0);
        packets.push_back(bytes_of(std::span(coded).first(static_cast<std::size_t>(size))));
    }
    constexpr std::size_t kLost = 25;  // the first of another tone
    const auto whole = decoder_of("OPUS", 48'000, "", 2);
    const Pcm wanted = decode_all(*whole, packets);
    const auto decoder = decoder_of("OPUS", 48'000, "", 2);
    Pcm out;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        if (i == kLost) {
            continue;
        }
        if (i == kLost + 1) {
            CHECK(decoder->recover(packets[i], 960, out) == fec);
            REQUIRE(out.size() == i * 960);
        }
        REQUIRE(decoder->decode(packets[i], out));
    }
    REQUIRE(out.size() == wanted.size());
    const auto place = std::span(out).subspan(kLost * 960, 960);
    const double likeness = likeness_db(std::span(wanted).subspan(kLost * 960, 960), place);
    CHECK((fec ? likeness > 3 : likeness < 3));
}

TEST_CASE("codec: Opus goes on with comfort noise in DTX only", "[unit][codec][rfc7587]") {
    int error = OPUS_OK;
    const std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder(
        opus_encoder_create(16'000, 1, OPUS_APPLICATION_VOIP, &error), &opus_encoder_destroy);
    REQUIRE(opus_encoder_ctl(encoder.get(), OPUS_SET_DTX(1)) == OPUS_OK);
    const auto decoder = decoder_of("OPUS", 48'000, "usedtx=1", 2);
    Pcm out;
    int pauses = 0;
    for (int frame = 0; frame < 100; ++frame) {
        const Pcm pcm = frame < 20 ? sine(16'000, kTone, 320) : Pcm(320, 0);
        std::array<unsigned char, 1500> coded{};
        const int size = opus_encode(encoder.get(), pcm.data(), 320, coded.data(), coded.size());
        REQUIRE(size > 0);
        REQUIRE(
            decoder->decode(bytes_of(std::span(coded).first(static_cast<std::size_t>(size))), out));
        const std::size_t before = out.size();
        if (size > 2) {
            CHECK_FALSE(decoder->pause(960, out));
            CHECK(out.size() == before);
        } else {
            ++pauses;
            CHECK(decoder->pause(777, out));
            CHECK(out.size() == before + 777);
        }
    }
    CHECK(pauses > 10);
}
