#pragma once

// Messages of one session that wait for the network: bounded, and honest about what it left out.

#include "base/mutex.hpp"

#include <siprec/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace siprec::websocket {

/// What of one stream's audio the receiver does not get.
struct Loss {
    std::uint64_t samples = 0;  ///< decoded, and left out because the queue was full
    std::uint64_t packets = 0;  ///< dropped before they were decoded

    friend bool operator==(const Loss&, const Loss&) = default;
};

struct Message {
    std::string bytes;
    bool is_binary = false;
    std::uint64_t samples = 0;  ///< of audio in it
    bool is_last = false;       ///< the farewell
};

/// When it is full the oldest audio is left out; a `loss` message says so to the receiver, at most
/// once a second. Texts wait only while there is a connection, since the next one begins with all
/// that holds; more of them than fit make the connection `is_overrun`. *Thread-safe.*
class Outbox {
  public:
    explicit Outbox(std::size_t queue_bytes) : queue_bytes_(queue_bytes) {}

    void push_text(std::string message);

    /// @param samples  that the message holds of the stream
    void push_audio(std::uint32_t stream, std::uint64_t samples, std::string message);

    /// @param packets  in all, since the stream opened
    void lose_packets(std::uint32_t stream, std::uint64_t packets);

    /// Nothing comes any more; the first farewell counts.
    void finish(std::string farewell);

    /// A connection begins, or has ended.
    void connect();
    void disconnect();

    /// The next message to send; none: nothing waits. Behind the farewell there is nothing.
    [[nodiscard]] std::optional<Message> next(SteadyTime now);

    [[nodiscard]] bool is_finishing() const;

    /// The receiver does not even take the texts.
    [[nodiscard]] bool is_overrun() const;

    /// Gives up what waits. @return what of all audio was never sent
    Loss abandon();

    /// Of all streams.
    [[nodiscard]] Loss lost() const;

  private:
    struct Entry {
        Message message;
        std::uint32_t stream = 0;
    };

    void drop_texts() SIPREC_REQUIRES(mutex_);
    [[nodiscard]] std::optional<Message> next_loss(SteadyTime now) SIPREC_REQUIRES(mutex_);
    void lose(const Entry& entry) SIPREC_REQUIRES(mutex_);

    const std::size_t queue_bytes_;
    mutable base::Mutex mutex_;
    std::deque<Entry> entries_ SIPREC_GUARDED_BY(mutex_);
    std::size_t audio_bytes_ SIPREC_GUARDED_BY(mutex_) = 0;
    std::size_t text_bytes_ SIPREC_GUARDED_BY(mutex_) = 0;
    std::map<std::uint32_t, Loss> losses_ SIPREC_GUARDED_BY(mutex_);
    std::set<std::uint32_t> untold_ SIPREC_GUARDED_BY(mutex_);  // streams
    std::optional<SteadyTime> told_at_ SIPREC_GUARDED_BY(mutex_);
    std::string farewell_ SIPREC_GUARDED_BY(mutex_);
    bool is_connected_ SIPREC_GUARDED_BY(mutex_) = false;
    bool is_finishing_ SIPREC_GUARDED_BY(mutex_) = false;
    bool is_overrun_ SIPREC_GUARDED_BY(mutex_) = false;
};

}  // namespace siprec::websocket
