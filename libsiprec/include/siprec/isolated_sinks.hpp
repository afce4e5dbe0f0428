#pragma once

#include <siprec/export.hpp>
#include <siprec/log.hpp>
#include <siprec/session_sink.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace siprec {

/// Settings of isolated sinks.
struct IsolationConfig {
    std::uint32_t threads = 2;  ///< that run the sinks of all sessions; at least 1
    /// Media waiting for the sinks of one session, bytes; what comes when it is full is dropped,
    /// counted, and told by `MediaSink::on_dropped`. SIP messages, metadata and the opening and
    /// closing of streams are never dropped.
    std::size_t queue_bytes = std::size_t{1} << 20;
    /// A single call that takes longer costs the session its sink: it gets nothing more, and its
    /// thread is replaced. The same time is given at the end to sinks that have work left.
    std::chrono::milliseconds patience{10'000};
};

/// Runs the sinks that `sinks` makes on threads of their own, so that one that is slow, blocks for
/// ever or throws delays neither the media thread, nor the capture, nor other sessions.
///
/// The calls of one session come one after the other in the order in which things happened, but not
/// always on the same thread. `open_session` and `open_stream` are called there too. A sink that
/// throws costs the session its sinks of this factory: they are destroyed without another call. The
/// destructor of the factory waits until what has ended is finished, at most twice `patience`; a
/// sink that never returns is left behind, with the thread that is in it.
/// @param sinks   makes the sinks
/// @param logger  is told of sinks that failed or were left behind; lives as long as the program
[[nodiscard]] SIPREC_EXPORT std::unique_ptr<SessionSinkFactory> isolate(
    std::unique_ptr<SessionSinkFactory> sinks,
    const IsolationConfig& config = {},
    Logger& logger = null_logger());

}  // namespace siprec
