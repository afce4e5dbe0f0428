// Which m-lines share one port: RFC 9143.
#include "sdp/text.hpp"

#include <siprec/sdp.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace siprec::sdp {

namespace {

constexpr std::string_view kMidExtension = "urn:ietf:params:rtp-hdrext:sdes:mid";

std::optional<std::string_view> find_value(const std::vector<Attribute>& attributes,
                                           std::string_view name) {
    for (const Attribute& attribute : attributes) {
        if (equals_ignoring_case(attribute.name, name)) {
            return std::string_view(attribute.value);
        }
    }
    return std::nullopt;
}

bool has(const Media& media, std::string_view name) {
    return find_value(media.attributes, name).has_value();
}

/// The m-lines that the first BUNDLE group names, in its order.
std::vector<std::size_t> grouped_lines(const SessionDescription& offer) {
    std::vector<std::size_t> lines;
    for (const Attribute& attribute : offer.attributes) {
        std::string_view mids = attribute.value;
        if (!equals_ignoring_case(attribute.name, "group") || take_word(mids) != "BUNDLE") {
            continue;
        }
        for (auto mid = take_word(mids); !mid.empty(); mid = take_word(mids)) {
            const auto found = std::ranges::find_if(
                offer.media, [mid](const Media& media) { return mid_of(media) == mid; });
            if (found != offer.media.end()) {
                lines.push_back(static_cast<std::size_t>(found - offer.media.begin()));
            }
        }
        break;
    }
    return lines;
}

/// Keys of a bundle stand on its tagged line alone; the recorder has keys for each line.
bool is_plain(const Media& media) {
    return (equals_ignoring_case(media.protocol, "RTP/AVP") ||
            equals_ignoring_case(media.protocol, "RTP/AVPF")) &&
           !has(media, "crypto") && !has(media, "fingerprint") && !media.formats.empty();
}

/// The line whose port all share: with a port of its own and RTCP on it (RFC 9143 7.3.1, 9.3).
bool can_be_tagged(const Media& media) {
    return is_plain(media) && media.port != 0 && media.rtcp_mux;
}

bool names_its_packets(const Media& media) {
    return mid_extension_of(media) != 0 || !sources_of(media).empty();
}

/// RFC 9143 9.1: one payload type means one thing in the whole bundle; and each packet has to show
/// which line it is of.
bool can_live_together(const Media& one, const Media& other) {
    bool overlap = false;
    for (const PayloadFormat& format : one.formats) {
        const auto same =
            std::ranges::find(other.formats, format.payload_type, &PayloadFormat::payload_type);
        if (same == other.formats.end()) {
            continue;
        }
        overlap = true;
        if (*same != format) {
            return false;
        }
    }
    return !overlap || (names_its_packets(one) && names_its_packets(other));
}

bool fits(const SessionDescription& offer,
          const std::vector<std::size_t>& bundle,
          const Media& media) {
    const Media& tagged = offer.media[bundle.front()];
    if (!is_plain(media) || !equals_ignoring_case(media.protocol, tagged.protocol) ||
        (media.port == 0 && !is_bundle_only(media)) ||
        (mid_extension_of(media) != 0 && mid_extension_of(media) != mid_extension_of(tagged))) {
        return false;
    }
    return std::ranges::all_of(
        bundle, [&](std::size_t index) { return can_live_together(offer.media[index], media); });
}

}  // namespace

std::string_view mid_of(const Media& media) noexcept {
    return trim(find_value(media.attributes, "mid").value_or(std::string_view{}));
}

bool is_bundle_only(const Media& media) noexcept {
    return has(media, "bundle-only");
}

std::uint8_t mid_extension_of(const Media& media) noexcept {
    for (const Attribute& attribute : media.attributes) {
        if (!equals_ignoring_case(attribute.name, "extmap")) {
            continue;
        }
        std::string_view value = attribute.value;
        std::string_view id = take_word(value);
        // RFC 8285 7: an id may have a direction behind it.
        const auto number = whole_number(take_until(id, '/'));
        if (take_word(value) == kMidExtension && number && *number >= 1 && *number <= 255) {
            return static_cast<std::uint8_t>(*number);
        }
    }
    return 0;
}

std::vector<std::uint32_t> sources_of(const Media& media) {
    std::vector<std::uint32_t> sources;
    for (const Attribute& attribute : media.attributes) {
        if (!equals_ignoring_case(attribute.name, "ssrc")) {
            continue;
        }
        std::string_view value = attribute.value;
        const auto ssrc = whole_number(take_word(value));
        if (ssrc && std::ranges::find(sources, *ssrc) == sources.end()) {
            sources.push_back(*ssrc);
        }
    }
    return sources;
}

std::vector<std::size_t> choose_bundle(const SessionDescription& offer) {
    std::vector<std::size_t> bundle;
    for (const std::size_t index : grouped_lines(offer)) {
        const Media& media = offer.media[index];
        if (bundle.empty() ? can_be_tagged(media) : fits(offer, bundle, media)) {
            bundle.push_back(index);
        }
    }
    if (bundle.size() < 2) {
        bundle.clear();
    }
    return bundle;
}

}  // namespace siprec::sdp
