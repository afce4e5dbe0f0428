#pragma once

// The signals that tell the server what to do, taken one by one instead of by handlers.

#include <siprec/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace siprec::server {

enum class ServerSignal : std::uint8_t { Terminate, Interrupt, Reload };

/// Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and those it starts from now on, and
/// ignores SIGPIPE: make it before the first thread. Main thread only.
class SignalQueue {
  public:
    /// @return Io when the system refuses
    [[nodiscard]] static Result<SignalQueue> open();

    /// The next signal, or none when `timeout` passes without one.
    [[nodiscard]] std::optional<ServerSignal> next(std::chrono::milliseconds timeout) const;

  private:
    SignalQueue() = default;
};

/// Raises the limit of open files to what the system allows. @return the limit that holds now
[[nodiscard]] std::uint64_t raise_open_file_limit();

}  // namespace siprec::server
