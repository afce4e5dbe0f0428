// What the recorder says to an offer: RFC 3264 6, and RFC 7866 7.2 for a recorder's directions.
#include "sdp/text.hpp"

#include <siprec/sdp.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace siprec::sdp {

namespace {

/// The encoding as the offer spells it: payload formats have it in upper case, and not every SRC
/// knows that case does not count in `telephone-event`.
std::string_view offered_spelling(const Media& media, const PayloadFormat& format) {
    for (const Attribute& attribute : media.attributes) {
        if (!equals_ignoring_case(attribute.name, "rtpmap")) {
            continue;
        }
        std::string_view value = attribute.value;
        if (whole_number(take_word(value)) != format.payload_type) {
            continue;
        }
        const std::string_view name = trim(take_until(value, '/'));
        if (equals_ignoring_case(name, format.encoding)) {
            return name;
        }
    }
    return format.encoding;
}

/// Without the parameters that describe what the offerer sends (`sprop-...`).
std::string receivable_parameters(std::string_view offered) {
    std::string kept;
    while (!offered.empty()) {
        const std::string_view parameter = trim(take_until(offered, ';'));
        if (parameter.empty() || equals_ignoring_case(parameter.substr(0, 6), "sprop-")) {
            continue;
        }
        kept += kept.empty() ? "" : ";";
        kept += parameter;
    }
    return kept;
}

/// What stands behind `a=fmtp:<type> ` in our description; empty: no such line.
std::string answered_parameters(const PayloadFormat& format) {
    if (format.encoding == "TELEPHONE-EVENT") {
        // RFC 4733 2.5.1.1: a receiver states the events that it takes.
        return format.parameters.empty() ? "0-15" : format.parameters;
    }
    if (format.encoding == "OPUS") {
        // RFC 7587 7.1: each side states its own wishes, and the recorder has none.
        return {};
    }
    // The others' parameters say how the payload is built (octet-align, mode, annexb,
    // packetization-mode) and hold for both sides.
    return receivable_parameters(format.parameters);
}

/// The value of an `a=rtcp-fb` line without its payload type.
std::string_view feedback_of(std::string_view value) {
    static_cast<void>(take_word(value));
    return trim(value);
}

bool is_picture_request(std::string_view value) {
    const std::string_view kind = feedback_of(value);
    return equals_ignoring_case(kind, "ccm fir") || equals_ignoring_case(kind, "nack pli");
}

struct Line {
    std::uint16_t port = 0;
    std::uint16_t rtcp_port = 0;
    bool rtcp_mux = false;
    Direction direction = Direction::Inactive;
    IpAddress address;
    bool bundled = false;
    bool is_tagged = false;  // of a bundle: carries what concerns the port
    const std::vector<Attribute>& attributes;
};

class Writer {
  public:
    Writer(const AnswerOptions& options, std::string_view timing) : address_(options.address) {
        line("v=0");
        // An `o=` of our own: an SRC takes a mirrored one for a loop.
        line("o=siprec {} {} IN {}", options.session_id, options.version, typed(address_));
        line("s=-");
        line("c=IN {}", typed(address_));
        line("t={}", timing);
    }

    void group(const std::vector<std::size_t>& bundle, const std::vector<Media>& media) {
        std::string mids;
        for (const std::size_t index : bundle) {
            mids += fmt::format(" {}", mid_of(media[index]));
        }
        if (!mids.empty()) {
            line("a=group:BUNDLE{}", mids);
        }
    }

    // RFC 3264 6: a refused m-line keeps its place and at least one format.
    void refused(const Media& media) {
        const std::string_view format = media.format_tokens.empty()
                                            ? std::string_view(media.is_rtp() ? "0" : "*")
                                            : std::string_view(media.format_tokens.front());
        line("m={} 0 {} {}", media.type, media.protocol, format);
        label(media);
    }

    void accepted(const Media& media, const Line& ours) {
        std::vector<const PayloadFormat*> usable;
        for (const PayloadFormat& format : media.formats) {
            if (!format.encoding.empty()) {
                usable.push_back(&format);
            }
        }
        std::string formats;
        for (const PayloadFormat* format : usable) {
            fmt::format_to(std::back_inserter(formats), " {}", format->payload_type);
        }
        if (usable.empty()) {
            formats = fmt::format(" {}", fmt::join(media.format_tokens, " "));
        }
        line("m={} {} {}{}", media.type, ours.port, media.protocol, formats);
        if (ours.address != address_) {
            line("c=IN {}", typed(ours.address));
        }
        for (const PayloadFormat* format : usable) {
            write_format(media, *format);
        }
        line("a={}", to_string(ours.direction));
        label(media);
        feedback(media);
        if (ours.bundled) {
            bundled(media);
        }
        if (ours.bundled && !ours.is_tagged) {
            // RFC 9143 7.1.3: what concerns the port stands on the tagged line only.
            return;
        }
        if (ours.rtcp_mux) {
            line("a=rtcp-mux");
        } else if (ours.rtcp_port != 0 && ours.rtcp_port != ours.port + 1) {
            line("a=rtcp:{}", ours.rtcp_port);
        }
        for (const Attribute& attribute : ours.attributes) {
            line("a={}:{}", attribute.name, attribute.value);
        }
    }

    [[nodiscard]] std::string take() && { return std::move(text_); }

  private:
    template <typename... Values>
    void line(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
        text_ += "\r\n";
    }

    static std::string typed(const IpAddress& address) {
        return fmt::format("{} {}", address.is_v6() ? "IP6" : "IP4", address.to_string());
    }

    void label(const Media& media) {
        if (media.label) {
            line("a=label:{}", *media.label);
        }
    }

    // RFC 4585 4.2: of the feedback that was offered, what we send. FIR and PLI ask for pictures.
    void feedback(const Media& media) {
        for (const Attribute& attribute : media.attributes) {
            if (media.type == "video" && equals_ignoring_case(attribute.name, "rtcp-fb") &&
                is_picture_request(attribute.value)) {
                line("a=rtcp-fb:{}", attribute.value);
            }
        }
    }

    void bundled(const Media& media) {
        line("a=mid:{}", mid_of(media));
        if (const unsigned id = mid_extension_of(media); id != 0) {
            line("a=extmap:{} urn:ietf:params:rtp-hdrext:sdes:mid", id);
        }
    }

    void write_format(const Media& media, const PayloadFormat& format) {
        const std::string channels =
            format.channels > 1 ? fmt::format("/{}", format.channels) : std::string();
        line("a=rtpmap:{} {}/{}{}",
             format.payload_type,
             offered_spelling(media, format),
             format.clock_rate,
             channels);
        if (const std::string parameters = answered_parameters(format); !parameters.empty()) {
            line("a=fmtp:{} {}", format.payload_type, parameters);
        }
    }

    IpAddress address_;
    std::string text_;
};

/// What is wrong with an m-line that would be accepted so.
std::optional<Error> find_fault(const MediaAnswer& answer,
                                const AnswerOptions& options,
                                std::size_t index) {
    if (answer.port == 0) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("m-line {} is accepted with port 0", index));
    }
    if (answer.address.is_unspecified() && options.address.is_unspecified()) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("m-line {} is accepted without an address of ours", index));
    }
    return std::nullopt;
}

/// Writes `streams` with our ports, each m-line in the direction that `direction_of` gives.
template <typename DirectionOf>
Result<std::string> write(const SessionDescription& streams,
                          const std::vector<MediaAnswer>& media,
                          const AnswerOptions& options,
                          DirectionOf direction_of) {
    if (media.size() != streams.media.size()) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{} m-lines, but {} answers to them (RFC 3264 6)",
                                 streams.media.size(),
                                 media.size()));
    }
    Writer writer(options, streams.timing);
    const auto is_bundled = [&options](std::size_t index) {
        return std::ranges::find(options.bundle, index) != options.bundle.end();
    };
    writer.group(options.bundle, streams.media);
    for (std::size_t i = 0; i < media.size(); ++i) {
        const Media& stream = streams.media[i];
        const MediaAnswer& answer = media[i];
        if (!answer.accept || (!is_acceptable(stream) && !is_bundled(i))) {
            writer.refused(stream);
            continue;
        }
        if (auto fault = find_fault(answer, options, i)) {
            return *std::move(fault);
        }
        writer.accepted(
            stream,
            {.port = answer.port,
             .rtcp_port = answer.rtcp_port,
             // RFC 5761 5.1.1: only when both sides say so.
             .rtcp_mux = stream.rtcp_mux && answer.rtcp_mux,
             .direction =
                 options.ready && answer.ready ? direction_of(stream) : Direction::Inactive,
             .address = answer.address.is_unspecified() ? options.address : answer.address,
             .bundled = is_bundled(i),
             .is_tagged = !options.bundle.empty() && options.bundle.front() == i,
             .attributes = answer.attributes});
    }
    return std::move(writer).take();
}

SessionDescription plain_audio(std::size_t lines) {
    Media audio;
    audio.type = "audio";
    audio.port = 9;
    audio.protocol = "RTP/AVP";
    audio.format_tokens = {"0", "8"};
    for (const auto& [type, encoding] : {std::pair<std::uint8_t, const char*>{0, "PCMU"},
                                         std::pair<std::uint8_t, const char*>{8, "PCMA"}}) {
        audio.formats.push_back({.payload_type = type,
                                 .encoding = encoding,
                                 .clock_rate = 8000,
                                 .channels = 1,
                                 .parameters = {}});
    }
    SessionDescription description;
    description.media.assign(lines, audio);
    return description;
}

}  // namespace

bool is_acceptable(const Media& offered) noexcept {
    return offered.is_rtp() && offered.port != 0 && !offered.format_tokens.empty();
}

bool offers_feedback(const Media& media, std::string_view kind) noexcept {
    return std::ranges::any_of(media.attributes, [kind](const Attribute& attribute) {
        return equals_ignoring_case(attribute.name, "rtcp-fb") &&
               equals_ignoring_case(feedback_of(attribute.value), kind);
    });
}

Direction answer_direction(const Media& offered) noexcept {
    // RFC 3264 8.4: an all-zero address is the hold of old.
    if (offered.connection && offered.connection->is_unspecified()) {
        return Direction::Inactive;
    }
    switch (offered.direction) {
        case Direction::SendRecv:
        case Direction::SendOnly:
            return Direction::RecvOnly;
        case Direction::RecvOnly:
        case Direction::Inactive:
            return Direction::Inactive;
    }
    return Direction::Inactive;
}

Result<std::string> write_answer(const SessionDescription& offer,
                                 const std::vector<MediaAnswer>& media,
                                 const AnswerOptions& options) {
    return write(offer, media, options, answer_direction);
}

Result<std::string> write_offer(const SessionDescription& streams,
                                const std::vector<MediaAnswer>& media,
                                const AnswerOptions& options) {
    const auto recvonly = [](const Media&) { return Direction::RecvOnly; };
    if (streams.media.empty()) {
        return write(plain_audio(media.size()), media, options, recvonly);
    }
    return write(streams, media, options, recvonly);
}

}  // namespace siprec::sdp
