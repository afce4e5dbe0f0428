#pragma once

// Interop profiles: what a family of recording clients writes beyond the RFCs, as data. One TOML
// file a family says by what its calls are known and where its call ids, numbers and agents stand.

#include "interop/element_path.hpp"
#include "interop/pattern.hpp"
#include "interop/transform.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siprec::server {

/// The element of RFC 7865 that extension data stands in.
enum class Owner : std::uint8_t { Recording, Group, Session, Participant, Stream };

/// "recording", "group", "session", "participant", "stream".
[[nodiscard]] std::string_view to_string(Owner owner) noexcept;

/// What of an INVITE a source or a condition reads when it names no header.
enum class InvitePart : std::uint8_t { RequestUri, From, FromHost, To, Contact, CallId, Source };

/// "request_uri", "from", "from_host", "to", "contact", "call_id", "source".
[[nodiscard]] std::string_view to_string(InvitePart part) noexcept;

/// What RFC 7865 itself has a place for, of every object of the kind.
enum class ModelPart : std::uint8_t { GroupId, SessionId, SipSessionId, ParticipantId, Aor };

/// "group_id", "session_id", "sip_session_id", "participant_id", "aor".
[[nodiscard]] std::string_view to_string(ModelPart part) noexcept;

/// One place where a value may stand.
struct FieldSource {
    enum class Gives : std::uint8_t {
        Text,       ///< the element's character data
        Attribute,  ///< of the element
        Name,       ///< the element's own local name
        Owner       ///< the id of what the element stands in, when its text fits `capture`
    };

    std::string header;  ///< name of a SIP header, `*` for anything; empty: not from a header
    std::optional<InvitePart> invite;
    std::optional<ModelPart> metadata;
    std::optional<ElementPath> element;
    std::vector<Owner> under;  ///< empty: anywhere
    Gives gives = Gives::Text;
    std::string attribute;  ///< for Gives::Attribute
    std::string
        key;  ///< attribute whose value ends the field's name; `*`: the element's own name does
    std::optional<Pattern> capture;  ///< its first group is the value
    std::vector<Transform> transforms;
    std::string where;  ///< the source as people write it: "header User-to-User"
};

/// A field of the catalogue and where to look for it, best source first.
struct FieldRule {
    std::string name;  ///< for sources with a key it ends in ".*"
    std::vector<FieldSource> sources;
};

/// All that is set must hold.
struct Condition {
    std::string
        header;  ///< its name, `*` for anything: is there, and fits `matches` when that is set
    std::optional<Pattern> matches;
    std::optional<Pattern> user_agent;  ///< User-Agent or Server
    std::vector<std::pair<InvitePart, Pattern>> invite;
    std::optional<Pattern> name_space;   ///< of any extension element
    std::optional<ElementPath> element;  ///< in the extension data
    std::optional<Pattern> document;     ///< in the text of the first metadata document
    bool always = false;
    std::string where;  ///< for the reason that is stored
};

/// What a party of a call, or a media stream by its label, can be to the call.
enum class PartyRole : std::uint8_t { Calling, Called, Recorded, Remote };

/// "calling", "called", "recorded", "remote".
[[nodiscard]] std::string_view to_string(PartyRole role) noexcept;

/// What changes the reading of a family's documents.
struct Quirks {
    /// Zone of times that name none; `infer_time_zone`: whichever fits their arrival.
    std::optional<std::chrono::minutes> time_zone;
    bool infer_time_zone = false;
    /// Labels that say whose voice a stream carries.
    std::vector<std::pair<PartyRole, Pattern>> labels;
};

struct Profile {
    std::string name;   ///< unique; a file of the administrator's replaces one of ours by it
    std::string title;  ///< for people
    int rank = 50;      ///< higher ones are asked first
    std::vector<Condition> when;  ///< any of them
    std::vector<FieldRule> fields;
    /// Where it says which participant is what: an id, a number or an address of record.
    std::vector<std::pair<PartyRole, FieldSource>> parties;
    Quirks quirks;
};

}  // namespace siprec::server
