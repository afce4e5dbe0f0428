#pragma once

// Which stretches of a capture belong to a recording.

#include "capture/events.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace siprec::server {

/// A stretch of a capture: from when so many metadata documents had come until there were so many.
struct DocumentSpan {
    std::size_t from = 0;
    std::optional<std::size_t> until;
};

/// Watches a capture go by and says whether it is inside. One thread.
class SpanFilter {
  public:
    /// @param spans             empty: everything is inside
    /// @param documents_before  that came before the first capture
    SpanFilter(std::vector<DocumentSpan> spans, std::size_t documents_before);

    void on_event(const Event& event);

    [[nodiscard]] bool is_inside() const noexcept { return is_inside_; }

  private:
    void look();

    std::vector<DocumentSpan> spans_;
    std::size_t documents_;
    bool is_inside_ = false;
};

}  // namespace siprec::server
