// Hostile VP8: packets of one source.
#include "video_packets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace siprec::server;
    const auto input = std::as_bytes(std::span(data, size));
    std::size_t packets = 0;
    for (fuzzing::Script script(input); script.next();) {
        ++packets;
    }
    std::size_t frames = 0;
    std::size_t bytes = 0;
    VideoDepacketiser depacketiser(VideoCodec::Vp8, [&](const VideoFrame& frame) {
        ++frames;
        bytes += frame.data.size();
        fuzzing::require(!frame.data.empty());
        // RFC 6386 9.1: the first bit says whether it needs an earlier one.
        fuzzing::require(frame.is_key == ((frame.data[0] & std::byte{1}) == std::byte{0}));
    });
    fuzzing::play(depacketiser, input);
    fuzzing::require(bytes <= size);  // nothing comes out twice
    fuzzing::require(frames + depacketiser.damaged() <= 2 * packets);
    fuzzing::place_frames(input);
    return 0;
}
