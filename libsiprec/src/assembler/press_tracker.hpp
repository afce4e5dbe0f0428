#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace siprec::assembler {

/// RFC 4733 2.3, the payload of a telephone-event packet:
///
///      event (8) | E (1) | R (1) | volume (6) | duration (16, in time-stamp ticks)
struct EventPayload {
    std::uint8_t event = 0;
    bool end = false;
    std::uint16_t duration = 0;

    [[nodiscard]] static std::optional<EventPayload> parse(std::span<const std::byte> payload);
};

/// One press of a key, in ticks of the RTP clock.
struct Press {
    std::uint8_t event = 0;
    std::int64_t start = 0;
    std::int64_t duration = 0;
};

/// Makes one press of the many packets that tell of it. Takes packets in order of sequence.
class PressTracker {
  public:
    /// @return a press that is over because this packet begins another or says so
    [[nodiscard]] std::optional<Press> take(std::int64_t timestamp,
                                            const EventPayload& payload,
                                            bool marker);

    /// Nothing more will come of the press that goes on, if one does.
    [[nodiscard]] std::optional<Press> finish();

    /// Where the press that goes on has got to.
    [[nodiscard]] bool is_open() const noexcept { return has_press_ && !reported_; }

  private:
    [[nodiscard]] bool continues(std::int64_t timestamp,
                                 const EventPayload& payload,
                                 bool marker) const;

    bool has_press_ = false;
    Press press_;
    std::int64_t segment_ = 0;  // time stamp of the packets now arriving
    bool reported_ = false;
};

}  // namespace siprec::assembler
