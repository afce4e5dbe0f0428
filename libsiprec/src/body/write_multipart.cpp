#include <siprec/body.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace siprec {

namespace {

std::string unused_boundary(const std::vector<BodyPart>& parts) {
    for (std::size_t number = 1;; ++number) {
        std::string boundary = fmt::format("siprec-part-{}", number);
        const bool occurs = std::ranges::any_of(parts, [&boundary](const BodyPart& part) {
            return part.content.find(boundary) != std::string::npos;
        });
        if (!occurs) {
            return boundary;
        }
    }
}

}  // namespace

MultipartBody write_multipart(const std::vector<BodyPart>& parts) {
    const std::string boundary = unused_boundary(parts);
    MultipartBody written;
    written.content_type = fmt::format("multipart/mixed;boundary={}", boundary);
    auto out = std::back_inserter(written.body);
    for (const BodyPart& part : parts) {
        const std::string& type =
            part.content_type_full.empty() ? part.content_type : part.content_type_full;
        fmt::format_to(out, "--{}\r\nContent-Type: {}\r\n", boundary, type);
        if (!part.content_disposition.empty()) {
            fmt::format_to(out,
                           "Content-Disposition: {}{}\r\n",
                           part.content_disposition,
                           part.handling_optional ? ";handling=optional" : "");
        }
        fmt::format_to(out, "\r\n{}\r\n", part.content);
    }
    fmt::format_to(out, "--{}--\r\n", boundary);
    return written;
}

}  // namespace siprec
