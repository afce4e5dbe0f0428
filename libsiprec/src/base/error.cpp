#include <siprec/error.hpp>

#include <fmt/format.h>

#include <utility>

namespace siprec {

std::string_view to_string(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::InvalidArgument:
            return "invalid argument";
        case ErrorCode::Malformed:
            return "malformed";
        case ErrorCode::Unsupported:
            return "unsupported";
        case ErrorCode::NotFound:
            return "not found";
        case ErrorCode::LimitExceeded:
            return "limit exceeded";
        case ErrorCode::ResourceExhausted:
            return "resource exhausted";
        case ErrorCode::Unavailable:
            return "unavailable";
        case ErrorCode::Timeout:
            return "timeout";
        case ErrorCode::Conflict:
            return "conflict";
        case ErrorCode::Io:
            return "input/output error";
        case ErrorCode::Internal:
            return "internal error";
    }
    return "unknown error";
}

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

Error Error::at(std::size_t byte_offset) && {
    offset_ = byte_offset;
    return std::move(*this);
}

Error Error::with_context(std::string_view context) && {
    message_ = fmt::format("{}: {}", context, message_);
    return std::move(*this);
}

std::string Error::to_string() const {
    if (offset_) {
        return fmt::format("{}: {} (at byte {})", siprec::to_string(code_), message_, *offset_);
    }
    return fmt::format("{}: {}", siprec::to_string(code_), message_);
}

int Error::sip_status() const noexcept {
    switch (code_) {
        case ErrorCode::InvalidArgument:
        case ErrorCode::Malformed:
            return 400;
        case ErrorCode::Unsupported:
            return 488;
        case ErrorCode::NotFound:
            return 404;
        case ErrorCode::LimitExceeded:
            return 413;
        case ErrorCode::ResourceExhausted:
        case ErrorCode::Unavailable:
            return 503;
        case ErrorCode::Timeout:
            return 504;
        case ErrorCode::Conflict:
            return 491;
        case ErrorCode::Io:
        case ErrorCode::Internal:
            return 500;
    }
    return 500;
}

bool Error::is_retryable() const noexcept {
    return code_ == ErrorCode::ResourceExhausted || code_ == ErrorCode::Unavailable ||
           code_ == ErrorCode::Timeout;
}

}  // namespace siprec
