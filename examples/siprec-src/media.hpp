#pragma once

#include "audio.hpp"
#include "media_guard.hpp"
#include "offer.hpp"
#include "sockets.hpp"

#include <siprec/clock.hpp>
#include <siprec/rtp.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

namespace srcsim {

/// One stream of a call, handed to the pacer.
struct StreamSetup {
    MediaSockets sockets;
    AnsweredStream target;
    Clip clip;
    std::uint32_t ssrc = 0;
    std::uint32_t first_timestamp = 0;
    std::uint16_t first_sequence = 0;
};

/// What all streams have in common.
struct PacerSettings {
    siprec::PayloadFormat format;
    CodecUnit unit;
    std::chrono::milliseconds ptime{20};
    bool with_rtcp = true;
    bool keeps_sent = false;  ///< remember each payload sent
    std::uint64_t seed = 0;
};

struct StreamStats {
    std::uint32_t ssrc = 0;
    std::uint64_t packets = 0;
    std::uint64_t payload_bytes = 0;
    std::uint64_t rtcp_sent = 0;
    std::uint64_t rtcp_received = 0;
    std::uint64_t send_errors = 0;
    std::vector<std::byte> sent;  ///< payloads, in order, when the settings keep them
};

/// What the pacer tells. `stats` is there when the call's media has been stopped, not when its last
/// packet has been sent.
struct MediaEvent {
    std::size_t call = 0;
    std::optional<std::vector<StreamStats>> stats;
};

/// One RTP source (RFC 3550 5.1) with its RTCP (RFC 3550 6.4.1, 6.5): knows what the next packet
/// holds, and no socket. *Owner media thread only.*
class RtpSource {
  public:
    RtpSource(const PacerSettings& settings, const StreamSetup& setup);

    /// The packet of one packet time; valid until the next call.
    /// @param index  counts packet times from the start, those that were held back too
    [[nodiscard]] std::span<const std::byte> packet(std::uint64_t index);
    void on_sent();

    /// A compound of sender report, SDES and, when `is_last`, BYE.
    /// @param elapsed  media time since the first packet
    [[nodiscard]] std::vector<std::byte> report(siprec::WallTime now,
                                                std::chrono::nanoseconds elapsed,
                                                bool is_last) const;

    [[nodiscard]] std::span<const std::byte> payload() const noexcept;

    [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }

    [[nodiscard]] std::uint64_t payload_bytes() const noexcept { return payload_bytes_; }

  private:
    Clip clip_;
    std::size_t payload_size_;
    std::uint32_t samples_;
    std::uint32_t clock_rate_;
    std::uint32_t ssrc_;
    std::uint32_t first_timestamp_;
    std::uint16_t sequence_;
    std::uint8_t payload_type_;
    std::uint64_t next_index_ = 0;
    std::uint64_t packets_ = 0;
    std::uint64_t payload_bytes_ = 0;
    std::vector<std::byte> buffer_;
};

/// Sends the media of all calls from one thread, each packet at its own instant of an absolute
/// schedule. Its public functions are *thread-safe*.
class MediaPacer {
  public:
    /// @param event_fd  an eventfd that is raised whenever `take_events` has something new
    MediaPacer(PacerSettings settings, int event_fd);
    MediaPacer(const MediaPacer&) = delete;
    MediaPacer& operator=(const MediaPacer&) = delete;
    ~MediaPacer();

    /// @param packet_times  for how many packet times the call sends
    void start(std::size_t call, std::vector<StreamSetup> streams, std::uint64_t packet_times);
    void change(std::size_t call, std::vector<AnsweredStream> targets);
    void stop(std::size_t call);
    [[nodiscard]] std::vector<MediaEvent> take_events();

    /// The most that a packet was late so far.
    [[nodiscard]] std::chrono::nanoseconds worst_lateness() const;

  private:
    class Worker;

    struct StartCommand {
        std::size_t call;
        std::vector<StreamSetup> streams;
        std::uint64_t packet_times;
    };

    struct ChangeCommand {
        std::size_t call;
        std::vector<AnsweredStream> targets;
    };

    struct StopCommand {
        std::size_t call;
    };

    using Command = std::variant<StartCommand, ChangeCommand, StopCommand>;

    void post(Command command);
    [[nodiscard]] std::vector<Command> take_commands(bool may_wait, const std::stop_token& stop);
    void publish(MediaEvent event);
    void note_lateness(std::chrono::nanoseconds lateness);

    PacerSettings settings_;
    int event_fd_;
    mutable std::mutex mutex_;  // guards the four below
    std::condition_variable_any wake_;
    std::vector<Command> commands_;
    std::vector<MediaEvent> events_;
    std::chrono::nanoseconds worst_lateness_{0};
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace srcsim
