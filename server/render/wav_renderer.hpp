#pragma once

// From a capture to a WAV file: one channel a track, all on one time line.

#include "render/span_filter.hpp"

#include <siprec/assembler.hpp>
#include <siprec/audio.hpp>
#include <siprec/clock.hpp>
#include <siprec/codec.hpp>
#include <siprec/result.hpp>
#include <siprec/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

/// More channels than this are not rendered; the capture has them.
inline constexpr std::size_t kMaxChannels = 32;

struct RenderPlan {
    WallTime origin;                    ///< sample 0 of every channel
    std::vector<DocumentSpan> spans{};  ///< what is rendered; empty: everything
    std::size_t documents_before = 0;   ///< that came before the first capture
    std::uint32_t sample_rate = 8000;
    std::vector<Uuid> tracks;  ///< stream ids in order of the channels; 1 to kMaxChannels
};

struct RenderedTrack {
    AssemblerStats stats;
    std::vector<TelephoneEvent> events;
};

struct Rendering {
    std::uint64_t frames = 0;
    bool cut = false;                   ///< what WAV's 4 GiB do not hold was left out
    std::vector<RenderedTrack> tracks;  ///< as in the plan
};

/// Renders captures, the parts of one session in their order, that were checked before; damaged
/// ones as far as they can be read. Memory does not grow with their length.
/// @param wav_path  the file to write; its directory has room for the decoded tracks meanwhile
/// @return Io, ResourceExhausted from the disk
[[nodiscard]] Result<Rendering> render_wav(const std::vector<std::string>& captures,
                                           const RenderPlan& plan,
                                           const DecoderRegistry& decoders,
                                           const std::string& wav_path);

}  // namespace siprec::server
