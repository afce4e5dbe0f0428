#pragma once

// What a capture says, gathered in one pass; a recording's record is built from it.

#include "archive/sequence_counter.hpp"
#include "capture/playback.hpp"

#include <siprec/metadata.hpp>
#include <siprec/session.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>

#include <bitset>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

/// One media stream of the session.
struct TrackDigest {
    StreamInfo stream;  ///< as it was last
    /// When the direction became what; the first entry is the opening.
    std::vector<std::pair<WallTime, sdp::Direction>> directions;
    std::optional<WallTime> closed;
    std::optional<StreamStats> stats;  ///< none when the receiver was killed
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::optional<WallTime> first_packet;
    std::optional<WallTime> last_packet;
    std::vector<std::string> encodings;  ///< of the packets, in order of appearance
    std::bitset<128> known_types;  ///< payload types whose encoding is there, as the stream is now
    SequenceCounter sequence;
    std::vector<SourceName> announced;  ///< by RTCP, each once; the first few where there are many

    [[nodiscard]] bool is_audio() const { return stream.media_type == "audio"; }

    /// An answer let the client send at some time.
    [[nodiscard]] bool was_active() const;

    /// The label, or "media-N".
    [[nodiscard]] std::string name() const;
};

/// One metadata document.
struct DocumentDigest {
    MetadataReceived received;
    WallTime time;
};

/// Owned by one thread.
class CaptureDigest final : public CaptureVisitor {
  public:
    void on_event(const Event& event) override;
    void on_rtp(const StreamInfo& stream, const RtpPacket& packet) override;
    void on_rtcp(const StreamInfo& stream, const RtcpPacket& packet) override;

    [[nodiscard]] const std::optional<SessionInfo>& session() const noexcept { return session_; }

    [[nodiscard]] const std::optional<SessionEnded>& ended() const noexcept { return ended_; }

    /// Time of the session's end; without one, of the last thing in the capture.
    [[nodiscard]] WallTime end_time() const noexcept { return ended_ ? ended_at_ : last_; }

    [[nodiscard]] const std::vector<DocumentDigest>& documents() const noexcept {
        return documents_;
    }

    /// In order of the m-lines, then of opening.
    [[nodiscard]] std::vector<const TrackDigest*> tracks() const;

    [[nodiscard]] std::uint64_t gap_packets() const noexcept { return gap_packets_; }

    /// Goes up with each event that changes what the catalogue shows of a running session.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  private:
    void open_track(WallTime time, const StreamInfo& stream);
    void change_track(WallTime time, const StreamInfo& stream);
    void close_track(WallTime time, const StreamClosed& closed);

    std::optional<SessionInfo> session_;
    std::optional<SessionEnded> ended_;
    WallTime ended_at_;
    WallTime last_;
    std::vector<DocumentDigest> documents_;
    std::vector<TrackDigest> tracks_;
    std::map<Uuid, std::size_t> track_index_;
    std::uint64_t gap_packets_ = 0;
    std::uint64_t version_ = 0;
};

}  // namespace siprec::server
