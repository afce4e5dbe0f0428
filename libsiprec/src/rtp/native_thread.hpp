#pragma once

#include "base/bounded_queue.hpp"
#include "base/unique_fd.hpp"
#include "rtp/bundle_demux.hpp"
#include "rtp/engine.hpp"
#include "rtp/media_stream.hpp"
#include "rtp/stat_totals.hpp"
#include "rtp/timer_queue.hpp"
#include "rtp/udp_socket.hpp"

#include <siprec/config.hpp>
#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

namespace siprec::rtp {

/// A media thread on epoll. Its life is rounds: wait until a socket has something, read all sockets
/// that have, run tasks, run timers, and, when there was media, nap for the poll interval, so that
/// the next round finds many packets ready and pays for one wake-up.
///
/// `MediaThread`'s functions: *owner media thread only*. All others: *thread-safe*.
class NativeThread final : public MediaThread {
  public:
    /// @return Io when the kernel refuses the epoll set or the thread
    [[nodiscard]] static Result<std::unique_ptr<NativeThread>> create(const MediaConfig& config,
                                                                      Logger& logger,
                                                                      const Clock& clock,
                                                                      std::uint32_t index);
    NativeThread(const NativeThread&) = delete;
    NativeThread& operator=(const NativeThread&) = delete;
    ~NativeThread() override;

    [[nodiscard]] bool post(std::unique_ptr<Task>& task);
    [[nodiscard]] bool post_always(std::unique_ptr<Task> task);

    /// Takes no more tasks; the thread runs those that it has, closes its streams and ends.
    void request_stop();
    void join();

    [[nodiscard]] std::uint64_t stream_count() const noexcept {
        return stream_count_.load(std::memory_order_relaxed);
    }

    [[nodiscard]] const StatTotals& totals() const noexcept { return totals_; }

    StreamHandle open_stream(StreamInfo info,
                             MediaSockets sockets,
                             fork::Fork fork,
                             const srtp::Keying& keying) override;
    void add_sink(StreamHandle stream, std::unique_ptr<MediaSink> sink) override;
    void change_stream(StreamHandle stream, const StreamInfo& info) override;
    void drain(StreamHandle stream) override;
    void secure_stream(StreamHandle stream, const srtp::Keying& keying) override;
    void close_stream(StreamHandle stream, WallTime when) override;
    [[nodiscard]] std::optional<SteadyTime> last_heard(StreamHandle stream) const override;
    void run_after(std::chrono::nanoseconds delay, std::unique_ptr<Task> task) override;

    [[nodiscard]] SteadyTime steady_now() const override { return clock_.steady_now(); }

  private:
    struct OpenStream;

    /// What an epoll event points to.
    struct Watch {
        OpenStream* stream = nullptr;
        Channel channel = Channel::Rtp;
    };

    struct OpenStream {
        explicit OpenStream(MediaStream opened) : media(std::move(opened)) {}

        MediaStream media;
        StreamStats published;  // what the totals have of it
        std::array<Watch, 2> watches{};
        bool is_watched = true;
        std::unique_ptr<BundleDemux> bundle;  // of the stream whose port a bundle shares
    };

    using Timer = std::variant<StreamHandle, std::unique_ptr<Task>>;

    NativeThread(const MediaConfig& config, Logger& logger, const Clock& clock);

    [[nodiscard]] std::optional<Error> start(std::uint32_t index);
    void wake() noexcept;
    void nap();
    void run();
    [[nodiscard]] bool round();
    [[nodiscard]] int wait_milliseconds() const;
    void clear_wake_up() noexcept;
    void run_tasks();
    void run_task(Task& task) noexcept;
    void run_timers();
    void run_timer(const Timer& timer, SteadyTime steady);
    void on_stream_timer(StreamHandle handle, SteadyTime steady);
    void close(StreamHandle handle, OpenStream& stream, WallTime when);
    void join_bundle(StreamHandle handle, OpenStream& stream);
    [[nodiscard]] OpenStream* transport_of(const StreamInfo& info) const;
    [[nodiscard]] MediaStream* route(OpenStream& transport, std::span<const std::byte> datagram);
    void close_all();
    void publish(OpenStream& stream) noexcept;
    [[nodiscard]] bool watch(OpenStream& stream, Channel channel) noexcept;
    [[nodiscard]] OpenStream* find(StreamHandle handle) const;
    void assert_owner() const noexcept;

    const std::chrono::microseconds poll_interval_;
    Logger& logger_;
    const Clock& clock_;
    RandomBits random_;
    base::UniqueFd epoll_;
    base::UniqueFd wake_up_;
    base::BoundedQueue<std::unique_ptr<Task>> tasks_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> stream_count_{0};
    StatTotals totals_;

    // The media thread's own.
    std::thread::id owner_;
    DatagramBatch batch_;
    // By handle; each stream stays where it is, because epoll points to it.
    std::unordered_map<StreamHandle, std::unique_ptr<OpenStream>> streams_;
    std::unordered_map<Uuid, StreamHandle> transports_;  // of bundles
    std::uint64_t next_handle_ = 1;
    TimerQueue<Timer> timers_;

    std::jthread thread_;
};

}  // namespace siprec::rtp
