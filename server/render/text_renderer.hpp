#pragma once

// Real-time text (RFC 4103, T.140) from captures to WebVTT: who wrote what when.

#include "render/span_filter.hpp"

#include <siprec/clock.hpp>
#include <siprec/result.hpp>
#include <siprec/uuid.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

struct TextTrack {
    Uuid stream;
    std::string speaker;  ///< in front of each line; may be empty
};

struct TextPlan {
    WallTime origin;                    ///< time 0 of the text, that of the audio beside it
    std::vector<DocumentSpan> spans{};  ///< what is rendered; empty: everything
    std::size_t documents_before = 0;   ///< that came before the first capture
    std::vector<TextTrack> tracks{};
};

struct TextRendering {
    std::size_t cues = 0;  ///< 0: no file was written
    bool cut = false;      ///< there was more than anybody types, and the rest was left out
};

/// Renders the text of captures that follow each other; redundant data fills losses, what is lost
/// for good shows as U+FFFD (RFC 4103 4.2).
/// @param path  the file to write
/// @return Io from the disk
[[nodiscard]] Result<TextRendering> render_text(const std::vector<std::string>& captures,
                                                const TextPlan& plan,
                                                const std::string& path);

}  // namespace siprec::server
