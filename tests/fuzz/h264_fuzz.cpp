// Hostile H.264: what SDP says of the parameter sets (its length in the first byte), then packets.
#include "render/h264_units.hpp"
#include "video_packets.hpp"

#include <string_view>
#include <vector>

namespace {

using namespace siprec::server;

bool begins_with_start_code(std::span<const std::byte> bytes) {
    return bytes.size() > 4 && bytes[0] == std::byte{0} && bytes[1] == std::byte{0} &&
           bytes[2] == std::byte{0} && bytes[3] == std::byte{1};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    auto rest = std::as_bytes(std::span(data, size));
    const std::size_t length = std::min(std::to_integer<std::size_t>(rest[0]), rest.size() - 1);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the bytes of the input as text.
    const std::string_view fmtp(reinterpret_cast<const char*>(data) + 1, length);
    rest = rest.subspan(1 + length);
    const auto sets = parameter_sets_of(fmtp);
    fuzzing::require(sets.empty() || begins_with_start_code(sets));

    std::size_t packets = 0;
    for (fuzzing::Script script(rest); script.next();) {
        ++packets;
    }
    std::size_t frames = 0;
    VideoDepacketiser depacketiser(VideoCodec::H264, [&](const VideoFrame& frame) {
        ++frames;
        fuzzing::require(begins_with_start_code(frame.data));
        const H264Contents contents = look_into(frame.data);
        fuzzing::require(contents.has_slice && contents.is_idr == frame.is_key);
    });
    depacketiser.set_parameter_sets(sets);
    fuzzing::play(depacketiser, rest);
    // A packet is part of one frame at most; a source that begins anew cuts one.
    fuzzing::require(frames + depacketiser.damaged() <= 2 * packets);
    fuzzing::place_frames(rest);
    return 0;
}
