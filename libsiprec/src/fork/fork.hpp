#pragma once

// One media stream to its sinks.

#include <cstdint>
#include <memory>
#include <vector>

#include <siprec/log.hpp>
#include <siprec/media_sink.hpp>

namespace siprec::fork {

/// Hands each packet of a stream to every sink. A sink that throws is closed, reported, and left out
/// from then on; the others do not notice. Owned and called by the stream's media thread.
class Fork {
  public:
    explicit Fork(Logger& logger) : logger_(&logger) {}

    void add(std::unique_ptr<MediaSink> sink);

    [[nodiscard]] bool empty() const noexcept { return sinks_.empty(); }

    void rtp(const RtpPacket& packet);
    void rtcp(const RtcpPacket& packet);
    void changed(const StreamInfo& stream);
    void tick(WallTime now);
    void closed(const StreamStats& stats, WallTime when);

  private:
    template <typename Call>
    void each(Call call);

    Logger* logger_;
    std::vector<std::unique_ptr<MediaSink>> sinks_;
};

}  // namespace siprec::fork
