#pragma once

#include "assembler/format_table.hpp"
#include "assembler/press_tracker.hpp"
#include "assembler/rtp_clock.hpp"
#include "codec/comfort_noise.hpp"

#include <siprec/codec.hpp>
#include <siprec/rtp.hpp>

#include <bitset>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace siprec::assembler {

/// What the assembler needs of one packet. The payload is borrowed.
struct Packet {
    std::int64_t sequence = 0;   ///< extended, in the count of its source
    std::int64_t timestamp = 0;  ///< extended, on its clock; meaningless without a reading
    std::uint16_t sequence16 = 0;
    std::uint32_t timestamp32 = 0;
    bool marker = false;
    const Reading* reading = nullptr;     ///< null: payload type unknown
    RtpClock* clock = nullptr;            ///< null: payload type unknown
    std::chrono::nanoseconds arrival{0};  ///< from the track's zero
    std::span<const std::byte> payload;

    /// RFC 2198: what an earlier packet had already brought.
    struct Block {
        const Reading* reading = nullptr;
        std::uint32_t offset = 0;  ///< ticks before the packet's time stamp
        std::size_t begin = 0;     ///< in the payload
        std::size_t size = 0;
    };

    std::vector<Block> redundant;  ///< oldest first
    std::size_t primary = 0;       ///< where in the payload that of `reading` begins

    [[nodiscard]] std::span<const std::byte> content() const { return payload.subspan(primary); }
};

/// One run of a sender: an SSRC as long as its sequence numbers and time stamps go on where they
/// were. A sender that starts anew becomes another source. Holds the packets that wait for earlier
/// ones.
class Source {
  public:
    enum class Taken : std::uint8_t { Kept, Duplicate, Late };

    Source(std::uint32_t ssrc, std::uint32_t track_rate, const Packet& first);

    /// Whether the packet goes on where this source was, so that its time stamp can be trusted.
    [[nodiscard]] bool expects(std::uint32_t ssrc, const Packet& packet) const;

    /// Whether the packet repeats one that was just played, or comes too late.
    [[nodiscard]] bool is_behind(std::uint32_t ssrc, const Packet& packet) const;

    /// Gives the packet its extended numbers and clock; `Kept` is followed by `hold` or by playing
    /// it.
    [[nodiscard]] Taken number(Packet& packet);

    void hold(const Packet& packet);

    /// True when nothing is to be waited for: the packet can be played without holding it.
    [[nodiscard]] bool is_next(const Packet& packet) const {
        return playing_ && held_.empty() && packet.sequence == next_;
    }

    struct Held {
        Packet packet;
        std::vector<std::byte> payload;
    };

    [[nodiscard]] const std::map<std::int64_t, Held>& held() const noexcept { return held_; }

    /// Takes out the first held packet when its turn has come: it is next, or what it waits for is
    /// overdue. @param deadline  packets that arrived at or before it wait no longer
    [[nodiscard]] std::optional<Held> take_ready(std::chrono::nanoseconds deadline);

    /// Sequence numbers between the last packet played and this one, which becomes the last.
    [[nodiscard]] std::int64_t step_to(const Packet& packet);

    /// The first packets have been waited for: playing begins with the lowest number held.
    void start_playing();

    [[nodiscard]] bool is_playing() const noexcept { return playing_; }

    [[nodiscard]] std::uint32_t ssrc() const noexcept { return ssrc_; }

    [[nodiscard]] std::chrono::nanoseconds first_arrival() const noexcept { return first_arrival_; }

    [[nodiscard]] std::chrono::nanoseconds last_arrival() const noexcept { return last_arrival_; }

    /// The clock of the latest packet; null when none had a known payload type.
    [[nodiscard]] RtpClock* clock() const noexcept { return newest_clock_; }

    /// Smallest delay, on this source's time line, of what `later` holds and of the sender reports
    /// since: how late the sender is, if both are one. None when they cannot be.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> delay_of(const Source& later) const;

    void take_report(std::uint32_t rtp_timestamp, std::chrono::nanoseconds arrival);

    /// How far time stamps of the first packets show that the very first was itself late.
    [[nodiscard]] std::chrono::nanoseconds first_packet_delay() const;

    // State of playing, kept here because it is the source's.
    std::map<const Reading*, std::unique_ptr<AudioDecoder>> decoders;
    AudioDecoder* last_decoder = nullptr;
    std::optional<codec::ComfortNoise> noise;  // of the pause that is going on
    RtpClock* playing_clock = nullptr;         // of the last audio packet played
    PressTracker press;
    RtpClock* press_clock = nullptr;
    std::int64_t press_end = 0;  // position up to which an event excuses missing audio
    bool gap_is_loss = false;    // something between the last packet played and the next is missing
    bool is_fresh = true;        // nothing of it is on the track yet
    bool must_wait = false;      // another source is on the track; this one only when it is quiet

  private:
    [[nodiscard]] bool is_plausible(const Packet& packet, int step) const;
    RtpClock* find_clock(const Packet& packet);
    [[nodiscard]] bool is_used(const RtpClock& clock) const;
    RtpClock* find_or_make_clock(const Packet& packet);

    struct Report {
        std::uint32_t rtp_timestamp = 0;
        std::chrono::nanoseconds arrival{0};
    };

    static constexpr std::size_t kSeen = 8192;

    std::uint32_t ssrc_;
    std::uint32_t track_rate_;
    bool playing_ = false;
    std::chrono::nanoseconds first_arrival_;
    std::chrono::nanoseconds last_arrival_;
    std::int64_t first_;  // lowest sequence number that belongs to it
    std::int64_t highest_;
    std::int64_t next_ = 0;
    std::bitset<kSeen> seen_;
    std::map<std::int64_t, Held> held_;
    std::list<RtpClock> clocks_;  // packets point at them
    RtpClock* newest_clock_ = nullptr;
    std::optional<Report> report_;
};

}  // namespace siprec::assembler
