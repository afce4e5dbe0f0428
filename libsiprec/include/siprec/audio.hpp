#pragma once

#include <siprec/export.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace siprec {

/// One RTP payload format of a media stream, from rtpmap and fmtp or RFC 3551's static table.
struct PayloadFormat {
    std::uint8_t payload_type = 0;  ///< 0 to 127
    std::string encoding;  ///< as registered, upper case: "PCMU", "OPUS", "TELEPHONE-EVENT"
    std::uint32_t clock_rate = 8000;  ///< Hz of the RTP time stamps
    std::uint8_t channels = 1;
    std::string parameters;  ///< the value of `a=fmtp` behind the payload type; may be empty

    bool operator==(const PayloadFormat&) const = default;
};

/// Decoded audio of one track: signed 16-bit samples, mono, host order.
///
/// `position` counts samples at `sample_rate` from the track's zero, which is the arrival time
/// given to the assembler as origin; blocks of a track follow each other without overlap and
/// without holes: what was not received comes as a block marked `Lost` or `Silence`.
struct AudioBlock {
    enum class Kind : std::uint8_t {
        Voice,    ///< decoded from a packet that arrived
        Lost,     ///< a packet is missing; concealed where the decoder can, else silence
        Silence,  ///< nothing was sent: before the first packet, DTX, hold, pause
    };
    Kind kind = Kind::Voice;
    std::uint32_t sample_rate = 8000;       ///< Hz
    std::uint64_t position = 0;             ///< in samples
    std::span<const std::int16_t> samples;  ///< valid until the call returns
};

/// One telephone-event (RFC 4733) of a track, reported once, when it has ended.
struct TelephoneEvent {
    std::uint8_t event =
        0;  ///< 0 to 9, 10 `*`, 11 `#`, 12 to 15 A to D, 16 flash; others as registered
    std::chrono::nanoseconds start{0};  ///< from the track's zero
    std::chrono::nanoseconds duration{0};
};

/// Receives what an assembler or a PCM sink makes of one track. All calls come from one thread, the
/// one that drives the assembler (for `make_pcm_sink`: its worker). Must not throw.
class SIPREC_EXPORT AudioConsumer {
  public:
    AudioConsumer() = default;
    AudioConsumer(const AudioConsumer&) = delete;
    AudioConsumer& operator=(const AudioConsumer&) = delete;
    virtual ~AudioConsumer();
    virtual void on_audio(const AudioBlock& block) = 0;
    virtual void on_telephone_event(const TelephoneEvent& event);

    /// From `make_pcm_sink` only: its queue was full.
    /// @param packets  dropped since the stream opened; called when the number has grown
    virtual void on_overflow(std::uint64_t /*packets*/) {}
};

}  // namespace siprec
