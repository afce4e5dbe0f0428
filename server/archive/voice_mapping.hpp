#pragma once

// Which voice is whose: every kind of evidence side by side, a decision with its certainty, and a
// mark where evidence disagrees. Pure: no capture, no catalogue.

#include "interop/lift.hpp"

#include <siprec/rtp.hpp>
#include <siprec/uuid.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

enum class Certainty : std::uint8_t { Certain, Likely, Guess };

/// "certain", "likely", "guess".
[[nodiscard]] std::string_view to_string(Certainty certainty) noexcept;

struct PartyClue {
    std::string id;
    std::vector<std::string> aors;
};

struct TrackClue {
    Uuid id;
    std::string label;
    std::string stream;                 ///< metadata stream_id; empty: no document names the label
    std::vector<std::uint32_t> ssrcs;   ///< of the packets
    std::vector<SourceName> described;  ///< `a=ssrc` of its m-line
    std::vector<SourceName> announced;  ///< RTCP SDES on its ports
};

/// A participant sends or receives a stream (RFC 7865 6.8).
struct StreamClue {
    std::string party;
    std::string stream;
    bool is_guess = false;
};

struct VoiceClues {
    std::vector<TrackClue> tracks;   ///< audio, in order of the m-lines
    std::vector<PartyClue> parties;  ///< in order of the document
    std::vector<StreamClue> sends;
    std::vector<StreamClue> receives;
    std::vector<PartyHint> roles;
    std::vector<LabelHint> labels;
};

/// One thing that speaks for a participant.
struct VoiceEvidence {
    std::string kind;  ///< "association", "ssrc", "cname", "direction", "receive", "order"
    std::string party;
    std::string detail;
};

struct Voice {
    Uuid track;
    std::string party;
    std::string role;  ///< "recorded", "remote", "calling", "called" or empty
    Certainty certainty = Certainty::Guess;
    bool contradicted = false;
    std::vector<VoiceEvidence> evidence;  ///< for and against, strongest kind first
};

/// A voice for each track and each participant who sends on it; a track that nothing speaks for has
/// none. What the document says outright holds even when other evidence contradicts it, but is
/// marked.
[[nodiscard]] std::vector<Voice> map_voices(const VoiceClues& clues);

}  // namespace siprec::server
