#pragma once

// A capture read back in the order in which things happened.

#include "capture/events.hpp"

#include <siprec/pcapng.hpp>
#include <siprec/rtp.hpp>
#include <siprec/stream.hpp>

#include <cstdint>
#include <map>
#include <optional>

namespace siprec::server {

/// Receives what is in a capture. Everything passed is valid during the call.
class CaptureVisitor {
  public:
    CaptureVisitor() = default;
    CaptureVisitor(const CaptureVisitor&) = delete;
    CaptureVisitor& operator=(const CaptureVisitor&) = delete;
    virtual ~CaptureVisitor() = default;
    virtual void on_event(const Event& event) = 0;

    virtual void on_rtp(const StreamInfo& /*stream*/, const RtpPacket& /*packet*/) {}

    virtual void on_rtcp(const StreamInfo& /*stream*/, const RtcpPacket& /*packet*/) {}
};

/// Why the reading of a capture ended where it did.
struct PlaybackEnd {
    bool truncated = false;       ///< in the middle of a block
    std::optional<Error> damage;  ///< a block or an event that contradicts itself
};

/// Turns blocks into the calls of a visitor.
class CapturePlayback {
  public:
    explicit CapturePlayback(CaptureVisitor& visitor) : visitor_(visitor) {}

    /// Plays all that the reader has; may be called again when the source has more.
    /// @return Io from the source; a damaged capture is no error but an end
    [[nodiscard]] Result<PlaybackEnd> play(pcapng::Reader& reader);

  private:
    [[nodiscard]] Result<void> play_block(const pcapng::Block& block);
    [[nodiscard]] Result<void> play_event(const pcapng::JournalEntry& entry);
    void play_datagram(const pcapng::Datagram& datagram) const;

    CaptureVisitor& visitor_;
    std::map<std::uint32_t, StreamInfo> streams_;  // by interface
};

/// Plays a whole file.
[[nodiscard]] Result<PlaybackEnd> play_file(const std::string& path, CaptureVisitor& visitor);

}  // namespace siprec::server
