#pragma once

#include "message.hpp"

#include <siprec/audio.hpp>
#include <siprec/clock.hpp>
#include <siprec/keying.hpp>
#include <siprec/metadata.hpp>
#include <siprec/net.hpp>
#include <siprec/sdp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace srcsim {

/// One of the recorded call's parties.
struct Party {
    std::string name;
    std::string aor;
};

/// How the media is encrypted.
enum class Srtp : std::uint8_t { None, Sdes, Dtls };

/// What a recording session offers: the SDP's half.
struct MediaOffer {
    std::uint64_t session_id = 0;         ///< of the `o=` line
    std::vector<std::string> labels;      ///< one an m-line
    std::vector<siprec::Endpoint> local;  ///< one an m-line: where its RTP comes from
    siprec::PayloadFormat format;
    std::uint32_t ptime_ms = 20;
    Srtp srtp = Srtp::None;
    std::vector<siprec::srtp::Protection> keys;                    ///< SDES: ours, one an m-line
    std::shared_ptr<const siprec::srtp::Certificate> certificate;  ///< DTLS: ours
};

/// The same m-lines again with other directions, for re-INVITEs and answers.
/// @param directions  one an m-line
[[nodiscard]] std::string write_sdp(const MediaOffer& offer,
                                    const std::vector<siprec::sdp::Direction>& directions,
                                    std::uint64_t version);

/// Our answer's directions to an offer of the SRS (RFC 7866 7.1.1: sendonly, or inactive while held
/// or while the SRS asks for it).
[[nodiscard]] std::vector<siprec::sdp::Direction> answer_directions(
    const siprec::sdp::SessionDescription& offer, bool on_hold);

/// The ids of one call's metadata. RFC 7865 6.10: UUIDs in base64.
struct MetadataIds {
    std::string group;
    std::string session;
    std::string sip_session;  ///< RFC 7989
    std::string caller;
    std::string callee;
    std::string transferee;
    std::vector<std::string> streams;

    [[nodiscard]] static MetadataIds random(std::size_t stream_count);
};

/// The metadata's half of what a recording session tells.
struct CallFacts {
    MetadataIds ids;
    std::vector<std::string> labels;
    Party caller;
    Party callee;
    Party transferee;
    siprec::WallTime start;
};

/// Session, group, participants, streams and their associations (RFC 8068 3.2.1); with one stream
/// both participants send it (RFC 8068 3.3.1).
[[nodiscard]] siprec::metadata::Document complete_metadata(const CallFacts& facts);

/// The callee hands over to the transferee, in the same session (RFC 8068 3.2.3).
[[nodiscard]] siprec::metadata::Document transfer_metadata(const CallFacts& facts,
                                                           siprec::WallTime now);

/// Where the SRS wants one stream.
struct AnsweredStream {
    siprec::Endpoint rtp;
    siprec::Endpoint rtcp;
    bool is_active = false;       ///< false: answered inactive, nothing may be sent yet
    siprec::srtp::Keying keying;  ///< of its packets, both ways

    bool operator==(const AnsweredStream&) const = default;
};

/// A 2xx to an INVITE, judged.
struct Answer {
    std::vector<AnsweredStream> streams;  ///< one an m-line, or empty: no media can be sent
    std::vector<std::string> problems;  ///< what RFC 7866, 3264 or field practice forbid, in short
};

/// Judges the answer of an SRS to `offer`: plain SDP of as many m-lines, labels echoed, recvonly or
/// inactive, `+sip.srs` among the Contact's header parameters.
[[nodiscard]] Answer check_answer(const Message& response, const MediaOffer& offer);

/// Where the streams of a session description of the SRS, offer or answer, are to be sent.
[[nodiscard]] std::vector<AnsweredStream> stream_targets(
    const siprec::sdp::SessionDescription& description);

}  // namespace srcsim
