#include "media.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

namespace srcsim {

using siprec::SteadyTime;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

constexpr std::size_t kRtpHeader = 12;
constexpr std::size_t kWheelSlots = 256;  // of 1 ms; more than the longest packet time
constexpr milliseconds kLongestNap{5};
constexpr std::chrono::milliseconds kRtcpInterval{5000};  // RFC 3550 6.2
constexpr std::uint8_t kSenderReport = 200;
constexpr std::uint8_t kSourceDescription = 202;
constexpr std::uint8_t kGoodbye = 203;

void put(std::vector<std::byte>& out, std::uint64_t value, std::size_t width) {
    for (std::size_t i = width; i > 0; --i) {
        out.push_back(static_cast<std::byte>(value >> (8 * (i - 1)) & 0xFFU));
    }
}

void put_rtcp_header(std::vector<std::byte>& out,
                     std::uint8_t count,
                     std::uint8_t type,
                     std::size_t words) {
    put(out, 0x80U | count, 1);
    put(out, type, 1);
    put(out, words, 2);
}

// RFC 3550 4: seconds since 1900 and a 32-bit fraction.
std::uint64_t ntp_time(siprec::WallTime time) {
    constexpr std::uint64_t kSecondsTo1970 = 2'208'988'800;
    constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
    const auto nanos = static_cast<std::uint64_t>(time.time_since_epoch().count());
    return (nanos / kNanosPerSecond + kSecondsTo1970) << 32U |
           ((nanos % kNanosPerSecond) << 32U) / kNanosPerSecond;
}

}  // namespace

RtpSource::RtpSource(const PacerSettings& settings, const StreamSetup& setup)
    : clip_(setup.clip),
      payload_size_(0),
      samples_(static_cast<std::uint32_t>(
          settings.format.clock_rate * static_cast<std::uint64_t>(settings.ptime.count()) / 1000U)),
      clock_rate_(settings.format.clock_rate),
      ssrc_(setup.ssrc),
      first_timestamp_(setup.first_timestamp),
      sequence_(setup.first_sequence),
      payload_type_(settings.format.payload_type) {
    payload_size_ = samples_ / settings.unit.ticks * settings.unit.bytes;
    buffer_.resize(kRtpHeader + payload_size_);
}

std::span<const std::byte> RtpSource::packet(std::uint64_t index) {
    // RFC 3551 4.1: the marker shows the first packet after a silence.
    const bool marker = packets_ == 0 || index != next_index_;
    next_index_ = index + 1;
    const auto timestamp =
        static_cast<std::uint32_t>(first_timestamp_ + index * std::uint64_t{samples_});
    const auto put_at = [&](std::size_t at, std::uint32_t value, std::size_t width) {
        for (std::size_t i = 0; i < width; ++i) {
            buffer_[at + i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)) & 0xFFU);
        }
    };
    put_at(0, 0x80, 1);
    put_at(1, (marker ? 0x80U : 0U) | payload_type_, 1);
    put_at(2, sequence_, 2);
    put_at(4, timestamp, 4);
    put_at(8, ssrc_, 4);
    std::size_t from = (clip_.start + index * payload_size_) % clip_.loop.size();
    for (std::size_t filled = 0; filled < payload_size_; from = 0) {
        const std::size_t count = std::min(payload_size_ - filled, clip_.loop.size() - from);
        std::memcpy(&buffer_[kRtpHeader + filled], &clip_.loop[from], count);
        filled += count;
    }
    return buffer_;
}

std::span<const std::byte> RtpSource::payload() const noexcept {
    return std::span{buffer_}.subspan(kRtpHeader);
}

void RtpSource::on_sent() {
    ++sequence_;
    ++packets_;
    payload_bytes_ += payload_size_;
}

std::vector<std::byte> RtpSource::report(siprec::WallTime now,
                                         nanoseconds elapsed,
                                         bool is_last) const {
    const auto ticks = static_cast<std::uint64_t>(elapsed.count()) * clock_rate_ / 1'000'000'000U;
    std::vector<std::byte> out;
    put_rtcp_header(out, 0, kSenderReport, 6);
    put(out, ssrc_, 4);
    put(out, ntp_time(now), 8);
    put(out, static_cast<std::uint32_t>(first_timestamp_ + ticks), 4);
    put(out, packets_, 4);
    put(out, payload_bytes_, 4);

    const std::string cname = "siprec-src-" + std::to_string(ssrc_);
    // SSRC, type, length, text, and at least one zero octet up to a word's end.
    const std::size_t words = (4 + 2 + cname.size() + 1 + 3) / 4;
    put_rtcp_header(out, 1, kSourceDescription, words);
    const std::size_t end = out.size() + 4 * words;
    put(out, ssrc_, 4);
    put(out, 1, 1);  // CNAME
    put(out, cname.size(), 1);
    for (const char c : cname) {
        put(out, static_cast<std::uint8_t>(c), 1);
    }
    out.resize(end);
    if (is_last) {
        put_rtcp_header(out, 1, kGoodbye, 1);
        put(out, ssrc_, 4);
    }
    return out;
}

// The thread's own half: calls on a timer wheel of 1 ms, so that one step costs the same with one
// call and with thousands.
class MediaPacer::Worker {
  public:
    explicit Worker(MediaPacer& pacer)
        : pacer_(pacer),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          random_(pacer.settings_.seed),
          current_(millisecond(now())) {}

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            for (Command& command : pacer_.take_commands(calls_.empty(), stop)) {
                std::visit([this](auto& c) { execute(c); }, command);
            }
            run_due();
            receive_rtcp();
            shake_hands();
            nap();
        }
    }

  private:
    struct Stream {
        MediaSockets sockets;
        AnsweredStream target;
        RtpSource source;
        StreamStats stats;
        SteadyTime next_report;
        MediaGuard rtp;                  // and RTCP, but for DTLS
        std::optional<MediaGuard> rtcp;  // RFC 5764 4: an association a port
    };

    struct Media {
        std::size_t call = 0;
        std::vector<std::unique_ptr<Stream>> streams;
        SteadyTime start;
        std::uint64_t index = 0;  // of the next packet time
        std::uint64_t end = 0;
    };

    static SteadyTime now() { return siprec::system_clock().steady_now(); }

    static std::int64_t millisecond(SteadyTime time) {
        return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
    }

    SteadyTime due(const Media& media) const {
        return media.start + pacer_.settings_.ptime * static_cast<std::int64_t>(media.index);
    }

    void schedule(const Media& media) {
        // A slot is run when its millisecond begins, so the one behind the packet's: never early.
        const std::int64_t slot = std::clamp(
            millisecond(due(media)) + 1, current_ + 1, current_ + std::int64_t{kWheelSlots} - 1);
        wheel_[static_cast<std::size_t>(slot) % kWheelSlots].push_back(media.call);
    }

    void execute(StartCommand& command) {
        Media media;
        media.call = command.call;
        media.start = now();
        media.end = command.packet_times;
        for (StreamSetup& setup : command.streams) {
            RtpSource source{pacer_.settings_, setup};
            auto stream = std::make_unique<Stream>(Stream{std::move(setup.sockets),
                                                          setup.target,
                                                          std::move(source),
                                                          {},
                                                          {},
                                                          MediaGuard(setup.target.keying),
                                                          {}});
            if (std::holds_alternative<siprec::srtp::DtlsTerms>(setup.target.keying)) {
                stream->rtcp.emplace(setup.target.keying);
                has_dtls_ = true;
            }
            stream->stats.ssrc = setup.ssrc;
            // RFC 3550 6.2: the first report after half the time.
            stream->next_report = media.start + jittered(kRtcpInterval / 2);
            aim(*stream);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = stream.get();
            for (const int fd : {stream->sockets.rtp.get(), stream->sockets.rtcp.get()}) {
                const bool is_wanted = stream->rtcp || fd == stream->sockets.rtcp.get();
                if (is_wanted && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
                    ++stream->stats.send_errors;
                }
            }
            media.streams.push_back(std::move(stream));
        }
        schedule(media);
        calls_.insert_or_assign(command.call, std::move(media));
    }

    void execute(ChangeCommand& command) {
        const auto found = calls_.find(command.call);
        if (found == calls_.end()) {
            return;
        }
        auto& streams = found->second.streams;
        for (std::size_t i = 0; i < std::min(streams.size(), command.targets.size()); ++i) {
            const bool has_moved = command.targets[i].rtp.port != 0 &&
                                   command.targets[i].rtp != streams[i]->target.rtp;
            if (has_moved) {
                streams[i]->target = command.targets[i];
                aim(*streams[i]);
            }
            streams[i]->target.is_active = command.targets[i].is_active;
            rekey(*streams[i], command.targets[i].keying);
        }
    }

    void execute(StopCommand& command) {
        const auto found = calls_.find(command.call);
        if (found == calls_.end()) {
            return;
        }
        MediaEvent event{command.call, std::vector<StreamStats>{}};
        for (auto& stream : found->second.streams) {
            if (pacer_.settings_.with_rtcp && stream->source.packets() > 0) {
                send_report(found->second, *stream, true);
            }
            receive_reports(*stream);
            stream->stats.packets = stream->source.packets();
            stream->stats.payload_bytes = stream->source.payload_bytes();
            event.stats->push_back(std::move(stream->stats));
        }
        calls_.erase(found);
        pacer_.publish(std::move(event));
    }

    // An answer without keys leaves those that there are.
    static void rekey(Stream& stream, const siprec::srtp::Keying& keying) {
        if (std::holds_alternative<std::monostate>(keying) || keying == stream.rtp.keying()) {
            return;
        }
        stream.rtp = MediaGuard(keying);
        if (stream.rtcp) {
            stream.rtcp.emplace(keying);
        }
    }

    // Connected sockets spare the kernel a route look-up a packet.
    static void aim(Stream& stream) {
        if (stream.target.rtp.port == 0 || !connect_to(stream.sockets.rtp, stream.target.rtp) ||
            !connect_to(stream.sockets.rtcp, stream.target.rtcp)) {
            stream.target.is_active = false;
            ++stream.stats.send_errors;
        }
    }

    SteadyTime::duration jittered(milliseconds interval) {
        // RFC 3550 6.3.1: between half and one and a half times.
        return std::chrono::duration_cast<SteadyTime::duration>(
            interval * std::uniform_real_distribution<double>{0.5, 1.5}(random_));
    }

    void run_due() {
        const std::int64_t last = millisecond(now());
        while (current_ < last) {
            ++current_;
            auto& slot = wheel_[static_cast<std::size_t>(current_) % kWheelSlots];
            if (slot.empty()) {
                continue;
            }
            running_.clear();
            running_.swap(slot);
            for (const std::size_t call : running_) {
                if (const auto found = calls_.find(call); found != calls_.end()) {
                    step(found->second);
                }
            }
        }
    }

    void step(Media& media) {
        const SteadyTime time = now();
        if (time < due(media)) {  // the wheel was behind and is catching up
            schedule(media);
            return;
        }
        if (media.index >= media.end) {
            pacer_.publish({media.call, std::nullopt});
            return;
        }
        worst_ = std::max<nanoseconds>(worst_, time - due(media));
        for (auto& stream : media.streams) {
            if (stream->target.is_active && stream->rtp.is_ready()) {
                send_packet(media, *stream);
            }
            if (pacer_.settings_.with_rtcp && time >= stream->next_report) {
                stream->next_report = time + jittered(kRtcpInterval);
                send_report(media, *stream, false);
            }
        }
        ++media.index;
        schedule(media);
    }

    void send_packet(const Media& media, Stream& stream) {
        const auto bytes = stream.source.packet(media.index);
        packet_.assign(bytes.begin(), bytes.end());
        if (!stream.rtp.protect_rtp(packet_) || !send_bytes(stream.sockets.rtp, packet_)) {
            ++stream.stats.send_errors;
            return;
        }
        stream.source.on_sent();
        if (pacer_.settings_.keeps_sent) {
            const auto payload = stream.source.payload();
            stream.stats.sent.insert(stream.stats.sent.end(), payload.begin(), payload.end());
        }
    }

    static bool send_bytes(const Fd& socket, std::span<const std::byte> bytes) {
        for (int i = 0; i < 2; ++i) {
            if (::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0) {
                return true;
            }
            if (errno != ECONNREFUSED) {
                return false;
            }
            // That was the ICMP answer to an earlier packet; this one has not been tried yet.
        }
        return false;
    }

    void send_report(const Media& media, Stream& stream, bool is_last) {
        auto report =
            stream.source.report(siprec::system_clock().now(), now() - media.start, is_last);
        MediaGuard& guard = stream.rtcp ? *stream.rtcp : stream.rtp;
        if (guard.is_ready() && guard.protect_rtcp(report) &&
            send_bytes(stream.sockets.rtcp, report)) {
            ++stream.stats.rtcp_sent;
        }
    }

    void receive_rtcp() {
        std::array<epoll_event, 64> ready{};
        const int count =
            ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), 0);
        for (int i = 0; i < count; ++i) {
            receive_reports(*static_cast<Stream*>(ready[static_cast<std::size_t>(i)].data.ptr));
        }
    }

    static void receive_reports(Stream& stream) {
        receive_from(stream.sockets.rtcp, stream.rtcp ? *stream.rtcp : stream.rtp, stream.stats);
        if (stream.rtcp) {
            receive_from(stream.sockets.rtp, stream.rtp, stream.stats);
        }
    }

    static void receive_from(const Fd& socket, MediaGuard& guard, StreamStats& stats) {
        alignas(4) std::array<std::byte, 2048> buffer{};
        for (;;) {
            const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
            if (size < 0) {
                break;
            }
            const auto datagram = std::span{buffer}.first(static_cast<std::size_t>(size));
            stats.rtcp_received += guard.receive(datagram) ? 1U : 0U;
        }
        send_handshake(socket, guard);
    }

    static void send_handshake(const Fd& socket, MediaGuard& guard) {
        for (const auto& datagram : guard.take_handshake()) {
            // One that is lost here is sent again by DTLS.
            (void)send_bytes(socket, datagram);
        }
    }

    // First flights and retransmissions.
    void shake_hands() {
        constexpr milliseconds kInterval{20};
        if (!has_dtls_ || now() < next_handshake_) {
            return;
        }
        next_handshake_ = now() + kInterval;
        for (auto& [number, media] : calls_) {
            for (auto& stream : media.streams) {
                if (stream->rtcp) {
                    send_handshake(stream->sockets.rtp, stream->rtp);
                    send_handshake(stream->sockets.rtcp, *stream->rtcp);
                }
            }
        }
    }

    // Sleeps until the next slot with work begins; not long, because commands wait meanwhile.
    void nap() {
        pacer_.note_lateness(worst_);
        std::int64_t wake = current_ + 1;
        while (wake < current_ + kLongestNap.count() &&
               wheel_[static_cast<std::size_t>(wake) % kWheelSlots].empty()) {
            ++wake;
        }
        constexpr std::int64_t kPerSecond = 1000;
        constexpr std::int64_t kNanosPerMilli = 1'000'000;
        timespec until{};  // steady_clock is CLOCK_MONOTONIC
        until.tv_sec = wake / kPerSecond;
        until.tv_nsec = wake % kPerSecond * kNanosPerMilli;
        (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    }

    MediaPacer& pacer_;
    Fd epoll_;
    std::mt19937_64 random_;
    std::unordered_map<std::size_t, Media> calls_;
    std::array<std::vector<std::size_t>, kWheelSlots> wheel_;
    std::vector<std::size_t> running_;
    std::vector<std::byte> packet_;
    bool has_dtls_ = false;
    SteadyTime next_handshake_;
    std::int64_t current_;  // the last millisecond whose slot has been run
    nanoseconds worst_{0};
};

MediaPacer::MediaPacer(PacerSettings settings, int event_fd)
    : settings_(std::move(settings)),
      event_fd_(event_fd),
      thread_([this](const std::stop_token& stop) { Worker{*this}.run(stop); }) {}

MediaPacer::~MediaPacer() = default;

void MediaPacer::start(std::size_t call,
                       std::vector<StreamSetup> streams,
                       std::uint64_t packet_times) {
    post(StartCommand{call, std::move(streams), packet_times});
}

void MediaPacer::change(std::size_t call, std::vector<AnsweredStream> targets) {
    post(ChangeCommand{call, std::move(targets)});
}

void MediaPacer::stop(std::size_t call) {
    post(StopCommand{call});
}

void MediaPacer::post(Command command) {
    {
        const std::lock_guard lock{mutex_};
        commands_.push_back(std::move(command));
    }
    wake_.notify_one();
}

std::vector<MediaPacer::Command> MediaPacer::take_commands(bool may_wait,
                                                           const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    if (may_wait) {
        wake_.wait(lock, stop, [this] { return !commands_.empty(); });
    }
    return std::exchange(commands_, {});
}

void MediaPacer::publish(MediaEvent event) {
    {
        const std::lock_guard lock{mutex_};
        events_.push_back(std::move(event));
    }
    // Fails only when the counter is full, and then the reader is awake.
    (void)::eventfd_write(event_fd_, 1);
}

std::vector<MediaEvent> MediaPacer::take_events() {
    const std::lock_guard lock{mutex_};
    return std::exchange(events_, {});
}

void MediaPacer::note_lateness(nanoseconds lateness) {
    const std::lock_guard lock{mutex_};
    worst_lateness_ = lateness;
}

nanoseconds MediaPacer::worst_lateness() const {
    const std::lock_guard lock{mutex_};
    return worst_lateness_;
}

}  // namespace srcsim
