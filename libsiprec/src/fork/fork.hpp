#pragma once

// One media stream to its sinks.

#include <siprec/log.hpp>
#include <siprec/media_sink.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace siprec::fork {

/// Hands each packet of a stream to every sink. A sink that throws is closed, reported, and left
/// out from then on; the others do not notice. What such a sink is closed with are empty
/// statistics. *Owner media thread only.*
class Fork {
  public:
    explicit Fork(Logger& logger) : logger_(&logger) {}

    void add(std::unique_ptr<MediaSink> sink);

    [[nodiscard]] bool empty() const noexcept { return sinks_.empty(); }

    void rtp(const RtpPacket& packet);
    void rtcp(const RtcpPacket& packet);
    void changed(const StreamInfo& stream);
    void tick(WallTime now);

    /// The last call for every sink; they are destroyed.
    void closed(const StreamStats& stats, WallTime when);

  private:
    template <typename Call>
    void each(Call call);
    void expel(std::size_t index, std::string_view failure);

    Logger* logger_;
    std::vector<std::unique_ptr<MediaSink>> sinks_;
    WallTime latest_;  // of what was handed on
};

}  // namespace siprec::fork
