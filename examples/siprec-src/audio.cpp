#include "audio.hpp"

#include "encoders.hpp"
#include "message.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>
#include <random>
#include <utility>

namespace srcsim {

using siprec::Error;
using siprec::ErrorCode;

namespace {

constexpr std::size_t kLoopSamples = 9 * kSampleRate + 1234;  // no whole number of packets
constexpr std::size_t kMaxVoices = 16;

struct CodecEntry {
    Codec codec;
    const char* name;
    std::uint8_t payload_type;
    std::uint32_t clock_rate;
    std::uint8_t channels;
    CodecUnit unit;
    const char* suffix;
};

// Static types of RFC 3551 where there are; its L16 is 44.1 kHz only. Opus says two channels
// whatever it sends (RFC 7587 7). The first is the default.
constexpr std::array kCodecs = {
    CodecEntry{Codec::Pcmu, "PCMU", 0, 8000, 1, {}, "ulaw"},
    CodecEntry{Codec::Pcma, "PCMA", 8, 8000, 1, {}, "alaw"},
    CodecEntry{Codec::L16, "L16", 96, 8000, 1, {.bytes = 2}, "l16"},
    CodecEntry{Codec::G722, "G722", 9, 8000, 1, {}, "g722"},
    CodecEntry{Codec::G726, "G726-32", 96, 8000, 1, {.ticks = 2, .samples = 2}, "g726"},
    CodecEntry{Codec::Gsm, "GSM", 3, 8000, 1, {160, kGsmFrameBytes, 160}, "gsm"},
#ifdef SIPREC_WITH_G729
    CodecEntry{Codec::G729, "G729", 18, 8000, 1, {80, kG729FrameBytes, 80}, "g729"},
#endif
    CodecEntry{Codec::Amr, "AMR", 96, 8000, 1, {160, kAmrFrameBytes, 160, true}, "amr"},
    CodecEntry{Codec::Opus, "opus", 96, 48'000, 2, {960, kOpusFrameBytes, 160, true}, "opus"},
};

const CodecEntry& entry_of(Codec codec) noexcept {
    const auto found = std::ranges::find(kCodecs, codec, &CodecEntry::codec);
    return found != kCodecs.end() ? *found : kCodecs.front();
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint32_t value = 0;
    for (std::size_t i = width; i > 0; --i) {
        value = value << 8U | static_cast<std::uint8_t>(bytes[at + i - 1]);
    }
    return value;
}

std::vector<Samples> deinterleave(std::string_view pcm, std::size_t channels) {
    const std::size_t frames = pcm.size() / (2 * channels);
    std::vector<Samples> out(channels);
    for (std::size_t frame = 0; frame < frames; ++frame) {
        for (std::size_t channel = 0; channel < channels; ++channel) {
            const auto bits =
                static_cast<std::uint16_t>(little_endian(pcm, 2 * (frame * channels + channel), 2));
            out[channel].push_back(std::bit_cast<std::int16_t>(bits));
        }
    }
    return out;
}

struct WavFormat {
    std::uint32_t tag = 0;
    std::uint32_t channels = 0;
    std::uint32_t rate = 0;
    std::uint32_t bits = 0;
};

Result<std::vector<Samples>> parse_wav(std::string_view bytes) {
    constexpr std::size_t kRiffHeader = 12;
    constexpr std::size_t kChunkHeader = 8;
    constexpr std::size_t kFormatChunk = 16;
    WavFormat format;
    for (std::size_t at = kRiffHeader; at + kChunkHeader <= bytes.size();) {
        const std::string_view id = bytes.substr(at, 4);
        const std::size_t size = little_endian(bytes, at + 4, 4);
        const std::string_view chunk = bytes.substr(at + kChunkHeader, size);
        if (id == "fmt " && chunk.size() >= kFormatChunk) {
            format = {little_endian(chunk, 0, 2),
                      little_endian(chunk, 2, 2),
                      little_endian(chunk, 4, 4),
                      little_endian(chunk, 14, 2)};
        } else if (id == "data") {
            if (format.tag != 1 || format.bits != 16 || format.rate != kSampleRate ||
                format.channels < 1 || format.channels > 2) {
                return Error{ErrorCode::Unsupported,
                             "only 16-bit PCM at 8000 Hz with one or two channels is read, this is "
                             "format " +
                                 std::to_string(format.tag) + " with " +
                                 std::to_string(format.bits) + " bits at " +
                                 std::to_string(format.rate) + " Hz, " +
                                 std::to_string(format.channels) + " channels"};
            }
            return deinterleave(chunk, format.channels);
        }
        at += kChunkHeader + size + size % 2;  // chunks are padded to even length
    }
    return Error{ErrorCode::Malformed, "WAV file without a data chunk"};
}

// One speaker's voice: a pitch that glides from syllable to syllable, under an envelope that opens
// and closes with each, and now and then stays shut.
class Voice {
  public:
    Voice(std::uint64_t seed, std::uint32_t speaker)
        : random_(seed * 0x9E3779B97F4A7C15ULL + speaker),
          pitch_(90.0 + 17.0 * (speaker % 11) + uniform(0.0, 8.0)),
          brightness_(uniform(0.2, 0.6)) {}

    // Appends one syllable or pause.
    void speak(Samples& out) {
        const auto length = static_cast<std::size_t>(uniform(0.09, 0.26) * kSampleRate);
        if (uniform(0.0, 1.0) < 0.22) {
            out.insert(out.end(), length, 0);
            return;
        }
        const double from = pitch_ * uniform(0.85, 1.2);
        const double to = pitch_ * uniform(0.85, 1.2);
        const double level = uniform(4000.0, 9000.0);
        for (std::size_t i = 0; i < length; ++i) {
            const double position = static_cast<double>(i) / static_cast<double>(length);
            phase_ += 2 * std::numbers::pi * (from + (to - from) * position) / kSampleRate;
            const double envelope = std::sin(std::numbers::pi * position);
            const double wave = std::sin(phase_) + brightness_ * std::sin(3 * phase_) +
                                0.5 * brightness_ * std::sin(7 * phase_);
            out.push_back(static_cast<std::int16_t>(std::lround(level * envelope * wave)));
        }
    }

  private:
    double uniform(double low, double high) {
        return std::uniform_real_distribution<double>{low, high}(random_);
    }

    std::mt19937_64 random_;
    double pitch_ = 0.0;
    double brightness_ = 0.0;
    double phase_ = 0.0;
};

}  // namespace

std::optional<Codec> parse_codec(std::string_view name) {
    const auto found = std::ranges::find_if(
        kCodecs, [&](const CodecEntry& entry) { return equals_ignoring_case(name, entry.name); });
    return found != kCodecs.end() ? std::optional(found->codec) : std::nullopt;
}

std::string codec_names() {
    std::string names;
    for (const CodecEntry& entry : kCodecs) {
        names += (names.empty() ? "" : ", ") + std::string(entry.name);
    }
    return names;
}

siprec::PayloadFormat payload_format(Codec codec) {
    const CodecEntry& entry = entry_of(codec);
    return {entry.payload_type,
            entry.name,
            entry.clock_rate,
            entry.channels,
            codec == Codec::Amr ? "octet-align=1" : ""};
}

CodecUnit unit_of(Codec codec) noexcept {
    return entry_of(codec).unit;
}

std::string_view file_suffix(Codec codec) noexcept {
    return entry_of(codec).suffix;
}

std::uint8_t encode_mulaw(std::int16_t sample) noexcept {
    constexpr int kBias = 132;
    constexpr int kClip = 32635;
    const int magnitude = std::min(std::abs(int{sample}), kClip) + kBias;
    const int segment =
        std::max(static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8, 0);
    const int step = magnitude >> (segment + 3) & 0x0F;
    const int sign = sample < 0 ? 0x80 : 0;
    return static_cast<std::uint8_t>(~(sign | segment << 4 | step));
}

std::uint8_t encode_alaw(std::int16_t sample) noexcept {
    const int sign = sample < 0 ? 0 : 0x80;
    // Negative values mirror around -1, so that each step of 16 has its counterpart.
    const int magnitude = sample < 0 ? -(int{sample} + 1) : int{sample};
    const int segment =
        std::max(static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8, 0);
    const int step = magnitude >> (segment == 0 ? 4 : segment + 3) & 0x0F;
    return static_cast<std::uint8_t>((sign | segment << 4 | step) ^ 0x55);
}

std::vector<std::byte> encode(Codec codec, std::span<const std::int16_t> samples) {
    const std::size_t unit = unit_of(codec).samples;
    Samples whole{samples.begin(), samples.end()};
    whole.resize((samples.size() + unit - 1) / unit * unit, 0);
    switch (codec) {
        case Codec::G722:
            return encode_g722(whole);
        case Codec::G726:
            return encode_g726_32(whole);
        case Codec::Gsm:
            return encode_gsm(whole);
        case Codec::G729:
            return encode_g729(whole);
        case Codec::Amr:
            return encode_amr(whole);
        case Codec::Opus:
            return encode_opus(whole);
        case Codec::Pcmu:
        case Codec::Pcma:
        case Codec::L16:
            break;
    }
    std::vector<std::byte> out;
    out.reserve(whole.size() * unit_of(codec).bytes);
    for (const std::int16_t sample : whole) {
        if (codec == Codec::L16) {  // RFC 3551 4.5.11: network order
            const auto bits = std::bit_cast<std::uint16_t>(sample);
            out.push_back(static_cast<std::byte>(bits >> 8U));
            out.push_back(static_cast<std::byte>(bits & 0xFFU));
        } else {
            out.push_back(
                std::byte{codec == Codec::Pcma ? encode_alaw(sample) : encode_mulaw(sample)});
        }
    }
    return out;
}

Result<std::vector<Samples>> parse_audio(std::string_view bytes) {
    const bool is_wav = bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WAVE");
    auto channels = is_wav ? parse_wav(bytes) : Result{deinterleave(bytes, 1)};
    if (channels && channels->front().empty()) {
        return Error{ErrorCode::Malformed, "no samples"};
    }
    return channels;
}

Result<std::vector<Samples>> read_audio(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    if (!in) {
        return Error{ErrorCode::NotFound, "cannot read " + file.string()};
    }
    auto channels = parse_audio(bytes);
    if (!channels) {
        return std::move(channels).error().with_context(file.string());
    }
    return channels;
}

Samples generate_speech(std::uint64_t seed, std::uint32_t speaker, std::size_t sample_count) {
    Samples out;
    out.reserve(sample_count + kSampleRate);
    Voice voice{seed, speaker};
    while (out.size() < sample_count) {
        voice.speak(out);
    }
    out.resize(sample_count);
    return out;
}

Samples mix(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
    Samples out(std::max(a.size(), b.size()));
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int left = i < a.size() ? a[i] : 0;
        const int right = i < b.size() ? b[i] : 0;
        out[i] = static_cast<std::int16_t>((left + right) / 2);
    }
    return out;
}

AudioBank::AudioBank(Codec codec,
                     const std::vector<Samples>& given,
                     bool mixed,
                     std::uint64_t seed,
                     std::size_t calls)
    : is_generated_(given.empty()), seed_(seed), unit_bytes_(unit_of(codec).bytes) {
    const std::size_t voices = is_generated_ ? std::clamp<std::size_t>(calls, 1, kMaxVoices) : 1;
    for (std::size_t voice = 0; voice < voices; ++voice) {
        std::vector<Samples> sides = given;
        if (is_generated_) {
            const auto speaker = static_cast<std::uint32_t>(2 * voice);
            sides = {generate_speech(seed, speaker, kLoopSamples),
                     generate_speech(seed, speaker + 1, kLoopSamples)};
        }
        if (mixed && sides.size() > 1) {
            sides = {mix(sides[0], sides[1])};
        }
        loops_.resize(sides.size());
        for (std::size_t side = 0; side < sides.size(); ++side) {
            loops_[side].push_back(encode(codec, sides[side]));
        }
    }
}

Clip AudioBank::clip(std::size_t call, std::size_t stream) const {
    const auto& voices = loops_[std::min(stream, loops_.size() - 1)];
    const auto& loop = voices[call % voices.size()];
    if (!is_generated_) {
        return {loop, 0};
    }
    // Calls that share a voice enter it at different places.
    std::mt19937_64 random{seed_ ^ (2 * call + stream + 1) * 0xD1B54A32D192ED03ULL};
    return {loop, random() % (loop.size() / unit_bytes_) * unit_bytes_};
}

}  // namespace srcsim
