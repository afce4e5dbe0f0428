#include "rtp/rtcp.hpp"

#include "base/byte_reader.hpp"

#include <siprec/rtp.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace siprec::rtp {

namespace {

constexpr std::size_t kMaxBlocks = 31;  // five bits of count
constexpr std::size_t kBlockBytes = 24;
constexpr std::size_t kSenderInfoBytes = 20;

/// Writes network order.
class Writer {
  public:
    explicit Writer(std::vector<std::byte>& out) : out_(out) {}

    void u8(std::uint32_t value) { out_.push_back(static_cast<std::byte>(value & 0xFFU)); }

    void u16(std::uint32_t value) {
        u8(value >> 8U);
        u8(value);
    }

    void u32(std::uint32_t value) {
        u16(value >> 16U);
        u16(value);
    }

    void text(std::string_view value) {
        for (const char c : value) {
            out_.push_back(static_cast<std::byte>(c));
        }
    }

    /// Version 2, no padding; the length counts 32-bit words less one (RFC 3550 6.4.1).
    void header(std::size_t count, std::uint8_t type, std::size_t packet_bytes) {
        u8(0x80U | static_cast<std::uint32_t>(count));
        u8(type);
        u16(static_cast<std::uint32_t>(packet_bytes / 4 - 1));
    }

  private:
    std::vector<std::byte>& out_;
};

void write_block(Writer& writer, const ReportBlock& block) {
    writer.u32(block.ssrc);
    const auto lost = static_cast<std::uint32_t>(block.cumulative_lost) & 0xFFFFFFU;
    writer.u32(std::uint32_t{block.fraction_lost} << 24U | lost);
    writer.u32(block.extended_highest_sequence);
    writer.u32(block.jitter);
    writer.u32(block.last_sender_report);
    writer.u32(block.delay_since_last_sender_report);
}

void write_source_description(Writer& writer, std::uint32_t ssrc, std::string_view cname) {
    constexpr std::uint32_t kCname = 1;
    cname = cname.substr(0, 255);
    // RFC 3550 6.5: at least one null byte ends the items and fills up to a word.
    const std::size_t items = 2 + cname.size();
    const std::size_t nulls = 4 - items % 4;
    writer.header(1, rtcp_type::kSourceDescription, 8 + items + nulls);
    writer.u32(ssrc);
    writer.u8(kCname);
    writer.u8(static_cast<std::uint32_t>(cname.size()));
    writer.text(cname);
    for (std::size_t i = 0; i < nulls; ++i) {
        writer.u8(0);
    }
}

/// Whether what the count promises is there.
bool is_whole(const RtcpPart& part) noexcept {
    const std::size_t count = part.count;
    switch (part.type) {
        case rtcp_type::kSenderReport:
            return part.body.size() >= 4 + kSenderInfoBytes + count * kBlockBytes;
        case rtcp_type::kReceiverReport:
            return part.body.size() >= 4 + count * kBlockBytes;
        case rtcp_type::kBye:
            return part.body.size() >= count * 4;
        default:
            return true;
    }
}

}  // namespace

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|  count  |      PT       |  length in words, less one    |
std::optional<RtcpPart> take_part(std::span<const std::byte>& rest) noexcept {
    base::ByteReader reader(rest);
    const auto first = reader.u8();
    const auto type = reader.u8();
    const auto words = reader.u16();
    if (!first || !type || !words || (*first >> 6U) != 2 || *type < 192 || *type > 223) {
        return std::nullopt;
    }
    auto body = reader.take(std::size_t{4} * *words);
    if (!body) {
        return std::nullopt;
    }
    RtcpPart part{.count = static_cast<std::uint8_t>(*first & 0x1FU), .type = *type, .body = *body};
    if ((*first & 0x20U) != 0) {
        // RFC 3550 6.4.1: padding stands in the last packet of a compound only.
        const std::size_t padding = body->empty() ? 0 : std::to_integer<std::size_t>(body->back());
        if (padding == 0 || padding > body->size() || reader.remaining() != 0) {
            return std::nullopt;
        }
        part.body = body->first(body->size() - padding);
    }
    rest = rest.last(reader.remaining());
    return part;
}

bool is_valid_compound(std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) {
        return false;
    }
    while (!bytes.empty()) {
        const auto part = take_part(bytes);
        if (!part || !is_whole(*part)) {
            return false;
        }
    }
    return true;
}

std::optional<std::uint32_t> sender_of(const RtcpPart& part) noexcept {
    return base::ByteReader(part.body).u32();
}

std::optional<std::uint32_t> middle_ntp(const RtcpPart& sender_report) noexcept {
    base::ByteReader reader(sender_report.body);
    if (!reader.take(6)) {
        return std::nullopt;
    }
    return reader.u32();
}

std::vector<std::byte> build_receiver_report(std::uint32_t ssrc,
                                             std::string_view cname,
                                             std::span<const ReportBlock> blocks,
                                             bool bye) {
    std::vector<std::byte> out;
    Writer writer(out);
    do {
        const auto now = blocks.first(std::min(blocks.size(), kMaxBlocks));
        blocks = blocks.subspan(now.size());
        writer.header(now.size(), rtcp_type::kReceiverReport, 8 + now.size() * kBlockBytes);
        writer.u32(ssrc);
        for (const ReportBlock& block : now) {
            write_block(writer, block);
        }
    } while (!blocks.empty());
    write_source_description(writer, ssrc, cname);
    if (bye) {
        writer.header(1, rtcp_type::kBye, 8);
        writer.u32(ssrc);
    }
    return out;
}

std::vector<std::byte> build_full_intra_request(std::uint32_t ssrc,
                                                std::uint32_t source,
                                                std::uint8_t number) {
    constexpr std::size_t kFormat = 4;
    std::vector<std::byte> out;
    Writer writer(out);
    writer.header(kFormat, rtcp_type::kPayloadFeedback, 20);
    writer.u32(ssrc);
    writer.u32(0);  // RFC 5104 4.3.1.2: the sources stand in the entries
    writer.u32(source);
    writer.u32(std::uint32_t{number} << 24U);
    return out;
}

std::vector<std::byte> build_picture_loss(std::uint32_t ssrc, std::uint32_t source) {
    constexpr std::size_t kFormat = 1;
    std::vector<std::byte> out;
    Writer writer(out);
    writer.header(kFormat, rtcp_type::kPayloadFeedback, 12);
    writer.u32(ssrc);
    writer.u32(source);
    return out;
}

WallTime ntp_to_wall(std::uint64_t ntp) noexcept {
    constexpr std::int64_t kNtpToUnix = 2'208'988'800;  // 1900-01-01 to 1970-01-01
    constexpr std::int64_t kEra = std::int64_t{1} << 32U;
    auto seconds = static_cast<std::int64_t>(ntp >> 32U);
    // RFC 4330 3: with the highest bit clear the count has wrapped, in February 2036.
    if (seconds < kEra / 2) {
        seconds += kEra;
    }
    const std::uint64_t fraction = ((ntp & 0xFFFFFFFFU) * 1'000'000'000U) >> 32U;
    return WallTime(std::chrono::seconds(seconds - kNtpToUnix) +
                    std::chrono::nanoseconds(static_cast<std::int64_t>(fraction)));
}

}  // namespace siprec::rtp

namespace siprec {

namespace {

std::optional<SenderReport> read_sender_report(const rtp::RtcpPart& part) noexcept {
    base::ByteReader reader(part.body);
    const auto ssrc = reader.u32();
    const auto ntp = reader.u64();
    const auto timestamp = reader.u32();
    if (part.type != rtp::rtcp_type::kSenderReport || !ssrc || !ntp || !timestamp) {
        return std::nullopt;
    }
    return SenderReport{
        .ssrc = *ssrc, .ntp_time = rtp::ntp_to_wall(*ntp), .rtp_timestamp = *timestamp};
}

/// The CNAME of each chunk. RFC 3550 6.5: a chunk ends with a null item and is filled up to a word.
void read_source_names(const rtp::RtcpPart& part, std::vector<SourceName>& names) {
    constexpr std::uint8_t kCname = 1;
    base::ByteReader reader(part.body);
    for (std::size_t chunk = 0; chunk < part.count; ++chunk) {
        const auto ssrc = reader.u32();
        auto type = reader.u8();
        while (ssrc && type && *type != 0) {
            const auto length = reader.u8();
            const auto text = length ? reader.take(*length) : std::nullopt;
            if (!text) {
                return;
            }
            if (*type == kCname) {
                std::string name(text->size(), '\0');
                std::transform(text->begin(), text->end(), name.begin(), [](std::byte byte) {
                    return static_cast<char>(byte);
                });
                names.push_back({.ssrc = *ssrc, .cname = std::move(name)});
            }
            type = reader.u8();
        }
        if (!type || !reader.take(reader.remaining() % 4)) {
            return;
        }
    }
}

}  // namespace

std::vector<SourceName> find_source_names(std::span<const std::byte> compound) {
    std::vector<SourceName> names;
    if (!rtp::is_valid_compound(compound)) {
        return names;
    }
    for (auto part = rtp::take_part(compound); part.has_value(); part = rtp::take_part(compound)) {
        if (part->type == rtp::rtcp_type::kSourceDescription) {
            read_source_names(*part, names);
        }
    }
    return names;
}

std::optional<SenderReport> find_sender_report(std::span<const std::byte> compound) noexcept {
    if (!rtp::is_valid_compound(compound)) {
        return std::nullopt;
    }
    for (auto part = rtp::take_part(compound); part.has_value(); part = rtp::take_part(compound)) {
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the loop condition has checked it.
        if (const auto report = read_sender_report(*part)) {
            return report;
        }
    }
    return std::nullopt;
}

}  // namespace siprec
