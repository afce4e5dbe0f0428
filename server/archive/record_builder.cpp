#include "archive/record_builder.hpp"

#include "archive/extension_json.hpp"
#include "archive/metadata_cut.hpp"
#include "archive/metadata_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>

namespace siprec::server {
namespace {

// The cause of a recording whose CS ended before its session.
constexpr std::string_view kSessionOver = "communication-session-ended";

/// The m-line was there while the CS was.
bool overlaps(const TrackDigest& track, const SessionStay& stay) {
    const StayWindow& last = stay.windows.back();
    return (!track.closed || *track.closed > stay.windows.front().from) &&
           (!last.until || track.directions.front().first < *last.until);
}

bool is_signal(std::string_view encoding) {
    return encoding == "TELEPHONE-EVENT" || encoding == "CN";
}

std::string joined_codecs(const std::vector<std::string>& encodings) {
    std::string text;
    for (const std::string& encoding : encodings) {
        if (!is_signal(encoding)) {
            text += (text.empty() ? "" : ",") + encoding;
        }
    }
    return storable(text);
}

/// What a session without a named CS has, or what is the stay's.
std::vector<TrackDigest> tracks_of(const CaptureDigest& digest, const SessionStay* stay) {
    if (stay != nullptr) {
        const MetadataCut cut(digest, stay, stay->windows.back().until);
        std::vector<TrackDigest> tracks = digest.tracks_in(*stay);
        std::vector<TrackDigest> mine;
        std::copy_if(
            tracks.begin(), tracks.end(), std::back_inserter(mine), [&](const TrackDigest& track) {
                return cut.has_track(track, digest) && overlaps(track, *stay);
            });
        return mine.empty() ? tracks : mine;
    }
    std::vector<TrackDigest> tracks;
    for (const TrackDigest* track : digest.tracks()) {
        tracks.push_back(*track);
    }
    return tracks;
}

/// First packet of any audio track; of any track; else the beginning of the stay or the session.
WallTime start_of(const CaptureDigest& digest,
                  const std::vector<TrackDigest>& tracks,
                  const SessionStay* stay) {
    std::optional<WallTime> audio;
    std::optional<WallTime> any;
    for (const TrackDigest& track : tracks) {
        if (const auto first = track.media.first_packet) {
            any = std::min(any.value_or(*first), *first);
            if (track.is_audio()) {
                audio = std::min(audio.value_or(*first), *first);
            }
        }
    }
    return audio.value_or(
        any.value_or(stay != nullptr ? stay->windows.front().from : digest.session()->started));
}

void fill_session(RecordingRecord& record,
                  const CaptureDigest& digest,
                  const std::vector<TrackDigest>& tracks,
                  const SessionStay* stay) {
    const SessionInfo& session = *digest.session();
    record.id = stay != nullptr ? recording_id(session.id, *stay) : recording_id(session.id);
    record.recording_session = session.id;
    record.communication_session = stay != nullptr ? storable(stay->session_id) : std::string();
    record.start = start_of(digest, tracks, stay);
    record.src_uri = storable(session.from_uri);
    record.src_address = session.source.to_string();
    record.src_user_agent = storable(session.user_agent);
    record.call_id = storable(session.call_id);
    record.to_uri = storable(session.to_uri);
    auto headers = session.headers;
    for (const TrackDigest* track : digest.tracks()) {
        // Recording awareness (RFC 7866 7.3) travels in the SDP; it is found beside `Supported`.
        const auto add = [&](std::string_view name, const std::string& value) {
            if (!value.empty()) {
                headers.emplace_back(
                    fmt::format("a={} of m-line {}", name, track->stream.media_index), value);
            }
        };
        add("record", track->stream.record);
        add("recordpref", track->stream.recordpref);
    }
    record.headers_json = headers_to_json(headers);
}

TrackRecord track_record(const TrackDigest& digest) {
    TrackRecord track;
    track.id = digest.stream.id;
    track.media_index = digest.stream.media_index;
    track.label = storable(digest.stream.label);
    track.media_type = storable(digest.stream.media_type);
    track.codec = joined_codecs(digest.media.encodings);
    track.packets = digest.media.packets;
    track.bytes = digest.media.bytes;
    track.first_packet = digest.media.first_packet;
    track.last_packet = digest.media.last_packet;
    if (digest.stats) {
        track.lost = digest.stats->lost;
        track.duplicates = digest.stats->duplicates;
        track.ssrc_changes = digest.stats->ssrc_changes;
    } else {
        track.lost = digest.media.sequence.lost();
        track.duplicates = digest.media.sequence.duplicates();
        track.ssrc_changes = digest.media.sequence.ssrc_changes();
    }
    return track;
}

/// The stretches in which the stay was on record; without a CS, all the time.
std::vector<std::pair<WallTime, WallTime>> stretches_of(const SessionStay* stay, WallTime end) {
    if (stay == nullptr) {
        return {{WallTime::min(), end}};
    }
    std::vector<std::pair<WallTime, WallTime>> stretches;
    for (const StayWindow& window : stay->windows) {
        const WallTime from = window.from_document == 0 ? WallTime::min() : window.from;
        stretches.emplace_back(from, std::min(window.until.value_or(end), end));
    }
    return stretches;
}

void add_segments(RecordingRecord& record,
                  const TrackDigest& track,
                  const SessionStay* stay,
                  WallTime end) {
    const auto stretches = stretches_of(stay, end);
    std::optional<WallTime> open;
    const auto close = [&](WallTime until) {
        for (const auto& [from, last] : stretches) {
            if (open && std::max(*open, from) < std::min(until, last)) {
                record.segments.push_back(
                    {track.stream.id, std::max(*open, from), std::min(until, last)});
            }
        }
        open.reset();
    };
    for (const auto& [time, direction] : track.directions) {
        if (direction == sdp::Direction::Inactive) {
            close(time);
        } else if (!open) {
            open = time;
        }
    }
    close(track.closed.value_or(end));
}

void fill_tracks(RecordingRecord& record,
                 const std::vector<TrackDigest>& tracks,
                 const SessionStay* stay,
                 WallTime end) {
    for (const TrackDigest& track : tracks) {
        record.tracks.push_back(track_record(track));
        add_segments(record, track, stay, end);
    }
}

/// One channel an audio track in order of the m-lines; a line that was never switched on gets none.
void assign_channels(BuiltRecord& built) {
    const auto& tracks = built.tracks;
    const bool has_audio = std::any_of(tracks.begin(), tracks.end(), [](const auto& track) {
        return track.is_audio() && track.media.packets > 0;
    });
    if (!has_audio) {
        return;
    }
    for (std::size_t index = 0; index < tracks.size(); ++index) {
        const TrackDigest& track = tracks[index];
        const bool is_used = track.was_active() || track.media.packets > 0;
        if (track.is_audio() && is_used && built.plan.tracks.size() < kMaxChannels) {
            built.record.tracks[index].channel =
                static_cast<std::uint32_t>(built.plan.tracks.size());
            built.plan.tracks.push_back(track.stream.id);
        }
    }
}

std::vector<std::string> undecodable(const std::vector<TrackDigest>& tracks,
                                     const DecoderRegistry& decoders) {
    std::set<std::string> names;
    for (const TrackDigest& track : tracks) {
        for (const std::string& encoding : track.media.encodings) {
            if (track.is_audio() && !is_signal(encoding) && !decoders.knows(encoding)) {
                names.insert(storable(encoding));
            }
        }
    }
    return {names.begin(), names.end()};
}

// RFC 4733 3.2, table 7.
std::string digit_of(std::uint8_t event) {
    constexpr std::string_view kDigits = "0123456789*#ABCD";
    return event < kDigits.size() ? std::string(1, kDigits[event])
                                  : "event-" + std::to_string(event);
}

double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

Uuid recording_id(const Uuid& recording_session) {
    return Uuid::derived(recording_session, "recording");
}

Uuid recording_id(const Uuid& recording_session, const SessionStay& stay) {
    // The row of a session that has named nothing yet becomes that of its first CS.
    if (stay.is_first) {
        return recording_id(recording_session);
    }
    return Uuid::derived(recording_session,
                         "recording " + std::to_string(stay.number) + " " + stay.session_id);
}

RecordingRecord build_running_record(const CaptureDigest& digest, const SessionStay* stay) {
    constexpr std::size_t kDocuments = 8;
    RecordingRecord record;
    const std::vector<TrackDigest> tracks = tracks_of(digest, stay);
    fill_session(record, digest, tracks, stay);
    fill_tracks(record, tracks, stay, digest.end_time());
    const bool is_over = stay != nullptr && stay->is_over();
    if (is_over) {
        record.end = stay->windows.back().until;
    }
    fill_metadata(record, digest, stay, is_over);
    if (record.documents.size() > kDocuments) {
        record.documents.erase(record.documents.begin(),
                               record.documents.end() - static_cast<std::ptrdiff_t>(kDocuments));
    }
    record.state = is_over ? RecordingState::Finalizing : RecordingState::Recording;
    return record;
}

BuiltRecord build_finished_record(const CaptureDigest& digest,
                                  const SessionStay* stay,
                                  const DecoderRegistry& decoders,
                                  std::uint32_t sample_rate,
                                  bool damaged) {
    BuiltRecord built;
    built.tracks = tracks_of(digest, stay);
    RecordingRecord& record = built.record;
    fill_session(record, digest, built.tracks, stay);
    const bool ends_first = stay != nullptr && stay->windows.back().until_document.has_value();
    const WallTime end = ends_first ? *stay->windows.back().until : digest.end_time();
    fill_tracks(record, built.tracks, stay, end);
    record.end = std::max(end, record.start);
    fill_metadata(record, digest, stay, true);

    if (ends_first) {
        record.end_cause = kSessionOver;
    } else {
        record.end_cause =
            digest.ended() ? storable(digest.ended()->cause) : std::string(kInterrupted);
        record.end_reason = digest.ended() ? storable(digest.ended()->reason) : std::string();
        built.evidence.end_cause = record.end_cause;
    }
    const bool was_cut = record.end_cause == kInterrupted;
    record.state = was_cut || damaged ? RecordingState::Partial : RecordingState::Stored;

    built.evidence.capture_damaged = damaged;
    built.evidence.undecodable = undecodable(built.tracks, decoders);
    built.plan.origin = record.start;
    built.plan.sample_rate = sample_rate;
    if (stay != nullptr && !stay->covers_everything()) {
        built.plan.documents_before = digest.documents_before(stay->first_part);
        for (const StayWindow& window : stay->windows) {
            built.plan.spans.push_back({window.from_document, window.until_document});
        }
    }
    assign_channels(built);
    return built;
}

void complete_record(BuiltRecord& built,
                     const CaptureDigest& digest,
                     const std::optional<Rendering>& rendering) {
    RecordingRecord& record = built.record;
    if (rendering) {
        record.duration_s =
            static_cast<double>(rendering->frames) / static_cast<double>(built.plan.sample_rate);
        built.evidence.audio_cut = rendering->cut;
        for (std::size_t channel = 0; channel < rendering->tracks.size(); ++channel) {
            const AssemblerStats& stats = rendering->tracks[channel].stats;
            built.evidence.audio_left_out =
                built.evidence.audio_left_out || stats.late > 0 ||
                (stats.undecodable > 0 && built.evidence.undecodable.empty());
            for (const TelephoneEvent& event : rendering->tracks[channel].events) {
                record.telephone_events.push_back({.track = built.plan.tracks[channel],
                                                   .digit = digit_of(event.event),
                                                   .offset_s = seconds(event.start),
                                                   .duration_s = seconds(event.duration)});
            }
        }
    }
    judge(record, digest, built.tracks, built.evidence);
}

RecordingRecord build_unreadable_record(const Uuid& recording_session,
                                        WallTime when,
                                        std::string_view reason) {
    RecordingRecord record;
    record.id = recording_id(recording_session);
    record.recording_session = recording_session;
    record.state = RecordingState::Partial;
    record.start = when;
    record.end = when;
    record.direction = "unknown";
    record.end_cause = kInterrupted;
    record.end_reason = storable(reason);
    record.verdict = Verdict::Failed;
    record.reasons = {"capture-unreadable"};
    return record;
}

}  // namespace siprec::server
