// Bodies as SRCs send them: SDP alone, metadata alone, or both in a multipart (RFC 7866 9.1).
#include "body/header.hpp"
#include "body/transfer_encoding.hpp"

#include <siprec/body.hpp>

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace siprec {

namespace {

constexpr std::size_t kMaxParts = 64;
constexpr int kMaxDepth = 4;
constexpr std::string_view kSdpType = "application/sdp";
constexpr std::string_view kMetadataType = "application/rs-metadata+xml";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view without_leading_space(std::string_view content) {
    if (content.starts_with(kByteOrderMark)) {
        content.remove_prefix(kByteOrderMark.size());
    }
    const std::size_t first = content.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view{} : content.substr(first);
}

/// The type that content without one most likely has; empty: no idea.
std::string_view guess_type(std::string_view content) {
    content = without_leading_space(content);
    if (content.starts_with("v=0")) {
        return kSdpType;
    }
    if (content.starts_with('<')) {
        return kMetadataType;
    }
    return {};
}

/// True for XML whose first tags name a metadata document's root.
bool shows_recording(std::string_view content) {
    constexpr std::size_t kRootWithin = 1024;
    const std::string_view head = content.substr(0, kRootWithin);
    return without_leading_space(head).starts_with('<') &&
           (head.find("<recording") != std::string_view::npos ||
            head.find(":recording") != std::string_view::npos);
}

/// The boundary that the first line of a multipart shows; empty: it shows none.
std::string_view shown_boundary(std::string_view body) {
    std::string_view rest = without_leading_space(body);
    const std::string_view line = body::trim(body::take_line(rest));
    if (line.size() <= 2 || !line.starts_with("--") ||
        line.find_first_of("\"\\") != std::string_view::npos) {
        return {};
    }
    return line.substr(2);
}

/// A multipart whose Content-Type was lost, or is that of one of its parts.
std::string guess_multipart(std::string_view body) {
    const std::string_view boundary = shown_boundary(body);
    return boundary.empty() ? std::string{}
                            : fmt::format("multipart/mixed;boundary=\"{}\"", boundary);
}

enum class Delimiter { None, Between, Closing };

/// RFC 2046 5.1.1: `--boundary`, blanks, line end; the last one has `--` behind. The whole line is
/// compared, since one boundary may begin with another.
Delimiter match_delimiter(std::string_view line, std::string_view boundary) {
    if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) {
        return Delimiter::None;
    }
    const std::string_view rest = body::trim(line.substr(2 + boundary.size()));
    if (rest.empty()) {
        return Delimiter::Between;
    }
    return rest == "--" ? Delimiter::Closing : Delimiter::None;
}

/// RFC 2046 5.1.1: the line end in front of a delimiter belongs to the delimiter.
std::string_view without_last_line_end(std::string_view content) {
    if (content.ends_with('\n')) {
        content.remove_suffix(1);
        if (content.ends_with('\r')) {
            content.remove_suffix(1);
        }
    }
    return content;
}

/// What stands between the delimiters, headers included. Preamble and epilogue are left out; the
/// end of the body closes a last part whose closing delimiter is missing.
std::vector<std::string_view> split(std::string_view body, std::string_view boundary) {
    std::vector<std::string_view> sections;
    std::string_view rest = body;
    const char* section = nullptr;
    const auto close_section = [&](const char* end) {
        if (section != nullptr) {
            const std::string_view whole(section, static_cast<std::size_t>(end - section));
            sections.push_back(without_last_line_end(whole));
        }
    };
    while (!rest.empty()) {
        const char* line_start = rest.data();
        const Delimiter delimiter = match_delimiter(body::take_line(rest), boundary);
        if (delimiter == Delimiter::None) {
            continue;
        }
        close_section(line_start);
        if (delimiter == Delimiter::Closing) {
            return sections;
        }
        section = rest.data();
    }
    close_section(rest.data());
    return sections;
}

class Collector {
  public:
    Result<void> add(const body::PartHeaders& headers, std::string_view content, int depth) {
        const body::HeaderValue type = body::parse_header_value(headers.content_type);
        if (type.type.starts_with("multipart/") && depth < kMaxDepth) {
            auto nested = add_multipart(type, content, depth + 1);
            // A nested one that cannot be taken apart is kept whole.
            if (nested || depth == 0 || nested.error().code() != ErrorCode::Malformed) {
                return nested;
            }
        }
        return add_part(headers, type, content);
    }

    [[nodiscard]] std::vector<BodyPart> take() && { return std::move(parts_); }

  private:
    Result<void> add_multipart(const body::HeaderValue& type, std::string_view content, int depth) {
        // RFC 2046 5.1.1: a boundary never ends in a blank.
        const std::string_view boundary =
            body::trim(type.parameter("boundary").value_or(std::string_view{}));
        const std::size_t before = parts_.size();
        auto split_up = boundary.empty() ? Result<void>{} : add_sections(content, boundary, depth);
        if (!split_up || parts_.size() > before) {
            return split_up;
        }
        // Interop(several): another boundary than announced, or none; the first line shows it.
        const std::string_view shown = shown_boundary(content);
        if (!shown.empty() && shown != boundary) {
            split_up = add_sections(content, shown, depth);
        }
        if (!split_up || parts_.size() > before) {
            return split_up;
        }
        if (boundary.empty()) {
            return Error(ErrorCode::Malformed, "multipart body without boundary (RFC 2046 5.1)");
        }
        return Error(
            ErrorCode::Malformed,
            fmt::format("multipart body without a part behind its boundary '{}'", boundary));
    }

    Result<void> add_sections(std::string_view content, std::string_view boundary, int depth) {
        for (std::string_view section : split(content, boundary)) {
            const body::PartHeaders headers = body::take_headers(section);
            const bool is_empty = headers.content_type.empty() && body::trim(section).empty();
            if (is_empty) {
                continue;
            }
            if (auto added = add(headers, section, depth); !added) {
                return added;
            }
        }
        return {};
    }

    Result<void> add_part(const body::PartHeaders& headers,
                          const body::HeaderValue& type,
                          std::string_view content) {
        if (parts_.size() == kMaxParts) {
            return Error(ErrorCode::LimitExceeded,
                         fmt::format("body of more than {} parts", kMaxParts));
        }
        BodyPart part;
        part.content = body::undo_transfer_encoding(headers.transfer_encoding, content)
                           .value_or(std::string(content));
        part.content_type = type.type;
        part.content_type_full = headers.content_type;
        part.charset = body::to_lower(type.parameter("charset").value_or(std::string_view{}));
        if (part.content_type.empty()) {
            // RFC 2046 5.1: text/plain is what a part without Content-Type has.
            const std::string_view guess = guess_type(part.content);
            part.content_type = guess.empty() ? "text/plain" : guess;
        }
        // A list of dispositions has been seen; the first one is taken.
        const std::string_view list = headers.content_disposition;
        const body::HeaderValue disposition =
            body::parse_header_value(list.substr(0, list.find(',')));
        part.content_disposition = disposition.type;
        part.handling_optional =
            body::to_lower(disposition.parameter("handling").value_or(std::string_view{})) ==
            "optional";
        parts_.push_back(std::move(part));
        return {};
    }

    std::vector<BodyPart> parts_;
};

}  // namespace

bool BodyPart::is_sdp() const noexcept {
    return content_type == kSdpType;
}

bool BodyPart::is_metadata() const noexcept {
    if (content_type == kMetadataType || content_type == "application/rs-metadata") {
        return true;
    }
    // Interop(BroadWorks, observed): `application/ +xml`, a type damaged on the way.
    const bool is_named = content_disposition == "recording-session";
    if (!body::is_media_type(content_type)) {
        return is_named;
    }
    // Interop(likely): a type for any XML, or for anything; then it is the content that shows it.
    const bool is_xml = content_type == "text/xml" || content_type == "application/xml";
    const bool is_anything =
        content_type == "text/plain" || content_type == "application/octet-stream";
    return (is_xml || (is_anything && is_named)) && shows_recording(content);
}

Result<std::vector<BodyPart>> parse_body(std::string_view content_type,
                                         std::string_view content_disposition,
                                         std::string_view body) {
    if (body.empty() && !body::to_lower(body::trim(content_type)).starts_with("multipart/")) {
        return std::vector<BodyPart>{};
    }
    body::PartHeaders headers{.content_type = std::string(body::trim(content_type)),
                              .content_disposition = std::string(content_disposition),
                              .transfer_encoding = {}};
    const std::string_view type = body::trim(content_type.substr(0, content_type.find(';')));
    if (type.empty() || body::to_lower(type) == kSdpType) {
        if (std::string guess = guess_multipart(body); !guess.empty()) {
            headers.content_type = std::move(guess);
        }
    }
    Collector collector;
    if (auto added = collector.add(headers, body, 0); !added) {
        return std::move(added).error();
    }
    return std::move(collector).take();
}

}  // namespace siprec
