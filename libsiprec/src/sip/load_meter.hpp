#pragma once

// How far the SIP thread is behind: what waits in its sockets, times what one message takes.

#include <siprec/clock.hpp>
#include <siprec/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace siprec::sip {

/// *SIP thread only.*
class LoadMeter {
  public:
    /// Looks for the sockets that were opened for these listeners.
    void watch(const std::vector<Listener>& listeners);

    /// A request was taken from a socket.
    void count(std::size_t bytes);

    /// Call several times a second: learns what a message takes.
    void tick(SteadyTime now);

    /// For how long a message that arrives now will wait.
    [[nodiscard]] std::chrono::microseconds delay() const;

  private:
    [[nodiscard]] std::size_t backlog_bytes() const;

    std::vector<int> sockets_;  // the stack's own; open as long as it is
    double message_bytes_ = 1500;
    double message_us_ = 300;
    std::uint64_t messages_ = 0;
    SteadyTime ticked_;
    std::chrono::nanoseconds cpu_{0};
    bool was_behind_ = false;
};

}  // namespace siprec::sip
