#pragma once

#include <siprec/audio.hpp>
#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace srcsim {

using siprec::Result;

/// Sound is read and made at 8 kHz; codecs of another rate start from that.
inline constexpr std::uint32_t kSampleRate = 8000;

using Samples = std::vector<std::int16_t>;  ///< mono, 16 bit, host order

/// What a stream is sent as.
enum class Codec : std::uint8_t { Pcmu, Pcma, L16, G722, G726, Gsm, G729, Amr, Opus };

/// The smallest piece of a codec that stands for itself.
struct CodecUnit {
    std::uint32_t ticks = 1;  ///< of the RTP clock
    std::size_t bytes = 1;
    std::size_t samples = 1;  ///< at 8 kHz
    bool is_packet = false;   ///< no more than one of them in a packet
};

/// Any case; nothing for a codec that this program cannot encode.
[[nodiscard]] std::optional<Codec> parse_codec(std::string_view name);
[[nodiscard]] siprec::PayloadFormat payload_format(Codec codec);
[[nodiscard]] CodecUnit unit_of(Codec codec) noexcept;

/// What --help and errors name.
[[nodiscard]] std::string codec_names();
[[nodiscard]] std::string_view file_suffix(Codec codec) noexcept;

/// G.711 mu-law and A-law, ITU-T G.711 tables 1 and 2.
[[nodiscard]] std::uint8_t encode_mulaw(std::int16_t sample) noexcept;
[[nodiscard]] std::uint8_t encode_alaw(std::int16_t sample) noexcept;

/// The last unit is filled up with silence.
[[nodiscard]] std::vector<std::byte> encode(Codec codec, std::span<const std::int16_t> samples);

/// Reads a file of sound: RIFF/WAVE with 16-bit PCM at 8 kHz, one channel or two, or, when it does
/// not start with RIFF, raw 16-bit little-endian mono samples at 8 kHz.
/// @return one vector a channel, of equal length
[[nodiscard]] Result<std::vector<Samples>> read_audio(const std::filesystem::path& file);
[[nodiscard]] Result<std::vector<Samples>> parse_audio(std::string_view bytes);

/// Something with the rhythm of speech: voiced syllables of one speaker, with pauses. The same seed
/// and speaker give the same sound; different speakers differ in pitch, pace and words.
[[nodiscard]] Samples generate_speech(std::uint64_t seed,
                                      std::uint32_t speaker,
                                      std::size_t sample_count);

/// Both at half their level, as long as the longer one.
[[nodiscard]] Samples mix(std::span<const std::int16_t> a, std::span<const std::int16_t> b);

/// What one stream sends: a loop of encoded sound, entered at `start`.
struct Clip {
    std::span<const std::byte> loop;  ///< owned by the AudioBank
    std::size_t start = 0;            ///< in bytes
};

/// The encoded sound of all calls. *Immutable* after construction, so every thread may read it.
class AudioBank {
  public:
    /// @param given  one entry a stream (1 when the call has one mixed stream); empty: generated
    /// speech
    AudioBank(Codec codec,
              const std::vector<Samples>& given,
              bool mixed,
              std::uint64_t seed,
              std::size_t calls);

    /// @param stream  0: the caller's side; 1: the callee's
    [[nodiscard]] Clip clip(std::size_t call, std::size_t stream) const;

  private:
    bool is_generated_ = false;
    std::uint64_t seed_ = 0;
    std::size_t unit_bytes_ = 1;
    std::vector<std::vector<std::vector<std::byte>>> loops_;  ///< by stream, then voice
};

}  // namespace srcsim
