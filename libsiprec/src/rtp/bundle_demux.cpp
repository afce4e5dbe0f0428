#include "rtp/bundle_demux.hpp"

#include "base/byte_reader.hpp"
#include "rtp/rtcp.hpp"

#include <siprec/rtp.hpp>

#include <algorithm>

namespace siprec::rtp {

namespace {

constexpr std::uint32_t kMidItem = 15;  // SDES (RFC 9143 15.1)

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The bytes of the header extension with the profile that says how they are read.
struct Extension {
    std::uint16_t profile = 0;
    std::span<const std::byte> elements;
};

std::optional<Extension> extension_of(std::span<const std::byte> packet) noexcept {
    constexpr std::uint16_t kHasExtension = 0x1000;
    base::ByteReader reader(packet);
    const auto flags = reader.u16();
    if (!flags || (*flags & kHasExtension) == 0 || !reader.take(10) ||
        !reader.take(std::size_t{4} * ((*flags >> 8U) & 0x0FU))) {
        return std::nullopt;
    }
    const auto profile = reader.u16();
    const auto words = reader.u16();
    const auto elements = words ? reader.take(std::size_t{4} * *words) : std::nullopt;
    if (!elements) {
        return std::nullopt;
    }
    return Extension{.profile = *profile, .elements = *elements};
}

/// Gives each SSRC and MID of an SDES packet to `take`.
template <typename Take>
void read_mids(const RtcpPart& names, Take take) {
    base::ByteReader reader(names.body);
    for (unsigned chunk = 0; chunk < names.count; ++chunk) {
        const auto ssrc = reader.u32();
        if (!ssrc) {
            return;
        }
        std::size_t bytes = 0;  // of the items; the null that ends them fills up to a word
        for (auto type = reader.u8(); type && *type != 0; type = reader.u8()) {
            const auto size = reader.u8();
            const auto value = size ? reader.take(*size) : std::nullopt;
            if (!value) {
                return;
            }
            bytes += 2 + value->size();
            if (*type == kMidItem) {
                take(*ssrc, text_of(*value));
            }
        }
        if (!reader.take(3 - bytes % 4)) {
            return;
        }
    }
}

}  // namespace

std::optional<std::string_view> header_extension(std::span<const std::byte> packet,
                                                 std::uint8_t id) noexcept {
    constexpr std::uint16_t kOneByte = 0xBEDE;
    constexpr std::uint16_t kTwoBytes = 0x1000;  // the last four bits are the application's
    const auto extension = extension_of(packet);
    if (!extension || id == 0) {
        return std::nullopt;
    }
    const bool is_short = extension->profile == kOneByte;
    if (!is_short && (extension->profile & 0xFFF0U) != kTwoBytes) {
        return std::nullopt;
    }
    base::ByteReader reader(extension->elements);
    while (const auto first = reader.u8()) {
        if (*first == 0) {
            continue;  // padding
        }
        const auto size =
            is_short ? std::optional<std::uint8_t>((*first & 0x0FU) + 1U) : reader.u8();
        const unsigned found = is_short ? *first >> 4U : *first;
        // RFC 8285 4.2: id 15 ends the one-byte form.
        if (!size || (is_short && found == 15)) {
            return std::nullopt;
        }
        const auto value = reader.take(*size);
        if (!value) {
            return std::nullopt;
        }
        if (found == id) {
            return text_of(*value);
        }
    }
    return std::nullopt;
}

void BundleDemux::set(StreamHandle stream, const StreamInfo& info) {
    const auto found = std::ranges::find(members_, stream, &Member::stream);
    if (found == members_.end()) {
        members_.push_back({.stream = stream, .info = info});
    } else {
        found->info = info;
    }
    if (info.bundled) {
        for (const std::uint32_t ssrc : info.bundled->ssrcs) {
            learn(ssrc, stream);
        }
    }
}

void BundleDemux::remove(StreamHandle stream) {
    std::erase_if(members_, [stream](const Member& member) { return member.stream == stream; });
    std::erase_if(sources_, [stream](const auto& source) { return source.second == stream; });
}

std::optional<StreamHandle> BundleDemux::route_rtp(std::span<const std::byte> packet) {
    const auto rtp = parse_rtp(packet);
    if (!rtp) {
        return std::nullopt;
    }
    auto stream = by_source(rtp->ssrc);
    if (const auto mid = mid_of(packet)) {
        stream = by_mid(*mid);
    } else if (!stream) {
        stream = by_payload_type(rtp->payload_type);
    }
    if (stream) {
        learn(rtp->ssrc, *stream);
    }
    return stream;
}

std::optional<StreamHandle> BundleDemux::route_rtcp(std::span<const std::byte> compound) {
    std::optional<std::uint32_t> sender;
    for (auto part = take_part(compound); part.has_value(); part = take_part(compound)) {
        // NOLINTBEGIN(bugprone-unchecked-optional-access): the loop condition has checked it.
        if (!sender) {
            sender = sender_of(*part);
        }
        if (part->type == rtcp_type::kSourceDescription) {
            read_mids(*part, [this](std::uint32_t ssrc, std::string_view mid) {
                if (const auto stream = by_mid(mid)) {
                    learn(ssrc, *stream);
                }
            });
        }
        // NOLINTEND(bugprone-unchecked-optional-access)
    }
    return sender ? by_source(*sender) : std::nullopt;
}

void BundleDemux::learn(std::uint32_t ssrc, StreamHandle stream) {
    const auto known =
        std::ranges::find(sources_, ssrc, [](const auto& source) { return source.first; });
    if (known != sources_.end()) {
        known->second = stream;
        return;
    }
    if (sources_.size() == kMaxSources) {
        sources_.erase(sources_.begin());
    }
    sources_.emplace_back(ssrc, stream);
}

std::optional<StreamHandle> BundleDemux::by_source(std::uint32_t ssrc) const {
    const auto known =
        std::ranges::find(sources_, ssrc, [](const auto& source) { return source.first; });
    return known == sources_.end() ? std::nullopt : std::optional(known->second);
}

std::optional<StreamHandle> BundleDemux::by_mid(std::string_view mid) const {
    for (const Member& member : members_) {
        if (member.info.bundled && member.info.bundled->mid == mid) {
            return member.stream;
        }
    }
    return std::nullopt;
}

std::optional<StreamHandle> BundleDemux::by_payload_type(std::uint8_t type) const {
    std::optional<StreamHandle> only;
    for (const Member& member : members_) {
        if (std::ranges::find(member.info.formats, type, &PayloadFormat::payload_type) !=
            member.info.formats.end()) {
            if (only) {
                return std::nullopt;
            }
            only = member.stream;
        }
    }
    return only;
}

std::optional<std::string_view> BundleDemux::mid_of(std::span<const std::byte> packet) const {
    for (const Member& member : members_) {
        if (member.info.bundled && member.info.bundled->mid_extension != 0) {
            return header_extension(packet, member.info.bundled->mid_extension);
        }
    }
    return std::nullopt;
}

}  // namespace siprec::rtp
