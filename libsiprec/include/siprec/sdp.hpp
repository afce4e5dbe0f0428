#pragma once

#include <siprec/audio.hpp>
#include <siprec/export.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::sdp {

enum class Direction : std::uint8_t { SendRecv, SendOnly, RecvOnly, Inactive };

[[nodiscard]] SIPREC_EXPORT std::string_view to_string(Direction direction) noexcept;

/// An `a=` line: `name` or `name:value`.
struct Attribute {
    std::string name;
    std::string value;
};

/// One m-line with what belongs to it.
struct SIPREC_EXPORT Media {
    std::string type;        ///< "audio", "video", "text", "application", "image", "message", ...
    std::uint16_t port = 0;  ///< 0: refused or switched off (RFC 3264 6)
    std::string protocol;    ///< "RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF", ...
    std::vector<std::string> format_tokens;  ///< the m-line's formats as written
    /// Formats with an RTP payload type, rtpmap and fmtp resolved, static types from RFC 3551's
    /// table. A type that is dynamic and has no usable rtpmap is listed with an empty encoding.
    std::vector<PayloadFormat> formats;
    std::optional<IpAddress> connection;  ///< its own `c=`, else the session's
    Direction direction =
        Direction::SendRecv;           ///< own attribute, else the session's, else sendrecv
    std::optional<std::string> label;  ///< `a=label` (RFC 4574), as written
    /// `a=rtcp-mux` (RFC 5761), or `a=rtcp-mux-only` (RFC 8858); false when a payload type could be
    /// taken for RTCP (RFC 5761 4).
    bool rtcp_mux = false;
    std::optional<std::uint16_t> rtcp_port;  ///< `a=rtcp` (RFC 3605)
    std::optional<std::uint32_t> ptime_ms;
    std::string content;                ///< `a=content` (RFC 4796), may be empty
    std::vector<Attribute> attributes;  ///< all of them, in order

    /// True for every RTP profile: RTP/AVP, RTP/AVPF, RTP/SAVP, RTP/SAVPF, UDP/TLS/RTP/SAVP(F).
    [[nodiscard]] bool is_rtp() const noexcept;
};

/// A session description (RFC 8866), as far as a recorder needs it.
struct SessionDescription {
    std::string origin_user;
    std::string origin_session_id;
    std::string origin_version;
    std::string session_name;
    std::string timing = "0 0";  ///< the value of `t=`
    std::optional<IpAddress> connection;
    std::vector<Attribute> attributes;
    std::vector<Media> media;
};

/// Reads a session description leniently: CRLF or LF; lines in any order within their section;
/// `s=`, `t=`, `c=` or `o=` may be missing; lines of unknown sense are skipped; codec names fold to
/// upper case; an m-line keeps its place whatever its damage (without protocol: as if its port were
/// 0; a port that is no number: 9). Only input without an `m=` line is refused.
/// @return Malformed with the byte offset, or LimitExceeded for more than 128 m-lines
[[nodiscard]] SIPREC_EXPORT Result<SessionDescription> parse(std::string_view text);

/// What the recorder says about one m-line of the offer.
struct MediaAnswer {
    bool accept = false;     ///< false: port 0
    std::uint16_t port = 0;  ///< our RTP port (even)
    bool rtcp_mux = false;   ///< accept the offered rtcp-mux
    IpAddress address;       ///< our media address, for `c=`; unspecified: that of AnswerOptions
    std::uint16_t rtcp_port = 0;  ///< our RTCP port, for `a=rtcp` (RFC 3605); 0: port + 1
    bool ready = true;            ///< false: `inactive` (RFC 7866 7.2)
    std::vector<Attribute>
        attributes{};  ///< further ones of ours: `crypto`, `fingerprint`, `setup`
};

/// The other half of an answer: what is the same for all m-lines.
struct AnswerOptions {
    std::uint64_t session_id = 0;  ///< `o=` session id: ours, the same for the whole dialog
    std::uint64_t version = 1;     ///< `o=` version: up by one when the description changed
    IpAddress address;             ///< `o=` and session-level `c=`
    bool ready = true;             ///< false: answer every stream `inactive` (RFC 7866 7.2)
    /// M-lines that share the port of the first one named; see `choose_bundle`.
    std::vector<std::size_t> bundle{};
};

/// The m-lines of an offer that can share one port, the tagged one first (RFC 9143 7.3). Empty
/// without a BUNDLE group of at least two lines over plain RTP that can be told apart: each line is
/// then answered on a port of its own.
[[nodiscard]] SIPREC_EXPORT std::vector<std::size_t> choose_bundle(const SessionDescription& offer);

/// True when an `a=rtcp-fb` line offers this kind of feedback, "ccm fir" or "nack pli" (RFC 4585
/// 4.2).
[[nodiscard]] SIPREC_EXPORT bool offers_feedback(const Media& media,
                                                 std::string_view kind) noexcept;

/// `a=mid` (RFC 5888); empty: none.
[[nodiscard]] SIPREC_EXPORT std::string_view mid_of(const Media& media) noexcept;

/// `a=bundle-only` (RFC 9143 6): port 0 does not mean that the line is switched off.
[[nodiscard]] SIPREC_EXPORT bool is_bundle_only(const Media& media) noexcept;

/// The id that `a=extmap` gives the MID header extension (RFC 9143 15.2); 0: none.
[[nodiscard]] SIPREC_EXPORT std::uint8_t mid_extension_of(const Media& media) noexcept;

/// The SSRCs of `a=ssrc` lines (RFC 5576).
[[nodiscard]] SIPREC_EXPORT std::vector<std::uint32_t> sources_of(const Media& media);

/// True when the recorder can take this m-line: an RTP profile, a port, at least one format.
/// Encodings need not be decodable: storing undecoded media is allowed. Whether there are keys for
/// a secure profile is decided by who answers.
[[nodiscard]] SIPREC_EXPORT bool is_acceptable(const Media& offered) noexcept;

/// The direction that answers an offered one on a recorder (RFC 3264 6.1, RFC 7866 7.2): recvonly
/// for sendonly and sendrecv; inactive for inactive, recvonly and an all-zero connection address.
[[nodiscard]] SIPREC_EXPORT Direction answer_direction(const Media& offered) noexcept;

/// Writes the answer: same number and order of m-lines, labels echoed, payload types kept, own
/// `o=`, `t=` of the offer, CRLF line ends. An m-line that is not `is_acceptable` is refused
/// whatever `media` says of it.
/// @param media  one entry for each m-line of the offer, in order
/// @return InvalidArgument when `media` has another length than the offer, or an accepted m-line
///         would get port 0 or an unspecified address
[[nodiscard]] SIPREC_EXPORT Result<std::string> write_answer(const SessionDescription& offer,
                                                             const std::vector<MediaAnswer>& media,
                                                             const AnswerOptions& options);

/// Writes an offer of ours that repeats the streams on record (answer to an offerless INVITE,
/// RFC 7866 7.2): recvonly, never a new stream.
/// @param streams  the m-lines of the last description in force; empty: an audio line, PCMU/PCMA,
/// for
///                 each entry of `media`
/// @return InvalidArgument as for `write_answer`
[[nodiscard]] SIPREC_EXPORT Result<std::string> write_offer(const SessionDescription& streams,
                                                            const std::vector<MediaAnswer>& media,
                                                            const AnswerOptions& options);

/// The same text with every byte of a key in `a=crypto`, `a=key-mgmt` and `k=` lines replaced by
/// `*` (for captures and logs). The length does not change, so a whole SIP message can be given.
[[nodiscard]] SIPREC_EXPORT std::string blank_keys(std::string_view text);

}  // namespace siprec::sdp
