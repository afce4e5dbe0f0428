#pragma once

// What the parts of a session's capture say, gathered in one pass; the records of its recordings
// are built from it.

#include "archive/sequence_counter.hpp"
#include "capture/playback.hpp"
#include "capture/session_tracker.hpp"
#include "interop/profile_set.hpp"

#include <siprec/metadata.hpp>
#include <siprec/session.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>

#include <bitset>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace siprec::server {

/// The packets of one media stream, all of them or those of one recording.
struct MediaDigest {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::optional<WallTime> first_packet;
    std::optional<WallTime> last_packet;
    std::vector<std::string> encodings;  ///< in order of appearance
    std::bitset<128> known_types;  ///< payload types whose encoding is there, as the stream is now
    SequenceCounter sequence;

    void add(const StreamInfo& stream, const RtpPacket& packet);
};

/// One media stream of the session.
struct TrackDigest {
    StreamInfo stream;  ///< as it was last
    /// When the direction became what; the first entry is the opening.
    std::vector<std::pair<WallTime, sdp::Direction>> directions;
    std::vector<std::pair<WallTime, std::string>> labels;  ///< likewise
    std::optional<WallTime> closed;
    std::optional<StreamStats> stats;  ///< none when the receiver was killed
    MediaDigest media;
    std::vector<SourceName> announced;  ///< by RTCP, each once; the first few where there are many

    [[nodiscard]] bool is_audio() const { return stream.media_type == "audio"; }

    /// An answer let the client send at some time.
    [[nodiscard]] bool was_active() const;

    /// The label, or "media-N".
    [[nodiscard]] std::string name() const;

    [[nodiscard]] const std::string& label_at(WallTime time) const;
};

/// One metadata document, parsed and merged.
struct DocumentDigest {
    MetadataReceived received;
    WallTime time;
    std::size_t count = 0;  ///< of documents with this one
    std::string findings_json = "[]";
};

/// From this document on a label means this stream (RFC 7866 7.1.1: the label holds within its
/// message, the stream's id for ever).
struct LabelBinding {
    WallTime time;
    std::string label;
    std::string stream_id;
    bool is_guess = false;
};

/// What one stay has of the session.
struct StayDigest {
    std::string session_id;
    std::uint32_t number = 1;
    std::map<std::size_t, MediaDigest> media;  ///< by track
    std::set<std::string> streams;             ///< ids that are the CS's
};

/// Owned by one thread.
class CaptureDigest final : public CaptureVisitor {
  public:
    /// With the shipped profiles.
    CaptureDigest() : CaptureDigest({std::shared_ptr<const ProfileSet>(), &shipped_profiles()}) {}

    /// @param limits  of the live wing: what it could read must be read alike
    /// @param profiles  say how a client's documents are read
    explicit CaptureDigest(std::shared_ptr<const ProfileSet> profiles,
                           const metadata::ParseLimits& limits = {})
        : profiles_(std::move(profiles)), limits_(limits) {}

    void on_event(const Event& event) override;
    void on_rtp(const StreamInfo& stream, const RtpPacket& packet) override;
    void on_rtcp(const StreamInfo& stream, const RtcpPacket& packet) override;

    [[nodiscard]] const std::optional<SessionInfo>& session() const noexcept { return session_; }

    [[nodiscard]] const std::optional<SessionEnded>& ended() const noexcept { return ended_; }

    /// Time of the session's end; without one, of the last thing in the capture.
    [[nodiscard]] WallTime end_time() const noexcept { return ended_ ? ended_at_ : last_; }

    /// Those that a recording to come may need, in order.
    [[nodiscard]] const std::vector<DocumentDigest>& documents() const noexcept {
        return documents_;
    }

    [[nodiscard]] const ProfileSet& profiles() const noexcept { return *profiles_; }

    [[nodiscard]] const metadata::State& metadata() const noexcept { return state_; }

    [[nodiscard]] const std::vector<LabelBinding>& bindings() const noexcept { return bindings_; }

    [[nodiscard]] const SessionTracker& tracker() const noexcept { return tracker_; }

    /// Null: what the stay has is everything.
    [[nodiscard]] const StayDigest* find(const SessionStay& stay) const;

    [[nodiscard]] bool has_usable_metadata() const noexcept { return has_usable_; }

    /// A document was salvaged or could not be read.
    [[nodiscard]] bool has_malformed_metadata() const noexcept { return has_malformed_; }

    /// In order of the m-lines, then of opening.
    [[nodiscard]] std::vector<const TrackDigest*> tracks() const;

    /// The same with the packets that were received in the stay.
    [[nodiscard]] std::vector<TrackDigest> tracks_in(const SessionStay& stay) const;

    [[nodiscard]] std::uint64_t gap_packets() const noexcept { return gap_packets_; }

    /// Goes up with each event that changes what the catalogue shows of a running session.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

    /// The last part that was played, from 1, and how many documents had come before a part.
    [[nodiscard]] std::uint32_t part() const noexcept { return part_; }

    [[nodiscard]] std::size_t documents_before(std::uint32_t part) const;

    /// The session goes on in another part.
    [[nodiscard]] bool is_rotated() const noexcept { return is_rotated_; }

    /// No further part will come: what is open is over.
    void close();

    /// Drops all documents but the last.
    void keep_documents(std::size_t count);

    /// The recording of a stay is in the catalogue: nothing of it is needed any more.
    void forget(const std::string& session_id, std::uint32_t number);

  private:
    void begin_session(const SessionStarted& started);
    void continue_capture(WallTime time, const CaptureContinued& continued);
    void add_document(WallTime time, const MetadataReceived& received);
    std::vector<metadata::Finding> merge(const metadata::Document& document, WallTime time);
    void bind_labels(const metadata::Document& document, WallTime time);
    void bind_forward_references(const metadata::Document& document,
                                 const std::set<std::string>& sent_before,
                                 WallTime time);
    [[nodiscard]] std::set<std::string> sent_streams() const;
    void note_streams();
    [[nodiscard]] StayDigest& digest_of(const SessionStay& stay);
    void open_track(WallTime time, const StreamInfo& stream);
    void change_track(WallTime time, const StreamInfo& stream);
    void close_track(WallTime time, const StreamClosed& closed);

    const std::shared_ptr<const ProfileSet> profiles_;
    const metadata::ParseLimits limits_;
    std::optional<SessionInfo> session_;
    std::optional<SessionEnded> ended_;
    WallTime ended_at_;
    WallTime last_;
    std::vector<DocumentDigest> documents_;
    metadata::State state_;
    SessionTracker tracker_;
    std::vector<LabelBinding> bindings_;
    std::vector<StayDigest> stays_;
    std::map<std::size_t, MediaDigest> unnamed_;  // before a CS was named; by track
    std::vector<TrackDigest> tracks_;
    std::map<Uuid, std::size_t> track_index_;
    std::map<std::uint32_t, std::size_t> documents_before_;  // by part
    std::uint32_t part_ = 0;
    std::uint64_t gap_packets_ = 0;
    std::uint64_t version_ = 0;
    bool has_usable_ = false;
    bool has_malformed_ = false;
    bool is_rotated_ = false;
    bool is_restored_ = false;  // this part began without the one before
};

}  // namespace siprec::server
