#pragma once

#include <siprec/export.hpp>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace siprec {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

/// One named value of a log line. Views into the caller's strings, valid during the call.
struct LogField {
    std::string_view name;
    std::string_view value;
};

/// Where the library's log lines go; the program implements it. The library writes nowhere else.
///
/// *Thread-safe*: called from the SIP thread and from every media thread; must not block for long
/// and must not throw. Fields on every line of a session: `rs` (its UUID) and `call_id`. Keys,
/// credentials and `a=crypto` values are never logged; names and numbers only at Debug.
class SIPREC_EXPORT Logger {
  public:
    Logger() = default;
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;
    virtual ~Logger();

    /// @param component  the part of the library that speaks: "sip", "rtp", "metadata", ...
    virtual void write(LogLevel level,
                       std::string_view component,
                       std::string_view message,
                       std::span<const LogField> fields) noexcept = 0;

    void log(LogLevel level,
             std::string_view component,
             std::string_view message,
             std::initializer_list<LogField> fields = {}) noexcept {
        write(level, component, message, std::span(fields.begin(), fields.size()));
    }
};

/// A logger that drops everything. Lives for the whole program.
[[nodiscard]] SIPREC_EXPORT Logger& null_logger() noexcept;

}  // namespace siprec
