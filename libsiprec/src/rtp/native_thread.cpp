#include "rtp/native_thread.hpp"

#include "rtp/demux.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

namespace siprec::rtp {

namespace {

constexpr std::size_t kMaxTasks = 16'384;
constexpr std::size_t kMaxEvents = 512;
// A socket that always has more waits for the next round after so many batches.
constexpr int kMaxBatches = 8;

Error os_error(std::string_view what, int error) {
    return {ErrorCode::Io, fmt::format("{}: {}", what, std::generic_category().message(error))};
}

}  // namespace

NativeThread::NativeThread(const MediaConfig& config, Logger& logger, const Clock& clock)
    : poll_interval_(config.poll_interval),
      logger_(logger),
      clock_(clock),
      random_(system_random()),
      tasks_(kMaxTasks) {}

Result<std::unique_ptr<NativeThread>> NativeThread::create(const MediaConfig& config,
                                                           Logger& logger,
                                                           const Clock& clock,
                                                           std::uint32_t index) {
    try {
        std::unique_ptr<NativeThread> thread(new NativeThread(config, logger, clock));
        if (auto failure = thread->start(index)) {
            return *std::move(failure);
        }
        return thread;
    } catch (const std::exception& error) {
        return Error(ErrorCode::Io, fmt::format("cannot start a media thread: {}", error.what()));
    }
}

NativeThread::~NativeThread() {
    request_stop();
    join();
}

std::optional<Error> NativeThread::start(std::uint32_t index) {
    epoll_ = base::UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) {
        return os_error("cannot create an epoll set", errno);
    }
    wake_up_ = base::UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!wake_up_) {
        return os_error("cannot create an eventfd", errno);
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_up_.get(), &event) != 0) {
        return os_error("cannot watch an eventfd", errno);
    }
    thread_ = std::jthread([this] { run(); });
    // The name is for those who look at the threads; nothing depends on it.
    static_cast<void>(
        ::pthread_setname_np(thread_.native_handle(), fmt::format("media-{}", index).c_str()));
    return std::nullopt;
}

bool NativeThread::post(std::unique_ptr<Task>& task) {
    if (!tasks_.try_push(task)) {
        return false;
    }
    wake();
    return true;
}

bool NativeThread::post_always(std::unique_ptr<Task> task) {
    if (!tasks_.push_always(std::move(task))) {
        return false;
    }
    wake();
    return true;
}

void NativeThread::wake() noexcept {
    const std::uint64_t one = 1;
    // EAGAIN: the counter is full, so the thread is being woken already.
    while (::write(wake_up_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void NativeThread::request_stop() {
    // In this order: once the flag is seen, the queue holds all that it will ever hold.
    tasks_.close();
    stopping_.store(true, std::memory_order_release);
    if (wake_up_) {
        wake();
    }
}

void NativeThread::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void NativeThread::run() {
    owner_ = std::this_thread::get_id();
    bool stopping = false;
    while (!stopping) {
        const bool had_media = round();
        stopping = stopping_.load(std::memory_order_acquire);
        run_tasks();
        run_timers();
        if (had_media && !stopping) {
            nap();
        }
    }
    close_all();
    timers_.clear();
}

/// Lets packets gather for the poll interval. Tasks need not wait for its end: a pause, say, holds
/// from when it was agreed on.
void NativeThread::nap() {
    constexpr std::chrono::milliseconds kTasksGather{2};
    const auto end = std::chrono::steady_clock::now() + poll_interval_;
    while (!stopping_.load(std::memory_order_acquire)) {
        const auto left = end - std::chrono::steady_clock::now();
        if (left <= kTasksGather) {
            std::this_thread::sleep_for(left);
            return;
        }
        std::this_thread::sleep_for(kTasksGather);
        pollfd wake_up{.fd = wake_up_.get(), .events = POLLIN, .revents = 0};
        const auto rest = std::chrono::floor<std::chrono::milliseconds>(left - kTasksGather);
        if (::poll(&wake_up, 1, static_cast<int>(rest.count())) <= 0) {
            return;
        }
        clear_wake_up();
        run_tasks();
    }
}

/// Waits, then reads all sockets that have something. @return whether any had
bool NativeThread::round() {
    std::array<epoll_event, kMaxEvents> events;  // NOLINT(cppcoreguidelines-pro-type-member-init):
                                                 // filled by the kernel, 6 KiB a round
    int timeout = wait_milliseconds();
    bool had_media = false;
    // Several waits for one round only when more sockets are ready than there is room for events.
    for (std::uint64_t seen = 0; seen <= stream_count_.load(std::memory_order_relaxed) * 2;) {
        const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, timeout);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.ptr == nullptr) {
                clear_wake_up();
                continue;
            }
            const auto* watch = static_cast<const Watch*>(event.data.ptr);
            watch->stream->media.receive(watch->channel, batch_, kMaxBatches);
            had_media = true;
        }
        if (count < static_cast<int>(kMaxEvents)) {
            break;
        }
        seen += kMaxEvents;
        timeout = 0;
    }
    return had_media;
}

int NativeThread::wait_milliseconds() const {
    const auto next = timers_.next();
    if (!next) {
        return -1;
    }
    // Timers may be late by one poll interval: with thousands of streams some timer is always due
    // soon, and waking for each would be most of an idle recorder's work.
    const auto wait =
        std::max<std::chrono::nanoseconds>(*next - clock_.steady_now(), poll_interval_);
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, 60'000));
}

void NativeThread::clear_wake_up() noexcept {
    std::uint64_t count = 0;
    while (::read(wake_up_.get(), &count, sizeof count) < 0 && errno == EINTR) {
    }
}

void NativeThread::run_tasks() {
    for (const std::unique_ptr<Task>& task : tasks_.take_all()) {
        if (task) {
            run_task(*task);
        }
    }
}

void NativeThread::run_task(Task& task) noexcept {
    try {
        task.run(*this);
    } catch (const std::exception& error) {
        logger_.log(LogLevel::Error, "rtp", "a media task threw", {{"error", error.what()}});
    } catch (...) {
        logger_.log(LogLevel::Error, "rtp", "a media task threw");
    }
}

void NativeThread::run_timers() {
    const SteadyTime steady = clock_.steady_now();
    while (auto timer = timers_.take(steady)) {
        run_timer(*timer, steady);
    }
}

void NativeThread::run_timer(const Timer& timer, SteadyTime steady) {
    if (const auto* handle = std::get_if<StreamHandle>(&timer)) {
        on_stream_timer(*handle, steady);
    } else if (const auto* task = std::get_if<std::unique_ptr<Task>>(&timer)) {
        run_task(**task);
    }
}

void NativeThread::on_stream_timer(StreamHandle handle, SteadyTime steady) {
    OpenStream* stream = find(handle);
    if (stream == nullptr) {
        return;
    }
    if (!stream->is_watched) {
        stream->media.receive(Channel::Rtp, batch_, kMaxBatches);
        stream->media.receive(Channel::Rtcp, batch_, kMaxBatches);
    }
    stream->media.on_timer(steady);
    publish(*stream);
    timers_.add(std::max(stream->media.due(), steady + std::chrono::milliseconds(1)), handle);
}

StreamHandle NativeThread::open_stream(StreamInfo info,
                                       MediaSockets sockets,
                                       fork::Fork fork,
                                       const srtp::Keying& keying) {
    assert_owner();
    const auto handle = StreamHandle{next_handle_++};
    if (const OpenStream* transport = transport_of(info)) {
        sockets = transport->media.share_sockets();
    }
    auto& stream = *streams_
                        .emplace(handle,
                                 std::make_unique<OpenStream>(MediaStream(std::move(info),
                                                                          std::move(sockets),
                                                                          std::move(fork),
                                                                          logger_,
                                                                          clock_,
                                                                          random_)))
                        .first->second;
    stream_count_.store(streams_.size(), std::memory_order_relaxed);
    stream.media.begin_secure(keying);
    stream.is_watched = watch(stream, Channel::Rtp) && watch(stream, Channel::Rtcp);
    if (!stream.is_watched) {
        // The kernel's limit on watches. The sockets' buffers hold seconds; the timer reads them.
        logger_.log(LogLevel::Error,
                    "rtp",
                    "cannot watch a media socket; it is read once a second",
                    {{"error", std::generic_category().message(errno)}});
    }
    join_bundle(handle, stream);
    timers_.add(stream.media.due(), handle);
    return handle;
}

bool NativeThread::watch(OpenStream& stream, Channel channel) noexcept {
    const int fd = stream.media.fd(channel);
    if (fd < 0) {
        return true;
    }
    Watch& target = stream.watches[channel == Channel::Rtp ? 0 : 1];
    target = {.stream = &stream, .channel = channel};
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &target;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void NativeThread::add_sink(StreamHandle stream, std::unique_ptr<MediaSink> sink) {
    assert_owner();
    if (OpenStream* open = find(stream)) {
        open->media.add_sink(std::move(sink), batch_);
    }
}

void NativeThread::drain(StreamHandle stream) {
    assert_owner();
    if (OpenStream* open = find(stream)) {
        OpenStream* transport = transport_of(open->media.info());
        (transport == nullptr ? open : transport)->media.drain(batch_);
    }
}

void NativeThread::change_stream(StreamHandle stream, const StreamInfo& info) {
    assert_owner();
    if (OpenStream* open = find(stream)) {
        if (OpenStream* transport = transport_of(open->media.info())) {
            transport->media.drain(batch_);
        }
        open->media.change(info, batch_);
        join_bundle(stream, *open);
    }
}

void NativeThread::secure_stream(StreamHandle stream, const srtp::Keying& keying) {
    assert_owner();
    if (OpenStream* open = find(stream)) {
        open->media.secure(keying, batch_);
    }
}

void NativeThread::close_stream(StreamHandle stream, WallTime when) {
    assert_owner();
    const auto found = streams_.find(stream);
    if (found == streams_.end()) {
        return;
    }
    close(stream, *found->second, when);
    streams_.erase(found);
    stream_count_.store(streams_.size(), std::memory_order_relaxed);
}

/// The stream whose port a bundled one uses, where that is another one.
NativeThread::OpenStream* NativeThread::transport_of(const StreamInfo& info) const {
    if (!info.bundled || info.bundled->transport == info.id) {
        return nullptr;
    }
    const auto found = transports_.find(info.bundled->transport);
    return found == transports_.end() ? nullptr : find(found->second);
}

void NativeThread::join_bundle(StreamHandle handle, OpenStream& stream) {
    const StreamInfo& info = stream.media.info();
    if (!info.bundled) {
        return;
    }
    OpenStream* transport = transport_of(info);
    if (info.bundled->transport == info.id) {
        transport = &stream;
        transports_.insert_or_assign(info.id, handle);
    }
    if (transport == nullptr) {
        logger_.log(LogLevel::Error,
                    "rtp",
                    "the stream whose port a bundled one shares is not open",
                    {{"stream", info.id.to_string()}, {"mid", info.bundled->mid}});
        return;
    }
    if (!transport->bundle) {
        transport->bundle = std::make_unique<BundleDemux>();
        transport->media.route_by([this, transport](std::span<const std::byte> datagram) {
            return route(*transport, datagram);
        });
    }
    transport->bundle->set(handle, info);
}

MediaStream* NativeThread::route(OpenStream& transport, std::span<const std::byte> datagram) {
    if (classify(datagram) == DatagramKind::Rtp) {
        const auto handle = transport.bundle->route_rtp(datagram);
        OpenStream* stream = handle ? find(*handle) : nullptr;
        return stream == nullptr ? nullptr : &stream->media;
    }
    // RFC 9143 9.2: RTCP that fits no m-line is still the session's.
    const auto handle = transport.bundle->route_rtcp(datagram);
    OpenStream* stream = handle ? find(*handle) : nullptr;
    return stream == nullptr ? &transport.media : &stream->media;
}

void NativeThread::close(StreamHandle handle, OpenStream& stream, WallTime when) {
    if (OpenStream* transport = transport_of(stream.media.info())) {
        transport->media.drain(batch_);
        transport->bundle->remove(handle);
    }
    // Closing alone does not end the watch while a forked child still holds a copy of the socket.
    for (const Channel channel : {Channel::Rtp, Channel::Rtcp}) {
        if (const int fd = stream.media.fd(channel); fd >= 0) {
            static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr));
        }
    }
    stream.media.close(when, batch_);
    transports_.erase(stream.media.info().id);
    publish(stream);
}

void NativeThread::close_all() {
    for (auto& [handle, stream] : streams_) {
        close(handle, *stream, clock_.now());
    }
    streams_.clear();
    stream_count_.store(0, std::memory_order_relaxed);
}

void NativeThread::publish(OpenStream& stream) noexcept {
    const StreamStats now = stream.media.stats();
    totals_.grow(stream.published, now);
    stream.published = now;
}

std::optional<SteadyTime> NativeThread::last_heard(StreamHandle stream) const {
    assert_owner();
    const OpenStream* open = find(stream);
    return open == nullptr ? std::nullopt : open->media.last_heard();
}

void NativeThread::run_after(std::chrono::nanoseconds delay, std::unique_ptr<Task> task) {
    assert_owner();
    if (task) {
        timers_.add(clock_.steady_now() + delay, std::move(task));
    }
}

NativeThread::OpenStream* NativeThread::find(StreamHandle handle) const {
    const auto found = streams_.find(handle);
    return found == streams_.end() ? nullptr : found->second.get();
}

void NativeThread::assert_owner() const noexcept {
    assert(std::this_thread::get_id() == owner_);
}

}  // namespace siprec::rtp
