#include "render/span_filter.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace siprec::server {

SpanFilter::SpanFilter(std::vector<DocumentSpan> spans, std::size_t documents_before)
    : spans_(std::move(spans)), documents_(documents_before) {
    look();
}

void SpanFilter::on_event(const Event& event) {
    if (const auto* document = std::get_if<MetadataReceived>(&event.body)) {
        documents_ += document->repeated ? 0U : 1U;
        look();
    }
}

void SpanFilter::look() {
    is_inside_ = spans_.empty() || std::ranges::any_of(spans_, [this](const DocumentSpan& span) {
                     return span.from <= documents_ && (!span.until || documents_ < *span.until);
                 });
}

}  // namespace siprec::server
