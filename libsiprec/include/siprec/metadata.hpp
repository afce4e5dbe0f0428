#pragma once

#include <siprec/clock.hpp>
#include <siprec/export.hpp>
#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The recording metadata of RFC 7865: a typed model, a reader for every dialect seen in the field,
/// a writer, and the state that complete and partial documents add up to.
namespace siprec::metadata {

/// The namespace of RFC 7865.
inline constexpr std::string_view kNamespace = "urn:ietf:params:xml:ns:recording:1";

/// Marks extensions that hold what RFC 7865 has no place for. An element of this namespace is named
/// after the RFC 7865 element it was found on and carries that element's unknown attributes and,
/// for an element that holds a value, its unknown children or the text that made no value.
inline constexpr std::string_view kForeignNamespace = "urn:x-libsiprec:foreign";

/// `datamode` (RFC 7865 5.1.2).
enum class DataMode : std::uint8_t { Complete, Partial };

/// An XML element that RFC 7865 does not define, whole, for any vendor's extension data.
struct XmlElement {
    std::string name_space;                                       ///< URI; empty: none
    std::string name;                                             ///< local name
    std::vector<std::pair<std::string, std::string>> attributes;  ///< local name, value
    std::string text;  ///< character data of its own, trimmed
    std::vector<XmlElement> children;

    bool operator==(const XmlElement&) const = default;
};

/// associate-time and disassociate-time, as the SRC dates them.
struct Interval {
    std::optional<WallTime> from;
    std::optional<WallTime> until;

    bool operator==(const Interval&) const = default;
};

/// Communication session group, RFC 7865 6.2.
struct Group {
    std::string id;
    Interval associated;
    std::vector<XmlElement> extensions;

    bool operator==(const Group&) const = default;
};

/// Why a communication session ended, RFC 7865 6.3.
struct Reason {
    std::string protocol = "SIP";
    std::optional<int> cause;
    std::string text;

    bool operator==(const Reason&) const = default;
};

/// Communication session (CS), RFC 7865 6.3.
struct CommunicationSession {
    std::string id;
    std::vector<std::string> sip_session_ids;
    std::vector<Reason> reasons;
    std::optional<std::string> group_ref;
    std::optional<WallTime> start_time;
    std::optional<WallTime> stop_time;
    std::vector<XmlElement> extensions;

    bool operator==(const CommunicationSession&) const = default;
};

/// One name and address of record of a participant, RFC 7865 6.5.
struct NameId {
    std::string aor;  ///< as written: SIP/SIPS/tel URI, number, host, anything
    std::string name;
    std::string language;  ///< xml:lang

    bool operator==(const NameId&) const = default;
};

/// Participant, RFC 7865 6.5.
struct Participant {
    std::string id;
    std::vector<NameId> names;
    std::vector<XmlElement> extensions;

    bool operator==(const Participant&) const = default;
};

/// Media stream, RFC 7865 6.7.
struct MediaStream {
    std::string id;
    std::optional<std::string> session_id;
    std::optional<std::string> label;  ///< equals `a=label` of the m-line in the same message
    std::vector<XmlElement> extensions;

    bool operator==(const MediaStream&) const = default;
};

/// CS to recording session association, RFC 7865 6.4.
struct SessionRecordingAssoc {
    std::string session_id;
    Interval associated;
    std::vector<XmlElement> extensions;

    bool operator==(const SessionRecordingAssoc&) const = default;
};

/// Participant to CS association, RFC 7865 6.6.
struct ParticipantSessionAssoc {
    std::string participant_id;
    std::string session_id;
    Interval associated;
    std::vector<std::pair<std::string, std::string>> params;  ///< pname, pval
    std::vector<XmlElement> extensions;

    bool operator==(const ParticipantSessionAssoc&) const = default;
};

/// Participant to stream association, RFC 7865 6.8: what a participant sends and receives.
struct ParticipantStreamAssoc {
    std::string participant_id;
    std::vector<std::string> send;  ///< stream ids
    std::vector<std::string> recv;  ///< stream ids
    Interval associated;
    std::vector<XmlElement> extensions;
    bool is_guess = false;  ///< not in the document: paired by label and order, see `State::apply`

    bool operator==(const ParticipantStreamAssoc&) const = default;
};

/// One metadata document, or the state that a series of them adds up to (RFC 7865 6.1).
struct Document {
    DataMode mode = DataMode::Complete;
    std::vector<Group> groups;
    std::vector<CommunicationSession> sessions;
    std::vector<Participant> participants;
    std::vector<MediaStream> streams;
    std::vector<SessionRecordingAssoc> session_recording_assocs;
    std::vector<ParticipantSessionAssoc> participant_session_assocs;
    std::vector<ParticipantStreamAssoc> participant_stream_assocs;
    std::vector<XmlElement> extensions;

    bool operator==(const Document&) const = default;
};

/// Which shape a document had (reference: vendor quirks, section 3).
enum class Dialect : std::uint8_t {
    Rfc7865,     ///< `recording` in urn:ietf:params:xml:ns:recording:1
    LateDraft,   ///< `recording` in another or no namespace; send/recv inside participant
    EarlyDraft,  ///< `recording_metadata`, linked by attributes
    Salvaged,    ///< not well-formed: labels, ids and AORs picked out by a lenient second pass
};

[[nodiscard]] SIPREC_EXPORT std::string_view to_string(Dialect dialect) noexcept;

/// Something in a document that departs from RFC 7865 and was understood or skipped all the same.
struct Finding {
    std::string
        code;  ///< stable, for machines: "namespace", "dangling-reference", "not-well-formed"
    std::string message;  ///< for an administrator
    std::string path;     ///< where: "recording/participant[2]/nameID"; may be empty
};

struct ParsedDocument {
    Document document;
    Dialect dialect = Dialect::Rfc7865;
    std::vector<Finding> findings;
};

/// Bounds on what a document may ask of us; beyond them it is refused with LimitExceeded.
struct ParseLimits {
    std::size_t max_bytes = std::size_t{4} * 1024 * 1024;
    std::size_t max_depth = 64;
    std::size_t max_elements = 200'000;
    std::size_t max_attributes_per_element = 256;
};

/// Reads one metadata document of any dialect. Never expands an entity and never opens a file or a
/// socket; a DOCTYPE is refused (Malformed). Ids are opaque strings, white space removed.
///
/// @param xml      the part's bytes; a byte-order mark, leading white space and trailing junk are
/// tolerated
/// @param charset  the MIME part's charset parameter, which beats the XML declaration (RFC
/// 7865 5.1);
///                 empty: none
/// @return Malformed (not well-formed and nothing could be salvaged, wrong root, DOCTYPE) with the
///         byte offset or line in the message; LimitExceeded. *Thread-safe.*
[[nodiscard]] SIPREC_EXPORT Result<ParsedDocument> parse(std::string_view xml,
                                                         std::string_view charset = {},
                                                         const ParseLimits& limits = {});

/// Writes a document in the RFC 7865 form, UTF-8, valid against schemas/recording.xsd as far as its
/// ids are. Guessed associations are left out: a document states what is known.
[[nodiscard]] SIPREC_EXPORT std::string write(const Document& document);

/// The body of a snapshot request (RFC 7865 7).
[[nodiscard]] SIPREC_EXPORT std::string write_snapshot_request(std::string_view reason);

/// From when to when a participant sent a stream, a participant was in a CS, and so on. `from` and
/// `until` are the SRC's times where it gave any, else the receive times.
struct ParticipationInterval {
    std::string participant_id;
    std::string session_id;  ///< CS; empty for a stream interval
    std::string stream_id;   ///< empty for a CS interval
    WallTime from;
    std::optional<WallTime> until;
    bool from_is_estimated = false;  ///< no time was given: `from` is when the document arrived
    bool is_guess = false;
    /// The same by our own clock: when the documents arrived that began and ended it. SRC clocks go
    /// wrong; what is cut out of the media is cut by these.
    WallTime noted_from{};
    std::optional<WallTime> noted_until{};
};

/// The state of one recording session's metadata, and its history. Complete documents replace,
/// partial ones merge by the rules of the reference (7865-pu-1 to pu-18); nothing is ever erased
/// from the history. Value type, owned by one thread.
class SIPREC_EXPORT State {
  public:
    /// Merges a document that arrived at `received`.
    /// @return findings: dangling references, partial without a complete one before it, an id used
    /// for
    ///         two kinds of element; never refuses
    std::vector<Finding> apply(const Document& document, WallTime received);

    /// The recording session ended: closes every open interval.
    void close(WallTime ended);

    /// Bounds the memory of a recording session that lives for weeks: once more than twice `keep`
    /// CSs have ended, forgets all but the last `keep` of them with the participants, streams and
    /// intervals that were theirs alone. What goes on is never forgotten.
    void forget_ended(std::size_t keep);

    /// Everything known now, as one complete document.
    [[nodiscard]] const Document& current() const noexcept { return current_; }

    /// Everything that was ever known, later values first where they differ: participants and
    /// sessions that a later document left out are still in it.
    [[nodiscard]] const Document& everything() const noexcept { return everything_; }

    /// Who sent which stream, and who was in which CS, from when to when; in order of `from`.
    [[nodiscard]] const std::vector<ParticipationInterval>& history() const noexcept {
        return history_;
    }

    [[nodiscard]] bool has_document() const noexcept { return has_document_; }

  private:
    Document current_;
    Document everything_;
    std::vector<ParticipationInterval> history_;
    bool has_document_ = false;
    bool has_baseline_ = false;  // a complete document, on which partial ones build (RFC 7866 9.1)
};

/// Data minimisation (RFC 7865 10): takes out the extension data that the local policy does not ask
/// for, inside extensions that it does ask for too.
/// @param namespaces  what stays: URIs; one that ends in `*` stands for all that begin so. What has
///                    no namespace stays by "*" alone.
/// @return how many elements were taken out. Linear. *Thread-safe.*
SIPREC_EXPORT std::size_t minimise(Document& document, const std::vector<std::string>& namespaces);

/// True when two models say the same, whatever the order of their elements and their mode. Guessed
/// associations do not count.
[[nodiscard]] SIPREC_EXPORT bool is_same_model(const Document& a, const Document& b);

/// The partial document (RFC 7866 9.1) that brings a receiver from one model to the next: each
/// element that is new or says something else, as a whole.
/// @return nothing when no partial document can say it, because the RFC has no words for taking
///         back what was said (an element that is gone without having ended, a value that is no
///         longer there): send `to` as a complete one. Linear in both. *Thread-safe.*
[[nodiscard]] SIPREC_EXPORT std::optional<Document> difference(const Document& from,
                                                               const Document& to);

}  // namespace siprec::metadata
