#pragma once

#include "archive/capture_digest.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siprec::server {

/// The earlier of two ends, where none is never.
[[nodiscard]] std::optional<WallTime> earlier(std::optional<WallTime> left,
                                              std::optional<WallTime> right);

/// Which metadata stream a track carried, from when to when by our own clock.
struct StreamOnTrack {
    std::string id;
    WallTime from;
    std::optional<WallTime> until;
    bool is_guess = false;
};

/// What of a session's metadata belongs to one recording: its CS with its group, the participants
/// who were in it or sent its streams, and their intervals within its time.
class MetadataCut {
  public:
    /// @param stay  null: everything
    /// @param end   of the recording; none while it runs
    MetadataCut(const CaptureDigest& digest, const SessionStay* stay, std::optional<WallTime> end);

    [[nodiscard]] bool has(const DocumentDigest& document) const;

    [[nodiscard]] const metadata::Document& document() const noexcept { return document_; }

    [[nodiscard]] const std::vector<metadata::ParticipationInterval>& history() const noexcept {
        return history_;
    }

    /// In order of time.
    [[nodiscard]] std::vector<StreamOnTrack> streams_on(const Uuid& track,
                                                        const CaptureDigest& digest) const;

    /// The track carried a stream of this recording, or no document knows what it carried.
    [[nodiscard]] bool has_track(const TrackDigest& track, const CaptureDigest& digest) const;

  private:
    void cut_history(const CaptureDigest& digest);
    void cut_document(const metadata::Document& everything);
    [[nodiscard]] bool overlaps(WallTime from, std::optional<WallTime> until) const;

    const SessionStay* stay_;
    std::optional<WallTime> from_;
    std::optional<WallTime> until_;
    std::set<std::string> streams_;
    metadata::Document document_;
    std::vector<metadata::ParticipationInterval> history_;
};

}  // namespace siprec::server
