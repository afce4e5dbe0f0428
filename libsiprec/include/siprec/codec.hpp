#pragma once

#include <siprec/audio.hpp>
#include <siprec/export.hpp>
#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siprec {

/// Turns payloads of one format into PCM. One instance a source (SSRC), since decoders have state.
/// Owned and called by one thread. A factory reads clock rate, channels and fmtp of its format;
/// what is missing between payloads is asked of `conceal`, `recover` or `pause`, in the order of
/// the gaps.
class SIPREC_EXPORT AudioDecoder {
  public:
    AudioDecoder() = default;
    AudioDecoder(const AudioDecoder&) = delete;
    AudioDecoder& operator=(const AudioDecoder&) = delete;
    virtual ~AudioDecoder();

    /// Hz of the samples that come out. May differ from the RTP clock rate (G.722).
    [[nodiscard]] virtual std::uint32_t sample_rate() const noexcept = 0;

    /// Appends the samples of one payload, mono, to `out`; several channels are averaged.
    /// @return Malformed when the payload cannot be decoded; `out` is unchanged then
    [[nodiscard]] virtual Result<void> decode(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) = 0;

    /// Appends `samples` samples in the place of a lost packet. The default appends zeros.
    virtual void conceal(std::size_t samples, std::vector<std::int16_t>& out);

    /// As `conceal`, with the payload that comes right behind the loss (it is decoded next, by
    /// `decode`): formats with forward error correction find the lost sound in it (Opus). The
    /// default conceals.
    /// @return whether the payload held anything of what was lost
    [[nodiscard]] virtual bool recover(std::span<const std::byte> next,
                                       std::size_t samples,
                                       std::vector<std::int16_t>& out);

    /// Appends `samples` samples for a time in which the sender sent nothing on purpose (DTX): the
    /// comfort noise that the payloads before it described.
    /// @return false, and `out` unchanged, when there is none (the default)
    [[nodiscard]] virtual bool pause(std::size_t samples, std::vector<std::int16_t>& out);
};

/// Which decoders there are, by encoding name (any case). *Immutable* once shared between threads.
class SIPREC_EXPORT DecoderRegistry {
  public:
    using Factory = std::function<Result<std::unique_ptr<AudioDecoder>>(const PayloadFormat&)>;

    /// PCMU, PCMA, L16, G722, G726-16/24/32/40 and AAL2-G726-*, GSM, AMR, AMR-WB, SPEEX, OPUS;
    /// G729 and ILBC when the library was built with them (SIPREC_WITH_G729, SIPREC_WITH_ILBC).
    [[nodiscard]] static DecoderRegistry with_defaults();

    /// Adds a decoder or replaces the one of that name.
    void add(std::string_view encoding, Factory factory);

    [[nodiscard]] bool knows(std::string_view encoding) const;

    /// @return Unsupported, naming the encoding, when there is no decoder for it, or not with that
    /// many
    ///         channels or at that clock rate (1 to 384 kHz)
    [[nodiscard]] Result<std::unique_ptr<AudioDecoder>> create(const PayloadFormat& format) const;

  private:
    std::map<std::string, Factory, std::less<>> factories_;
};

}  // namespace siprec
