#pragma once

// The server's log: one line an event, `key=value` fields behind the message, by spdlog.

#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace siprec::server {

/// *Thread-safe.*
class ServerLogger : public Logger {
  public:
    /// @param file  appended to; empty: standard error
    /// @return Io when the file cannot be opened
    [[nodiscard]] static Result<std::unique_ptr<ServerLogger>> open(const std::string& file,
                                                                    LogLevel level);

    /// Lines below the level are dropped from now on.
    virtual void set_level(LogLevel level) = 0;
};

/// "debug", "info", "warning", "error"; anything else: Info.
[[nodiscard]] LogLevel log_level_of(std::string_view name) noexcept;

/// `name=value`, the value in quotes and escaped where it would not read as one word: what comes
/// from the network cannot forge a line.
void append_field(std::string& line, const LogField& field);

}  // namespace siprec::server
