#include "render/text_stream.hpp"

#include <siprec/redundancy.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace siprec::server {
namespace {

constexpr std::size_t kMaxPackets = 200'000;  // 16 hours of somebody who never stops typing
constexpr std::size_t kMaxBytes = std::size_t{16} * 1024 * 1024;
constexpr std::size_t kMaxSources = 16;
constexpr std::chrono::seconds kPause{3};
constexpr std::chrono::seconds kLongestDelay{5};
constexpr std::size_t kLongestLine = 120;                    // octets
constexpr std::string_view kLost = "\xEF\xBF\xBD";           // U+FFFD
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // T.140 8.1
// T.140 8.5 and 8.6: CSI, SOS and ST; what never ends must not take all text with it
constexpr std::string_view kControlSequence = "\xC2\x9B";
constexpr std::string_view kStartOfString = "\xC2\x98";
constexpr std::string_view kStringTerminator = "\xC2\x9C";
constexpr std::size_t kLongestControlSequence = 16;
constexpr std::size_t kLongestString = 255;
constexpr std::string_view kLineSeparator = "\xE2\x80\xA8";  // U+2028

/// The range of a character's second octet (RFC 3629 4): no overlong form, no surrogate, nothing
/// beyond U+10FFFF.
std::pair<unsigned, unsigned> second_octets(unsigned first) {
    switch (first) {
        case 0xE0U:
            return {0xA0U, 0xBFU};
        case 0xEDU:
            return {0x80U, 0x9FU};
        case 0xF0U:
            return {0x90U, 0xBFU};
        case 0xF4U:
            return {0x80U, 0x8FU};
        default:
            return {0x80U, 0xBFU};
    }
}

/// Octets of the UTF-8 character in front; 1 for what is none.
std::size_t character_size(std::string_view text) {
    const unsigned first = static_cast<unsigned char>(text.front());
    std::size_t size = 1;
    if (first >= 0xF0U && first < 0xF5U) {
        size = 4;
    } else if (first >= 0xE0U && first < 0xF0U) {
        size = 3;
    } else if (first >= 0xC2U && first < 0xE0U) {
        size = 2;
    }
    if (size > text.size()) {
        return 1;
    }
    auto [low, high] = second_octets(first);
    for (const char c : text.substr(1, size - 1)) {
        const unsigned octet = static_cast<unsigned char>(c);
        if (octet < low || octet > high) {
            return 1;
        }
        low = 0x80U;
        high = 0xBFU;
    }
    return size;
}

void erase_last_character(std::string& text) {
    while (!text.empty()) {
        const auto octet = static_cast<unsigned char>(text.back());
        text.pop_back();
        if ((octet & 0xC0U) != 0x80U) {
            break;
        }
    }
}

/// Puts characters together to lines.
class LineWriter {
  public:
    explicit LineWriter(std::vector<TextLine>& lines) : lines_(lines) {}

    void write(WallTime when, std::string_view text) {
        if (!line_.text.empty() && when - line_.end > kPause) {
            end_line();
        }
        while (!text.empty()) {
            const std::string_view character = text.substr(0, character_size(text));
            text.remove_prefix(character.size());
            put(when, character);
        }
    }

    void end_line() {
        if (!line_.text.empty()) {
            lines_.push_back(std::exchange(line_, {}));
        }
    }

  private:
    void put(WallTime when, std::string_view character) {
        if (to_skip_ > 0) {
            --to_skip_;
            to_skip_ = is_skip_end(character) ? 0 : to_skip_;
        } else if (character == kControlSequence || character == kStartOfString) {
            is_string_ = character == kStartOfString;
            to_skip_ = is_string_ ? kLongestString : kLongestControlSequence;
        } else if (character == "\r" || character == "\n" || character == kLineSeparator) {
            end_line();
        } else if (character == "\b") {
            erase_last_character(line_.text);
        } else if (is_text(character)) {
            add(when, character);
        }
    }

    void add(WallTime when, std::string_view character) {
        if (line_.text.empty()) {
            line_.start = when;
        }
        line_.text += character;
        line_.end = std::max(line_.start, when);
        if (line_.text.size() >= kLongestLine && character == " ") {
            end_line();
        }
    }

    /// T.140 8.5, 8.6: how letters look, and what programs tell each other, is no text.
    [[nodiscard]] bool is_skip_end(std::string_view character) const {
        return is_string_ ? character == kStringTerminator
                          : character.size() == 1 && character.front() >= '@';
    }

    static bool is_text(std::string_view character) {
        const auto octet = static_cast<unsigned char>(character.front());
        const bool is_control = character.size() == 1 && (octet < 0x20U || octet >= 0x7FU);
        const bool is_second_control =
            octet == 0xC2U && static_cast<unsigned char>(character.back()) < 0xA0U;
        return !is_control && !is_second_control && character != kByteOrderMark;
    }

    std::vector<TextLine>& lines_;
    TextLine line_;
    std::size_t to_skip_ = 0;  // characters at most
    bool is_string_ = false;
};

}  // namespace

const PayloadFormat* TextStream::format_of(std::uint8_t payload_type) const {
    const auto found = std::ranges::find(formats_, payload_type, &PayloadFormat::payload_type);
    return found != formats_.end() ? &*found : nullptr;
}

void TextStream::push(const RtpPacket& packet) {
    const PayloadFormat* format = format_of(packet.payload_type);
    if (format == nullptr || format->clock_rate == 0) {
        return;
    }
    is_full_ = is_full_ || packets_ >= kMaxPackets || bytes_ >= kMaxBytes;
    Source* source = is_full_ ? nullptr : source_of(packet, format->clock_rate);
    if (source == nullptr) {
        return;
    }
    const std::int64_t sequence =
        source->latest_sequence +
        static_cast<std::int16_t>(packet.sequence -
                                  static_cast<std::uint16_t>(source->latest_sequence & 0xFFFF));
    std::vector<Block> blocks;
    if (read_blocks(packet, *format, time_of(*source, packet), blocks)) {
        source->latest_sequence = std::max(source->latest_sequence, sequence);
        if (source->packets.emplace(sequence, std::move(blocks)).second) {
            ++packets_;
            bytes_ += packet.payload.size();
        }
    }
}

/// Null: one source too many.
TextStream::Source* TextStream::source_of(const RtpPacket& packet, std::uint32_t clock_rate) {
    const auto known = sources_.find(packet.ssrc);
    if (known != sources_.end()) {
        return &known->second;
    }
    if (sources_.size() >= kMaxSources) {
        return nullptr;
    }
    Source& source = sources_[packet.ssrc];
    source.clock_rate = clock_rate;
    source.first_arrival = packet.arrival;
    source.first_timestamp = packet.timestamp;
    source.latest_sequence = packet.sequence;
    return &source;
}

/// By the sender's clock, unless that has been set anew.
WallTime TextStream::time_of(const Source& source, const RtpPacket& packet) {
    const std::int64_t ticks = static_cast<std::int32_t>(packet.timestamp - source.first_timestamp);
    const WallTime time =
        source.first_arrival +
        std::chrono::nanoseconds(ticks * 1'000'000'000 / std::int64_t{source.clock_rate});
    return time - packet.arrival > kLongestDelay || packet.arrival - time > kLongestDelay
               ? packet.arrival
               : time;
}

/// @param time  of the packet
/// @return false for what is no text
bool TextStream::read_blocks(const RtpPacket& packet,
                             const PayloadFormat& format,
                             WallTime time,
                             std::vector<Block>& blocks) {
    const auto take = [&](std::uint32_t offset, std::span<const std::byte> data) {
        const std::int64_t before = std::int64_t{offset} * 1'000'000'000;
        Block& block = blocks.emplace_back();
        block.time = time - std::chrono::nanoseconds(before / std::int64_t{format.clock_rate});
        for (const std::byte octet : data) {
            block.text += static_cast<char>(octet);
        }
    };
    if (format.encoding == "T140") {
        take(0, packet.payload);
        return true;
    }
    const auto parsed = parse_redundancy(packet.payload);
    if (format.encoding != "RED" || !parsed) {
        return false;
    }
    for (const RedundantBlock& block : *parsed) {
        take(block.offset, packet.payload.subspan(block.begin, block.size));
    }
    return true;
}

/// What each packet brought that none before it had. RFC 4103 5.4: the last blocks of a packet
/// stand for the packets right before it, so what a gap has more than these is lost.
std::vector<TextStream::Block> TextStream::text_of(const Source& source) {
    std::vector<Block> text;
    std::optional<std::int64_t> previous;
    for (const auto& [sequence, blocks] : source.packets) {
        const auto missing = static_cast<std::size_t>(
            previous ? std::max<std::int64_t>(sequence - *previous - 1, 0) : 0);
        const std::size_t redundant = blocks.empty() ? 0 : blocks.size() - 1;
        if (missing > redundant && !blocks.empty()) {
            text.push_back({.time = blocks.front().time, .text = std::string(kLost)});
        }
        const std::size_t wanted = previous ? std::min(missing, redundant) : redundant;
        for (const Block& block : blocks) {
            const auto behind = static_cast<std::size_t>(&blocks.back() - &block);
            if (behind <= wanted) {
                text.push_back(block);
            }
        }
        previous = sequence;
    }
    return text;
}

void TextStream::add_lines(const Source& source, std::vector<TextLine>& lines) {
    LineWriter writer(lines);
    for (const Block& block : text_of(source)) {
        writer.write(block.time, block.text);
    }
    writer.end_line();
}

std::vector<TextLine> TextStream::lines() const {
    std::vector<TextLine> lines;
    for (const auto& [ssrc, source] : sources_) {
        add_lines(source, lines);
    }
    std::ranges::stable_sort(lines, {}, &TextLine::start);
    return lines;
}

}  // namespace siprec::server
