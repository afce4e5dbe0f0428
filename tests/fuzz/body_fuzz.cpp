// The first line of the input is the Content-Type, the rest the body. What is taken apart can be
// put together again and taken apart with the same parts.
#include <siprec/body.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        static_cast<void>(std::fprintf(stderr, "does not hold: %s\n", what));
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> bytes(data, data + size);
    const std::string_view input(bytes.data(), bytes.size());
    const std::size_t line_end = std::min(input.find('\n'), input.size());
    const std::string_view content_type = input.substr(0, line_end);
    const std::string_view body = input.substr(std::min(line_end + 1, input.size()));

    const auto parts = siprec::parse_body(content_type, "session;handling=optional", body);
    if (!parts || parts->empty()) {
        return 0;
    }
    require(parts->size() <= 64, "no more than 64 parts");
    // A multipart that was kept whole because of its depth is taken apart one level further up.
    if (std::ranges::any_of(*parts, [](const siprec::BodyPart& part) {
            return part.content_type.starts_with("multipart/");
        })) {
        return 0;
    }
    const auto written = siprec::write_multipart(*parts);
    const auto again = siprec::parse_body(written.content_type, "", written.body);
    require(again.has_value(), "a multipart of ours parses");
    require(again->size() == parts->size(), "same number of parts");
    for (std::size_t i = 0; i < parts->size(); ++i) {
        require((*again)[i].content == (*parts)[i].content, "same content");
        require((*again)[i].content_type == (*parts)[i].content_type, "same type");
        require((*again)[i].is_sdp() == (*parts)[i].is_sdp(), "SDP stays SDP");
    }
    return 0;
}
