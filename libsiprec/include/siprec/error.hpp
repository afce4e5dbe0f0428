#pragma once

#include <siprec/export.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siprec {

/// What kind of failure an `Error` reports: chosen by what the caller can do about it.
enum class ErrorCode : std::uint8_t {
    InvalidArgument,    ///< The caller asked for something that makes no sense; fix the call.
    Malformed,          ///< Input from outside breaks its grammar.
    Unsupported,        ///< Input is well-formed, but asks for what is not built in.
    NotFound,           ///< The thing named does not exist.
    LimitExceeded,      ///< Input is larger, deeper or longer than a configured limit.
    ResourceExhausted,  ///< Ports, file handles, memory or disk have run out.
    Unavailable,        ///< A peer, disk or database does not answer now; trying again may help.
    Timeout,            ///< No answer in time; whether the work was done is unknown.
    Conflict,           ///< The state does not allow it now (glare, already closed, exists).
    Io,                 ///< The operating system refused a read, a write or a sync.
    Internal,           ///< A defect of ours.
};

/// The code's name as it appears in logs: "malformed", "unsupported", ...
[[nodiscard]] SIPREC_EXPORT std::string_view to_string(ErrorCode code) noexcept;

/// Why an operation failed. A value; *immutable* after construction but for `with_context`.
class SIPREC_EXPORT Error {
  public:
    /// @param code     what the caller can do about it
    /// @param message  for an administrator: names the input, the rule (RFC section) and the value
    Error(ErrorCode code, std::string message);

    [[nodiscard]] ErrorCode code() const noexcept { return code_; }

    [[nodiscard]] const std::string& message() const noexcept { return message_; }

    /// Byte offset into the input that was being parsed, where one is known.
    [[nodiscard]] std::optional<std::size_t> offset() const noexcept { return offset_; }

    [[nodiscard]] Error at(std::size_t byte_offset) &&;

    /// Puts what was being done in front of the message: "open capture: no space left".
    [[nodiscard]] Error with_context(std::string_view context) &&;

    /// "malformed: <message> (at byte 17)".
    [[nodiscard]] std::string to_string() const;

    /// The SIP status that answers a request which failed with this error (RFC 3261 21).
    [[nodiscard]] int sip_status() const noexcept;

    /// True when the same call may succeed later without any change.
    [[nodiscard]] bool is_retryable() const noexcept;

    /// True when the work may have been done although it is reported as failed.
    [[nodiscard]] bool outcome_unknown() const noexcept { return code_ == ErrorCode::Timeout; }

  private:
    ErrorCode code_ = ErrorCode::Internal;
    std::string message_;
    std::optional<std::size_t> offset_;
};

}  // namespace siprec
