#pragma once

// One sender's T.140 text, put together from its packets.

#include <siprec/audio.hpp>
#include <siprec/clock.hpp>
#include <siprec/rtp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

/// Text that was written in one go.
struct TextLine {
    WallTime start;
    WallTime end;
    std::string text;  ///< UTF-8 without control characters
};

/// Takes packets in any order; memory grows with the text, up to a bound far above what anybody
/// types in a call. One thread.
class TextStream {
  public:
    /// @param formats  of the stream from now on: T140, and RED that carries it
    void set_formats(const std::vector<PayloadFormat>& formats) { formats_ = formats; }

    void push(const RtpPacket& packet);

    /// There was more than is kept.
    [[nodiscard]] bool is_full() const noexcept { return is_full_; }

    /// Cut at line ends and pauses. A backspace (T.140 8.3) takes back what it followed.
    [[nodiscard]] std::vector<TextLine> lines() const;

  private:
    struct Block {
        WallTime time;
        std::string text;
    };

    struct Source {
        std::uint32_t clock_rate = 1000;
        WallTime first_arrival;
        std::uint32_t first_timestamp = 0;
        std::int64_t latest_sequence = 0;
        std::map<std::int64_t, std::vector<Block>> packets;  // by extended sequence, oldest first
    };

    [[nodiscard]] const PayloadFormat* format_of(std::uint8_t payload_type) const;
    Source* source_of(const RtpPacket& packet, std::uint32_t clock_rate);
    [[nodiscard]] static WallTime time_of(const Source& source, const RtpPacket& packet);
    static bool read_blocks(const RtpPacket& packet,
                            const PayloadFormat& format,
                            WallTime time,
                            std::vector<Block>& blocks);
    [[nodiscard]] static std::vector<Block> text_of(const Source& source);
    static void add_lines(const Source& source, std::vector<TextLine>& lines);

    std::vector<PayloadFormat> formats_;
    std::map<std::uint32_t, Source> sources_;  // by SSRC
    std::size_t packets_ = 0;
    std::size_t bytes_ = 0;
    bool is_full_ = false;
};

}  // namespace siprec::server
