#pragma once

// The native RTP engine: N media threads, each the sole owner of its sockets, its epoll set and its
// streams. Everything that a session does with media runs on the one thread that owns it, as tasks
// posted to that thread.

#include "base/unique_fd.hpp"
#include "fork/fork.hpp"
#include "rtp/port_pool.hpp"

#include <siprec/clock.hpp>
#include <siprec/config.hpp>
#include <siprec/keying.hpp>
#include <siprec/log.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace siprec::rtp {

class MediaThread;

/// Bound sockets of one media stream, with the lease on their ports. Movable; closing it gives the
/// ports back.
struct MediaSockets {
    PortLease lease;  // released after the sockets are closed: declared first, destroyed last
    base::UniqueFd rtp;
    base::UniqueFd rtcp;     // empty under rtcp-mux
    Endpoint rtp_endpoint;   // bound address and port
    Endpoint rtcp_endpoint;  // equals rtp_endpoint under rtcp-mux
};

/// Work for a media thread. Runs there, once.
class Task {
  public:
    Task() = default;
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    virtual ~Task() = default;
    virtual void run(MediaThread& thread) = 0;
};

/// Names a stream on its media thread. Never used twice.
enum class StreamHandle : std::uint64_t {};

/// One media thread's own side: to be called on that thread only, that is, from a `Task`.
class MediaThread {
  public:
    MediaThread() = default;
    MediaThread(const MediaThread&) = delete;
    MediaThread& operator=(const MediaThread&) = delete;
    virtual ~MediaThread() = default;

    /// Starts to receive; packets go to `fork`, in order of arrival. Receiver reports are sent from
    /// the RTCP socket (or the RTP socket under rtcp-mux) to where the client's RTCP comes from,
    /// else to `info.remote_rtcp`. A bundled stream that uses the port of another, opened before
    /// it, has no sockets of its own. `keying` holds from the first packet on, also for those that
    /// wait in the sockets already.
    virtual StreamHandle open_stream(StreamInfo info,
                                     MediaSockets sockets,
                                     fork::Fork fork,
                                     const srtp::Keying& keying) = 0;

    /// One more sink for a stream that is open. Does nothing when it is closed by now.
    virtual void add_sink(StreamHandle stream, std::unique_ptr<MediaSink> sink) = 0;

    /// Hands on what waits in the stream's sockets: it came before what is done next.
    virtual void drain(StreamHandle stream) = 0;

    /// A new offer/answer: formats, direction, remote addresses. The sockets stay. What has arrived
    /// by now is handed on under the old terms first; then the fork is told.
    virtual void change_stream(StreamHandle stream, const StreamInfo& info) = 0;

    /// From now on the stream's packets are protected like this: what is not authentic is dropped
    /// and counted. What has arrived by now, and for a while what is still under way, may have the
    /// keys before.
    virtual void secure_stream(StreamHandle stream, const srtp::Keying& keying) = 0;

    /// Reads what is still in the sockets, sends RTCP BYE, closes them, tells the fork. The handle
    /// is dead afterwards.
    virtual void close_stream(StreamHandle stream, WallTime when) = 0;

    /// When the stream last received RTP or RTCP, to the second; nothing when it never did.
    [[nodiscard]] virtual std::optional<SteadyTime> last_heard(StreamHandle stream) const = 0;

    /// Runs a task on this thread after `delay`, or a poll interval later. Dropped unrun when the
    /// engine stops first.
    virtual void run_after(std::chrono::nanoseconds delay, std::unique_ptr<Task> task) = 0;

    [[nodiscard]] virtual SteadyTime steady_now() const = 0;
};

/// Starts and stops the media threads and hands out sockets. *Thread-safe.*
class Engine {
  public:
    /// @param clock, logger  outlive the engine
    /// @return InvalidArgument for an empty or odd port range; Io when a thread cannot be started
    [[nodiscard]] static Result<std::unique_ptr<Engine>> create(const MediaConfig& config,
                                                                Logger& logger,
                                                                const Clock& clock);
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// Binds an even RTP port and, without rtcp-mux, the odd one above it. Media that arrives from
    /// now on waits in the kernel until the stream is opened (RFC 3264 6.1).
    /// @return ResourceExhausted when the range has no free pair left or file handles have run out;
    /// Io
    ///     for anything else
    [[nodiscard]] virtual Result<MediaSockets> open_sockets(const IpAddress& address,
                                                            bool rtcp_mux) = 0;

    [[nodiscard]] virtual std::uint32_t thread_count() const = 0;

    /// The thread that should take the next session: the one with the fewest streams.
    [[nodiscard]] virtual std::uint32_t pick_thread() = 0;

    /// Hands a task to a media thread; tasks of one poster run in the order posted.
    /// @return false, with the task still in `task`, when that thread's queue is full or stopped
    [[nodiscard]] virtual bool post(std::uint32_t thread, std::unique_ptr<Task>& task) = 0;

    /// As `post`, for work that must not be lost: exceeds the queue's bound. @return false only
    /// when stopped
    [[nodiscard]] virtual bool post_always(std::uint32_t thread, std::unique_ptr<Task> task) = 0;

    struct Stats {
        StreamStats media;
        std::uint64_t streams_active = 0;
        std::uint64_t ports_in_use = 0;
        std::uint64_t ports_total = 0;
    };

    /// Up to a second old for streams that are open.
    [[nodiscard]] virtual Stats stats() const = 0;

    /// Runs what has been posted, closes what is open, joins the threads. A second call does
    /// nothing; the destructor calls it.
    virtual void stop() = 0;
};

}  // namespace siprec::rtp
