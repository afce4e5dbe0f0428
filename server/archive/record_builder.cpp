#include "archive/record_builder.hpp"

#include "archive/extension_json.hpp"
#include "archive/metadata_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace siprec::server {
namespace {

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

/// First packet of any audio track; of any track; else the INVITE.
WallTime start_of(const CaptureDigest& digest) {
    std::optional<WallTime> audio;
    std::optional<WallTime> any;
    for (const TrackDigest* track : digest.tracks()) {
        if (track->first_packet) {
            any = std::min(any.value_or(*track->first_packet), *track->first_packet);
            if (track->is_audio()) {
                audio = std::min(audio.value_or(*track->first_packet), *track->first_packet);
            }
        }
    }
    return audio.value_or(any.value_or(digest.session()->started));
}

void fill_session(RecordingRecord& record, const CaptureDigest& digest) {
    const SessionInfo& session = *digest.session();
    record.id = recording_id(session.id);
    record.recording_session = session.id;
    record.start = start_of(digest);
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
    track.codec = joined_codecs(digest.encodings);
    track.packets = digest.packets;
    track.bytes = digest.bytes;
    track.first_packet = digest.first_packet;
    track.last_packet = digest.last_packet;
    if (digest.stats) {
        track.lost = digest.stats->lost;
        track.duplicates = digest.stats->duplicates;
        track.ssrc_changes = digest.stats->ssrc_changes;
    } else {
        track.lost = digest.sequence.lost();
        track.duplicates = digest.sequence.duplicates();
        track.ssrc_changes = digest.sequence.ssrc_changes();
    }
    return track;
}

void add_segments(RecordingRecord& record, const TrackDigest& track, WallTime end) {
    const WallTime last = track.closed.value_or(end);
    std::optional<WallTime> open;
    const auto close = [&](WallTime until) {
        if (open && *open < until) {
            record.segments.push_back({track.stream.id, *open, until});
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
    close(last);
}

void fill_tracks(RecordingRecord& record, const CaptureDigest& digest) {
    for (const TrackDigest* track : digest.tracks()) {
        record.tracks.push_back(track_record(*track));
        add_segments(record, *track, digest.end_time());
    }
}

/// One channel an audio track in order of the m-lines; a line that was never switched on gets none.
void assign_channels(BuiltRecord& built, const CaptureDigest& digest) {
    const auto tracks = digest.tracks();
    const bool has_audio = std::any_of(tracks.begin(), tracks.end(), [](const auto* track) {
        return track->is_audio() && track->packets > 0;
    });
    if (!has_audio) {
        return;
    }
    for (std::size_t index = 0; index < tracks.size(); ++index) {
        const TrackDigest& track = *tracks[index];
        const bool is_used = track.was_active() || track.packets > 0;
        if (track.is_audio() && is_used && built.plan.tracks.size() < kMaxChannels) {
            built.record.tracks[index].channel =
                static_cast<std::uint32_t>(built.plan.tracks.size());
            built.plan.tracks.push_back(track.stream.id);
        }
    }
}

std::vector<std::string> undecodable(const CaptureDigest& digest, const DecoderRegistry& decoders) {
    std::set<std::string> names;
    for (const TrackDigest* track : digest.tracks()) {
        for (const std::string& encoding : track->encodings) {
            if (track->is_audio() && !is_signal(encoding) && !decoders.knows(encoding)) {
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

RecordingRecord build_running_record(const CaptureDigest& digest, const ProfileSet& profiles) {
    RecordingRecord record;
    fill_session(record, digest);
    fill_tracks(record, digest);
    fill_metadata(record, digest, false, profiles);
    record.state = RecordingState::Recording;
    return record;
}

BuiltRecord build_finished_record(const CaptureDigest& digest,
                                  const DecoderRegistry& decoders,
                                  std::uint32_t sample_rate,
                                  bool damaged,
                                  const ProfileSet& profiles) {
    BuiltRecord built;
    RecordingRecord& record = built.record;
    fill_session(record, digest);
    fill_tracks(record, digest);
    record.end = digest.end_time();
    const MetadataOutcome metadata = fill_metadata(record, digest, true, profiles);

    const bool was_cut = !digest.ended() || digest.ended()->cause == kInterrupted;
    record.state = was_cut || damaged ? RecordingState::Partial : RecordingState::Stored;
    record.end_cause = digest.ended() ? storable(digest.ended()->cause) : std::string(kInterrupted);
    record.end_reason = digest.ended() ? storable(digest.ended()->reason) : std::string();

    built.evidence.capture_damaged = damaged;
    built.evidence.has_usable_metadata = metadata.has_usable;
    built.evidence.metadata_malformed = metadata.is_malformed;
    built.evidence.undecodable = undecodable(digest, decoders);
    built.plan.origin = record.start;
    built.plan.sample_rate = sample_rate;
    assign_channels(built, digest);
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
            for (const TelephoneEvent& event : rendering->tracks[channel].events) {
                record.telephone_events.push_back({.track = built.plan.tracks[channel],
                                                   .digit = digit_of(event.event),
                                                   .offset_s = seconds(event.start),
                                                   .duration_s = seconds(event.duration)});
            }
        }
    }
    judge(record, digest, built.evidence);
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
