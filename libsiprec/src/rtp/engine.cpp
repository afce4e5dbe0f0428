#include "rtp/engine.hpp"

#include "rtp/native_thread.hpp"
#include "rtp/udp_socket.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace siprec::rtp {

namespace {

class NativeEngine final : public Engine {
  public:
    explicit NativeEngine(const MediaConfig& config)
        : receive_buffer_bytes_(config.receive_buffer_bytes),
          ports_(std::make_shared<PortPool>(config.port_low, config.port_high)) {}

    NativeEngine(const NativeEngine&) = delete;
    NativeEngine& operator=(const NativeEngine&) = delete;

    ~NativeEngine() override { NativeEngine::stop(); }

    [[nodiscard]] std::optional<Error> start(const MediaConfig& config,
                                             Logger& logger,
                                             const Clock& clock) {
        const std::uint32_t count =
            config.threads > 0 ? config.threads : std::max(1U, std::thread::hardware_concurrency());
        for (std::uint32_t i = 0; i < count; ++i) {
            auto thread = NativeThread::create(config, logger, clock, i);
            if (!thread) {
                return thread.error();
            }
            threads_.push_back(std::move(*thread));
        }
        return std::nullopt;
    }

    [[nodiscard]] Result<MediaSockets> open_sockets(const IpAddress& address,
                                                    bool rtcp_mux) override;

    [[nodiscard]] std::uint32_t thread_count() const override {
        return static_cast<std::uint32_t>(threads_.size());
    }

    [[nodiscard]] std::uint32_t pick_thread() override;

    [[nodiscard]] bool post(std::uint32_t thread, std::unique_ptr<Task>& task) override {
        return threads_.at(thread)->post(task);
    }

    [[nodiscard]] bool post_always(std::uint32_t thread, std::unique_ptr<Task> task) override {
        return threads_.at(thread)->post_always(std::move(task));
    }

    [[nodiscard]] Stats stats() const override;
    void stop() override;

  private:
    const std::size_t receive_buffer_bytes_;
    const base::UniqueFd stamping_ = keep_stamping();
    const std::shared_ptr<PortPool> ports_;
    std::vector<std::unique_ptr<NativeThread>> threads_;  // unchanged after `start`
    std::atomic<std::uint32_t> next_thread_{0};
};

/// Binds one pair. @return 0, or the errno
int bind_pair(MediaSockets& sockets,
              const IpAddress& address,
              bool rtcp_mux,
              std::size_t receive_buffer_bytes) {
    sockets.rtp_endpoint = {.address = address, .port = sockets.lease.port()};
    OpenedSocket rtp = open_udp(sockets.rtp_endpoint, receive_buffer_bytes);
    if (!rtp.fd) {
        return rtp.error;
    }
    sockets.rtp = std::move(rtp.fd);
    sockets.rtcp_endpoint = sockets.rtp_endpoint;
    if (rtcp_mux) {
        return 0;
    }
    // RFC 3550 11: RTP on the even port, RTCP on the odd one above it.
    ++sockets.rtcp_endpoint.port;
    OpenedSocket rtcp = open_udp(sockets.rtcp_endpoint, receive_buffer_bytes);
    sockets.rtcp = std::move(rtcp.fd);
    return rtcp.error;
}

Error bind_error(const Endpoint& endpoint, int error) {
    const bool exhausted =
        error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    return {exhausted ? ErrorCode::ResourceExhausted : ErrorCode::Io,
            fmt::format("cannot bind a media socket to {}: {}",
                        endpoint.to_string(),
                        std::generic_category().message(error))};
}

Result<MediaSockets> NativeEngine::open_sockets(const IpAddress& address, bool rtcp_mux) {
    for (std::size_t tried = 0; tried < ports_->total(); ++tried) {
        auto lease = ports_->acquire();
        if (!lease) {
            return std::move(lease).error();
        }
        MediaSockets sockets;
        sockets.lease = std::move(*lease);
        const int error = bind_pair(sockets, address, rtcp_mux, receive_buffer_bytes_);
        if (error == 0) {
            return sockets;
        }
        // A pair of which another program has a port goes back to the end of the queue.
        if (error != EADDRINUSE) {
            return bind_error(sockets.rtp_endpoint, error);
        }
    }
    return Error(ErrorCode::ResourceExhausted,
                 fmt::format("none of the {} RTP/RTCP port pairs of the range media.port_low to "
                             "media.port_high can be bound: other programs have them",
                             ports_->total()));
}

std::uint32_t NativeEngine::pick_thread() {
    // Streams are counted when their task has run; turns keep a burst of sessions apart until then.
    const std::uint32_t count = thread_count();
    const std::uint32_t first = next_thread_.fetch_add(1, std::memory_order_relaxed) % count;
    std::uint32_t best = first;
    for (std::uint32_t i = 1; i < count; ++i) {
        const std::uint32_t candidate = (first + i) % count;
        if (threads_[candidate]->stream_count() < threads_[best]->stream_count()) {
            best = candidate;
        }
    }
    return best;
}

Engine::Stats NativeEngine::stats() const {
    Stats stats;
    for (const auto& thread : threads_) {
        thread->totals().add_to(stats.media);
        stats.streams_active += thread->stream_count();
    }
    stats.ports_in_use = ports_->in_use();
    stats.ports_total = ports_->total();
    return stats;
}

void NativeEngine::stop() {
    for (const auto& thread : threads_) {
        thread->request_stop();
    }
    for (const auto& thread : threads_) {
        thread->join();
    }
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(const MediaConfig& config,
                                               Logger& logger,
                                               const Clock& clock) {
    if (config.port_low == 0 || config.port_low % 2 != 0 || config.port_high % 2 != 1 ||
        config.port_high < config.port_low) {
        return Error(
            ErrorCode::InvalidArgument,
            fmt::format("media.port_low {} and media.port_high {} are no range of RTP/RTCP "
                        "pairs: the first has to be even, the last odd (RFC 3550 11)",
                        config.port_low,
                        config.port_high));
    }
    auto engine = std::make_unique<NativeEngine>(config);
    if (auto failure = engine->start(config, logger, clock)) {
        return *std::move(failure);
    }
    return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace siprec::rtp
