// Any text is parsed or refused; what is parsed can be answered, and the answer reads back with the
// offer's m-lines in number, order, type, profile and label (RFC 3264 6).
#include <siprec/sdp.hpp>

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

void check_answer(const siprec::sdp::SessionDescription& offer, std::string_view text) {
    const auto answer = siprec::sdp::parse(text);
    require(answer.has_value(), "an answer of ours parses");
    require(answer->media.size() == offer.media.size(), "same number of m-lines");
    require(answer->timing == offer.timing, "t= of the offer");
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
        const auto& offered = offer.media[i];
        const auto& answered = answer->media[i];
        require(answered.type == offered.type, "same type");
        require(answered.protocol == offered.protocol, "same profile");
        require(answered.label == offered.label, "same label");
        require(!answered.format_tokens.empty(), "at least one format");
        require((answered.port != 0) == siprec::sdp::is_acceptable(offered), "refused or taken");
        require(answered.direction != siprec::sdp::Direction::SendOnly &&
                    (answered.port == 0 ||
                     answered.direction == siprec::sdp::answer_direction(offered)),
                "a recorder's direction");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> bytes(data, data + size);
    const std::string_view text(bytes.data(), bytes.size());
    const auto blanked = siprec::sdp::blank_keys(text);
    require(blanked.size() == text.size(), "blanking keeps the length");
    require(siprec::sdp::blank_keys(blanked) == blanked, "blanking twice changes nothing");

    const auto offer = siprec::sdp::parse(text);
    if (!offer) {
        return 0;
    }
    siprec::sdp::AnswerOptions options;
    options.address = siprec::IpAddress::v4({192, 0, 2, 1});
    siprec::sdp::MediaAnswer taken;
    taken.accept = true;
    taken.port = 20000;
    taken.rtcp_mux = true;
    taken.rtcp_port = 30001;
    const std::vector<siprec::sdp::MediaAnswer> media(offer->media.size(), taken);
    const auto answer = siprec::sdp::write_answer(*offer, media, options);
    require(answer.has_value(), "what parses can be answered");
    check_answer(*offer, *answer);
    const auto repeated = siprec::sdp::write_offer(*offer, media, options);
    require(repeated && siprec::sdp::parse(*repeated)->media.size() == media.size(),
            "an offer of ours has no stream more and none less");
    return 0;
}
