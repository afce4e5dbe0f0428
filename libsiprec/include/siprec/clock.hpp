#pragma once

#include <siprec/export.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace siprec {

/// Wall-clock time, nanoseconds since 1970-01-01T00:00:00Z: when something arrived, or what a
/// client says about when it happened.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Monotonic time for timers; never printed, never stored.
using SteadyTime = std::chrono::steady_clock::time_point;

/// Where time comes from. Tests pass one that they set. *Thread-safe.*
class SIPREC_EXPORT Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock();
    [[nodiscard]] virtual WallTime now() const noexcept = 0;
    [[nodiscard]] virtual SteadyTime steady_now() const noexcept = 0;
};

/// The machine's own clocks. Lives for the whole program.
[[nodiscard]] SIPREC_EXPORT const Clock& system_clock() noexcept;

/// RFC 3339 in UTC with microseconds: `2026-11-21T20:25:17.123456Z`.
[[nodiscard]] SIPREC_EXPORT std::string to_rfc3339(WallTime time);

/// A time as a client wrote it.
struct ParsedTime {
    WallTime time;
    bool has_zone = true;  ///< false: no zone was written and UTC was assumed
    bool is_strict =
        true;  ///< false: accepted, but not RFC 3339 (lower-case letters, `+0000`, a blank)
};

/// Reads RFC 3339 and the deviations seen in the field (reference: RFC 7865 6.9 and its table of
/// tolerances): offsets without colon or beyond 14 h, no zone, lower-case `t`/`z`, a leap second
/// (clamped to :59), `24:00:00`, any number of fraction digits, surrounding white space.
/// @return nothing when no time can be made of the text
[[nodiscard]] SIPREC_EXPORT std::optional<ParsedTime> parse_time(std::string_view text) noexcept;

}  // namespace siprec
