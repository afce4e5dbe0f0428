#include "encoders.hpp"

#include <opencore-amrnb/interf_enc.h>
#include <opus.h>
#include <spandsp.h>

#include <algorithm>
#include <array>
#include <memory>

#ifdef SIPREC_WITH_G729
extern "C" {
#include <bcg729/encoder.h>
}
#endif

namespace srcsim {

namespace {

constexpr int kSampleRate = 8000;
constexpr std::size_t kFrameSamples = 160;

/// C libraries write octets, whatever their C++ name.
std::uint8_t* octets(std::vector<std::byte>& bytes, std::size_t at = 0) {
    return reinterpret_cast<std::uint8_t*>(bytes.data() + at);
}

}  // namespace

std::vector<std::byte> encode_g722(std::span<const std::int16_t> samples) {
    const std::unique_ptr<g722_encode_state_t, int (*)(g722_encode_state_t*)> state(
        g722_encode_init(nullptr, 64'000, 0), &g722_encode_free);
    // Twice the rate: between two samples lies their mean.
    std::vector<std::int16_t> wide;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const std::int16_t next = samples[std::min(i + 1, samples.size() - 1)];
        wide.push_back(samples[i]);
        wide.push_back(static_cast<std::int16_t>((samples[i] + next) / 2));
    }
    std::vector<std::byte> out(samples.size());
    const int size =
        g722_encode(state.get(), octets(out), wide.data(), static_cast<int>(wide.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::vector<std::byte> encode_g726_32(std::span<const std::int16_t> samples) {
    const std::unique_ptr<g726_state_t, int (*)(g726_state_t*)> state(
        g726_init(nullptr, 32'000, G726_ENCODING_LINEAR, G726_PACKING_RIGHT), &g726_free);
    std::vector<std::byte> out(samples.size() / 2 + 1);
    const int size =
        g726_encode(state.get(), octets(out), samples.data(), static_cast<int>(samples.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::vector<std::byte> encode_gsm(std::span<const std::int16_t> samples) {
    const std::unique_ptr<gsm0610_state_t, int (*)(gsm0610_state_t*)> state(
        gsm0610_init(nullptr, GSM0610_PACKING_VOIP), &gsm0610_free);
    std::vector<std::byte> out(samples.size() / kFrameSamples * kGsmFrameBytes);
    const int size =
        gsm0610_encode(state.get(), octets(out), samples.data(), static_cast<int>(samples.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::vector<std::byte> encode_opus(std::span<const std::int16_t> samples) {
    int error = OPUS_OK;
    const std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder(
        opus_encoder_create(kSampleRate, 1, OPUS_APPLICATION_VOIP, &error), &opus_encoder_destroy);
    if (!encoder || opus_encoder_ctl(encoder.get(), OPUS_SET_VBR(0)) != OPUS_OK ||
        opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(24'000)) != OPUS_OK) {
        return {};
    }
    std::vector<std::byte> out;
    for (std::size_t at = 0; at + kFrameSamples <= samples.size(); at += kFrameSamples) {
        const std::size_t before = out.size();
        out.resize(before + kOpusFrameBytes);
        const int size = opus_encode(encoder.get(),
                                     samples.data() + at,
                                     static_cast<int>(kFrameSamples),
                                     octets(out, before),
                                     static_cast<opus_int32>(kOpusFrameBytes));
        if (size != static_cast<int>(kOpusFrameBytes)) {
            return {};
        }
    }
    return out;
}

std::vector<std::byte> encode_amr(std::span<const std::int16_t> samples) {
    const std::unique_ptr<void, void (*)(void*)> encoder(Encoder_Interface_init(0),
                                                         &Encoder_Interface_exit);
    std::vector<std::byte> out;
    for (std::size_t at = 0; at + kFrameSamples <= samples.size(); at += kFrameSamples) {
        const std::size_t before = out.size();
        out.resize(before + kAmrFrameBytes);
        out[before] = std::byte{0xF0};  // RFC 4867 4.4.1: no mode requested
        // The encoder's header octet is the table of contents of one frame.
        const int size = Encoder_Interface_Encode(
            encoder.get(), MR122, samples.data() + at, octets(out, before + 1), 0);
        if (size != static_cast<int>(kAmrFrameBytes) - 1) {
            return {};
        }
    }
    return out;
}

#ifdef SIPREC_WITH_G729
std::vector<std::byte> encode_g729(std::span<const std::int16_t> samples) {
    constexpr std::size_t kG729Samples = 80;
    const std::unique_ptr<bcg729EncoderChannelContextStruct,
                          void (*)(bcg729EncoderChannelContextStruct*)>
        encoder(initBcg729EncoderChannel(0), &closeBcg729EncoderChannel);
    std::vector<std::byte> out;
    for (std::size_t at = 0; at + kG729Samples <= samples.size(); at += kG729Samples) {
        std::array<std::int16_t, kG729Samples> frame{};
        std::ranges::copy(samples.subspan(at, kG729Samples), frame.begin());
        const std::size_t before = out.size();
        out.resize(before + kG729FrameBytes);
        std::uint8_t size = 0;
        bcg729Encoder(encoder.get(), frame.data(), octets(out, before), &size);
    }
    return out;
}
#else
std::vector<std::byte> encode_g729(std::span<const std::int16_t> /*samples*/) {
    return {};
}
#endif

}  // namespace srcsim
