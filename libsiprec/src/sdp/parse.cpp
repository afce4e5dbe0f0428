// Reads what session recording clients send as SDP: RFC 8866 in its grammar, far more lenient in
// what is accepted, since every line refused here is a call that nobody has on record.
#include "sdp/payload_types.hpp"
#include "sdp/text.hpp"

#include <siprec/sdp.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace siprec::sdp {

namespace {

constexpr std::uint16_t kDiscardPort = 9;  // RFC 863
constexpr std::size_t kMaxMediaLines = 128;

struct NamedDirection {
    Direction direction;
    std::string_view name;
};

constexpr std::array<NamedDirection, 4> kDirections{{
    {Direction::SendRecv, "sendrecv"},
    {Direction::SendOnly, "sendonly"},
    {Direction::RecvOnly, "recvonly"},
    {Direction::Inactive, "inactive"},
}};

/// The direction that a section's attributes state; the last one counts. `direction:both` (an old
/// draft's) has another name and does not match.
std::optional<Direction> stated_direction(const std::vector<Attribute>& attributes) {
    std::optional<Direction> stated;
    for (const Attribute& attribute : attributes) {
        const auto* named = std::ranges::find_if(kDirections, [&](const NamedDirection& candidate) {
            return equals_ignoring_case(candidate.name, attribute.name);
        });
        if (named != kDirections.end()) {
            stated = named->direction;
        }
    }
    return stated;
}

const Attribute* find_attribute(const std::vector<Attribute>& attributes, std::string_view name) {
    const auto found = std::ranges::find_if(attributes, [&](const Attribute& attribute) {
        return equals_ignoring_case(attribute.name, name);
    });
    return found == attributes.end() ? nullptr : &*found;
}

bool offers_rtcp_mux(const Media& media) {
    // RFC 5761 4: with the marker bit these payload types look like RTCP.
    constexpr std::uint8_t kFirst = 64;
    constexpr std::uint8_t kLast = 95;
    const bool is_offered = find_attribute(media.attributes, "rtcp-mux") != nullptr ||
                            find_attribute(media.attributes, "rtcp-mux-only") != nullptr;
    return is_offered && std::ranges::none_of(media.formats, [](const PayloadFormat& format) {
               return format.payload_type >= kFirst && format.payload_type <= kLast;
           });
}

Attribute parse_attribute(std::string_view value) {
    const std::string_view name = take_until(value, ':');
    return {.name = std::string(trim(name)), .value = std::string(trim(value))};
}

/// `IN IP4 192.0.2.1`, `IN IP4 233.252.0.1/127` (with a TTL), `IN IP6 2001:db8::1`. A host name
/// gives nothing: the address that media comes from takes its place.
std::optional<IpAddress> parse_connection(std::string_view value) {
    static_cast<void>(take_word(value));
    static_cast<void>(take_word(value));
    std::string_view address = take_word(value);
    if (address.empty()) {
        return std::nullopt;
    }
    return IpAddress::parse(take_until(address, '/'));
}

/// The value of the attribute `name` (rtpmap, fmtp) that speaks of `payload_type`, without the
/// type.
std::optional<std::string_view> value_for_type(const Media& media,
                                               std::string_view name,
                                               std::uint8_t payload_type) {
    for (const Attribute& attribute : media.attributes) {
        if (!equals_ignoring_case(attribute.name, name)) {
            continue;
        }
        std::string_view value = attribute.value;
        if (whole_number(take_word(value)) == payload_type) {
            return trim(value);
        }
    }
    return std::nullopt;
}

/// `telephone-event/8000`, `opus/48000/2` (RFC 8866 6.6).
/// @return nothing when name or clock rate cannot be made out
std::optional<PayloadFormat> parse_rtpmap(std::uint8_t payload_type, std::string_view value) {
    const std::string_view encoding = trim(take_until(value, '/'));
    // Interop(Oracle, observed): `pcmu/8000a`.
    const std::uint32_t clock_rate = leading_number(trim(take_until(value, '/'))).value_or(0);
    if (encoding.empty() || encoding.find_first_of(" \t") != std::string_view::npos ||
        clock_rate == 0) {
        return std::nullopt;
    }
    const std::uint32_t channels = leading_number(trim(value)).value_or(1);
    const bool plausible = channels >= 1 && channels <= std::numeric_limits<std::uint8_t>::max();
    return PayloadFormat{.payload_type = payload_type,
                         .encoding = to_upper(encoding),
                         .clock_rate = clock_rate,
                         .channels = static_cast<std::uint8_t>(plausible ? channels : 1),
                         .parameters = {}};
}

PayloadFormat resolve_format(const Media& media, std::uint8_t payload_type) {
    PayloadFormat format{.payload_type = payload_type,
                         .encoding = {},
                         .clock_rate = 8000,
                         .channels = 1,
                         .parameters = {}};
    const auto rtpmap = value_for_type(media, "rtpmap", payload_type);
    const auto mapped = rtpmap ? parse_rtpmap(payload_type, *rtpmap) : std::nullopt;
    if (mapped) {
        format = *mapped;
    } else if (const auto known = static_payload(payload_type)) {
        format.encoding = known->encoding;
        format.clock_rate = known->clock_rate;
        format.channels = known->channels;
    }
    format.parameters = value_for_type(media, "fmtp", payload_type).value_or(std::string_view{});
    return format;
}

void resolve_formats(Media& media) {
    constexpr std::uint32_t kLastPayloadType = 127;
    std::array<bool, kLastPayloadType + 1> seen{};
    for (const std::string& token : media.format_tokens) {
        const auto number = whole_number(token);
        if (!number || *number > kLastPayloadType || std::exchange(seen.at(*number), true)) {
            continue;
        }
        media.formats.push_back(resolve_format(media, static_cast<std::uint8_t>(*number)));
    }
}

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<SessionDescription> run() {
        for (std::size_t start = 0; start < text_.size();) {
            const std::size_t end = find_line_end(text_, start);
            if (auto taken = take_line(text_.substr(start, end - start), start); !taken) {
                return std::move(taken).error();
            }
            start = end + 1;
        }
        if (description_.media.empty()) {
            return Error(ErrorCode::Malformed,
                         has_version_ ? "SDP without m= line"
                                      : "SDP without v= and m= line (RFC 8866 5.1)")
                .at(has_version_ ? text_.size() : 0);
        }
        for (Media& media : description_.media) {
            finish(media);
        }
        return std::move(description_);
    }

  private:
    Result<void> take_line(std::string_view line, std::size_t offset) {
        line = trim(line);
        if (line.size() < 2 || line[1] != '=') {
            return {};
        }
        const std::string_view value = trim(line.substr(2));
        switch (line[0]) {
            case 'm':
                return take_media(value, offset);
            case 'a': {
                // Formats are looked up among the attributes: a bound keeps that from growing as
                // the square of a hostile offer. No client comes near it.
                constexpr std::size_t kMaxAttributes = 2048;
                if (attributes().size() < kMaxAttributes) {
                    attributes().push_back(parse_attribute(value));
                }
                return {};
            }
            case 'c':
                take_connection(value);
                return {};
            default:
                take_session_line(line[0], value);
                return {};
        }
    }

    // Also behind an m-line: an SRC has left a second description in the same part, whose m-lines
    // count while the session is the first one's.
    void take_session_line(char type, std::string_view value) {
        if (type == 'v') {
            has_version_ = true;
        } else if (type == 'o' && description_.origin_session_id.empty()) {
            take_origin(value);
        } else if (type == 's' && description_.session_name.empty()) {
            description_.session_name = value;
        } else if (type == 't' && !std::exchange(has_timing_, true)) {
            take_timing(value);
        }
    }

    /// `<user> <session id> <version> IN IP4 <address>`; the user of some has blanks in it.
    void take_origin(std::string_view value) {
        std::vector<std::string_view> words;
        for (auto word = take_word(value); !word.empty(); word = take_word(value)) {
            words.push_back(word);
        }
        if (words.size() < 3) {
            return;
        }
        const std::size_t id = words.size() >= 6 ? words.size() - 5 : 1;
        const char* user_end = words[id - 1].data() + words[id - 1].size();
        description_.origin_user.assign(words.front().data(), user_end);
        description_.origin_session_id = words[id];
        description_.origin_version = words[id + 1];
    }

    // It is echoed in the answer (RFC 3264 6), so it has to be one.
    void take_timing(std::string_view value) {
        const std::string_view start = take_word(value);
        const std::string_view stop = take_word(value);
        if (leading_number(start.substr(0, 1)) && leading_number(stop.substr(0, 1))) {
            description_.timing = fmt::format("{} {}", start, stop);
        }
    }

    /// `<type> <port>[/<count>] <protocol> <format> ...`
    Result<void> take_media(std::string_view value, std::size_t offset) {
        if (description_.media.size() == kMaxMediaLines) {
            return Error(ErrorCode::LimitExceeded,
                         fmt::format("SDP with more than {} m-lines", kMaxMediaLines))
                .at(offset);
        }
        Media media;
        media.type = take_word(value);
        std::string_view port_and_count = take_word(value);
        const std::string_view port_word = take_until(port_and_count, '/');
        const auto port = whole_number(port_word);
        const bool is_port = port && *port <= std::numeric_limits<std::uint16_t>::max();
        media.protocol = take_word(value);
        // A damaged m-line keeps its place: those behind it are counted from the first one
        // (RFC 3264 6). What has no protocol is refused in the answer; a port that is none is only
        // where media of ours would go, and a recorder sends none.
        if (media.type.empty()) {
            media.type = "audio";
        }
        if (media.protocol.empty()) {
            media.protocol = "RTP/AVP";
        } else {
            media.port = is_port ? static_cast<std::uint16_t>(*port) : kDiscardPort;
        }
        for (auto word = take_word(value); !word.empty(); word = take_word(value)) {
            media.format_tokens.emplace_back(word);
        }
        description_.media.push_back(std::move(media));
        media_has_connection_.push_back(false);
        return {};
    }

    void take_connection(std::string_view value) {
        if (description_.media.empty()) {
            if (!description_.connection) {
                description_.connection = parse_connection(value);
            }
        } else if (!media_has_connection_.back()) {
            media_has_connection_.back() = true;
            description_.media.back().connection = parse_connection(value);
        }
    }

    std::vector<Attribute>& attributes() {
        return description_.media.empty() ? description_.attributes
                                          : description_.media.back().attributes;
    }

    void finish(Media& media) const {
        const auto index = static_cast<std::size_t>(&media - description_.media.data());
        if (!media_has_connection_[index]) {
            media.connection = description_.connection;
        }
        media.direction =
            stated_direction(media.attributes)
                .value_or(stated_direction(description_.attributes).value_or(Direction::SendRecv));
        const Attribute* label = find_attribute(media.attributes, "label");
        if (label != nullptr && !label->value.empty()) {
            media.label = label->value;
        }
        if (const Attribute* rtcp = find_attribute(media.attributes, "rtcp")) {
            const auto port = leading_number(rtcp->value);
            if (port && *port > 0 && *port <= std::numeric_limits<std::uint16_t>::max()) {
                media.rtcp_port = static_cast<std::uint16_t>(*port);
            }
        }
        if (const Attribute* ptime = find_attribute(media.attributes, "ptime")) {
            media.ptime_ms = leading_number(ptime->value);
        }
        if (const Attribute* content = find_attribute(media.attributes, "content")) {
            media.content = content->value;
        }
        if (media.is_rtp()) {
            resolve_formats(media);
        }
        media.rtcp_mux = offers_rtcp_mux(media);
    }

    std::string_view text_;
    SessionDescription description_;
    std::vector<bool> media_has_connection_;
    bool has_version_ = false;
    bool has_timing_ = false;
};

}  // namespace

std::string_view to_string(Direction direction) noexcept {
    const auto* named = std::ranges::find(kDirections, direction, &NamedDirection::direction);
    return named == kDirections.end() ? std::string_view{"inactive"} : named->name;
}

bool Media::is_rtp() const noexcept {
    constexpr std::array<std::string_view, 6> kProfiles{
        "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"};
    return std::ranges::any_of(kProfiles, [this](std::string_view profile) {
        return equals_ignoring_case(profile, protocol);
    });
}

Result<SessionDescription> parse(std::string_view text) {
    return Parser(text).run();
}

}  // namespace siprec::sdp
