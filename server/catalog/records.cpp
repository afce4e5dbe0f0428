#include "catalog/records.hpp"

namespace siprec::server {

std::string_view to_string(RecordingState state) noexcept {
    switch (state) {
        case RecordingState::Recording:
            return "recording";
        case RecordingState::Finalizing:
            return "finalizing";
        case RecordingState::Stored:
            return "stored";
        case RecordingState::Partial:
            return "partial";
        case RecordingState::Discarded:
            return "discarded";
    }
    return "recording";
}

std::string_view to_string(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::Unknown:
            return "unknown";
        case Verdict::Good:
            return "good";
        case Verdict::Degraded:
            return "degraded";
        case Verdict::Failed:
            return "failed";
    }
    return "unknown";
}

}  // namespace siprec::server
