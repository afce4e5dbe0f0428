#pragma once

#include <siprec/audio.hpp>
#include <siprec/clock.hpp>
#include <siprec/codec.hpp>
#include <siprec/export.hpp>
#include <siprec/result.hpp>
#include <siprec/rtp.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace siprec {

/// Settings of an `Assembler`.
struct AssemblerConfig {
    /// The instant that is position 0 of the track. Tracks of one recording share it.
    WallTime origin;
    /// Formats of the stream; packets of other payload types are counted and left out of the audio.
    /// PCMU (0), PCMA (8) and CN (13) are known without being named, since clients send them
    /// unasked.
    std::vector<PayloadFormat> formats;
    /// Hz of the audio that comes out; audio of another rate is resampled.
    std::uint32_t sample_rate = 8000;
    /// How long a missing packet is waited for, measured in arrival time.
    std::chrono::milliseconds reorder_window{200};
};

/// What an assembler has seen so far.
struct AssemblerStats {
    std::uint64_t packets = 0;      ///< pushed
    std::uint64_t duplicates = 0;   ///< left out: sequence number was there already
    std::uint64_t late = 0;         ///< left out: arrived after its place was written
    std::uint64_t lost = 0;         ///< sequence numbers that never came
    std::uint64_t undecodable = 0;  ///< left out: decoder refused, or no decoder
    std::uint64_t recovered = 0;    ///< losses made good from a later packet (RFC 2198, Opus FEC)
    std::uint64_t samples_voice = 0;
    std::uint64_t samples_lost = 0;       ///< missing, concealed or not
    std::uint64_t samples_concealed = 0;  ///< of these: what a decoder put there
    std::uint64_t samples_silence = 0;
    std::optional<WallTime> first_arrival;
    std::optional<WallTime> last_arrival;
};

/// Puts the packets of one media stream in order and on one time line: packets with arrival times
/// in, contiguous PCM and gaps out. Arrival time fixes where a source (SSRC) starts; RTP time
/// stamps and RTCP sender reports carry it on, so that loss, reordering, duplicates, late starts,
/// SSRC and payload-type changes, wrap-around and DTX neither stretch nor shorten the track. Losses
/// are filled from redundant data that comes later (RED, Opus FEC), else concealed by the decoder,
/// fading to silence; a pause sounds as CN (RFC 3389) or the codec's own description says.
///
/// A source that sends when another already does (a second SSRC at the same time) is left out until
/// that one is quiet. A sender whose clock provably drifts against ours is followed by single
/// samples put in or left out; a stream without drift comes out bit-exact.
///
/// Pure: no thread, no socket, no clock of its own; owned and driven by one thread. The same input
/// gives the same output, live or from a capture.
class SIPREC_EXPORT Assembler {
  public:
    /// @param decoders  outlives the assembler
    /// @param consumer  outlives the assembler; called from within `push`, `advance` and `finish`
    /// @return InvalidArgument for a sample rate outside 8000 to 48000 Hz
    [[nodiscard]] static Result<std::unique_ptr<Assembler>> create(AssemblerConfig config,
                                                                   const DecoderRegistry& decoders,
                                                                   AudioConsumer& consumer);
    Assembler(const Assembler&) = delete;
    Assembler& operator=(const Assembler&) = delete;
    virtual ~Assembler();

    /// Takes one packet; copies what it keeps. Arrival times must not go back by more than the
    /// reorder window.
    virtual void push(const RtpPacket& packet) = 0;

    /// Takes the sender report of a compound packet, which tells after a pause whether the sender's
    /// clock ran on; anything else in it is ignored.
    virtual void push_rtcp(const RtcpPacket& packet) = 0;

    /// Formats changed by a new offer/answer; packets pushed from now on are read by these.
    virtual void set_formats(std::vector<PayloadFormat> formats) = 0;

    /// Nothing that arrived before `now` is outstanding: emits all held packets that are older than
    /// the reorder window. Silence comes out with the packet that ends it, or in `finish`: only
    /// then is it known how long it was. A live user calls it each 20 to 100 ms; a user with a
    /// whole capture need not.
    virtual void advance(WallTime now) = 0;

    /// Emits everything that is held, then silence up to `end` if the track is shorter, so that all
    /// tracks of a recording get one length. Call once, last.
    virtual void finish(std::optional<WallTime> end) = 0;

    [[nodiscard]] virtual AssemblerStats stats() const = 0;

  protected:
    Assembler() = default;
};

}  // namespace siprec
