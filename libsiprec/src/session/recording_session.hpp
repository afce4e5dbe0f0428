#pragma once

// The state machine of one recording session (RFC 7866): bodies of requests in, answers and changes
// of the streams out. Knows no socket, no thread, no SIP stack.

#include "session/media_security.hpp"

#include <siprec/body.hpp>
#include <siprec/clock.hpp>
#include <siprec/keying.hpp>
#include <siprec/result.hpp>
#include <siprec/sdp.hpp>
#include <siprec/stream.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::session {

/// Where a stream of ours can be reached: what goes into the answer.
struct StreamPorts {
    Endpoint rtp;
    Endpoint rtcp;
};

/// Gets ports for the streams that an offer opens. The owner keeps the sockets, by stream id.
class PortSource {
  public:
    PortSource() = default;
    PortSource(const PortSource&) = delete;
    PortSource& operator=(const PortSource&) = delete;
    virtual ~PortSource() = default;

    /// @param client  where the client says its media comes from; decides the address family
    virtual Result<StreamPorts> open(const Uuid& stream,
                                     const std::optional<IpAddress>& client,
                                     bool rtcp_mux) = 0;
};

/// How a request is to be answered. Status 200 with an empty body has no Content-Type.
struct Reply {
    int status = 200;
    std::string body;       // always plain SDP: a client that finds metadata may fork nothing
    std::string warning;    // text of the Warning header (RFC 3261 20.43); empty: none
    int retry_after_s = 0;  // 0: no Retry-After
};

/// What happened to one media stream.
struct StreamChange {
    enum class Kind : std::uint8_t { Open, Change, Close };
    Kind kind = Kind::Open;
    StreamInfo stream;
    std::optional<srtp::Keying> keying{};  // how its packets are protected, when that is new
};

/// All that follows from one request.
struct Outcome {
    Reply reply;
    std::vector<StreamChange> changes;  // in the order in which they are to be done
    std::vector<BodyPart> documents;    // metadata parts, in order
    std::vector<std::string> notes;     // for the log: what was wrong and tolerated, or refused
};

class RecordingSession {
  public:
    struct Settings {
        std::uint64_t sdp_session_id = 0;
        std::size_t max_streams = 64;
        bool ready = true;  // false: every stream starts paused
        SecurityTerms security{};
    };

    /// What a new offer of ours is to bring about (RFC 7866 7.2).
    enum class Wish : std::uint8_t { Pause, Resume, Drop, Refresh };

    explicit RecordingSession(Settings settings)
        : settings_(std::move(settings)), paused_(!settings_.ready) {}

    /// An INVITE, a re-INVITE or an UPDATE: with or without SDP, with or without metadata.
    /// An INVITE without SDP is answered with an offer of ours, whose answer comes in the ACK.
    Outcome on_offer(bool is_invite, const Result<std::vector<BodyPart>>& body, PortSource& ports);

    /// The ACK to our 2xx; carries the answer when the INVITE was without SDP.
    Outcome on_ack(const Result<std::vector<BodyPart>>& body);

    /// An offer of ours for a re-INVITE: never another number of m-lines than before (RFC
    /// 7866 7.2). A pause holds from here on, whatever the client answers. `Refresh` repeats the
    /// description that is in force, version included (RFC 4028 7.4).
    /// @param media_index  for `Drop`: which m-line
    /// @return Conflict while another offer is open, InvalidArgument when there is no such stream
    Result<Outcome> make_own_offer(Wish wish, std::size_t media_index = 0);

    /// The 2xx to the request with `make_own_offer`.
    Outcome on_own_answer(const Result<std::vector<BodyPart>>& body);

    /// The request with `make_own_offer` failed: all is as before (RFC 3261 14.1), but a pause
    /// stays.
    Outcome on_own_refused();

    /// True between `make_own_offer` and the word about its answer.
    [[nodiscard]] bool has_open_offer() const noexcept { return own_offer_open_; }

    [[nodiscard]] bool is_paused() const noexcept { return paused_; }

    /// A request that can carry metadata but no offer: BYE, INFO.
    static Outcome on_body(const Result<std::vector<BodyPart>>& body);

    /// The streams that are open, in order of the m-lines.
    [[nodiscard]] std::vector<StreamInfo> streams() const;

  private:
    struct Line {
        sdp::Media offered;                 // the m-line as last seen
        std::optional<StreamInfo> stream;   // set while the line is in use
        std::optional<Agreement> security;  // likewise
        bool dropped = false;               // by us: it stays refused
    };

    Outcome answer_offer(const sdp::SessionDescription& offer, PortSource& ports, Outcome outcome);
    Outcome make_offer(PortSource& ports, Outcome outcome);
    void take_answer_body(const Result<std::vector<BodyPart>>& body,
                          std::string_view carrier,
                          Outcome& outcome);
    void apply_answer(const sdp::SessionDescription& answer, Outcome& outcome);
    Result<void> update_line(std::size_t index,
                             const sdp::SessionDescription& offer,
                             PortSource& ports,
                             Outcome& outcome);
    [[nodiscard]] bool agree_on_security(std::size_t index,
                                         const sdp::SessionDescription& offer,
                                         Outcome& outcome);
    void note_shared_key(std::size_t index, Outcome& outcome) const;
    void update_stream(Line& line, Outcome& outcome) const;
    void close_line(Line& line, Outcome& outcome);
    void describe_stream(const sdp::Media& media, StreamInfo& stream) const;
    void set_paused(bool paused, Outcome& outcome);
    [[nodiscard]] bool is_glare(bool is_invite, bool has_sdp) const noexcept;
    [[nodiscard]] bool is_bundled(std::size_t index) const;
    [[nodiscard]] std::vector<std::size_t> order_of_lines(std::size_t count) const;
    [[nodiscard]] const StreamInfo* shared_port(std::size_t index) const;
    void describe_bundle(std::size_t index, StreamInfo& stream) const;
    [[nodiscard]] std::vector<std::size_t> open_bundle() const;
    Result<std::string> describe(const sdp::SessionDescription& description, bool is_answer);
    [[nodiscard]] std::vector<sdp::MediaAnswer> media_answers() const;
    [[nodiscard]] IpAddress description_address() const;

    Settings settings_;
    std::vector<Line> lines_;
    std::vector<std::size_t> bundle_;  // lines that share the port of the first
    bool answered_ = false;            // a description of ours is in force
    bool awaiting_answer_ = false;     // we made the offer; the answer comes in the ACK
    bool own_offer_open_ = false;      // an INVITE of ours is not answered yet
    bool paused_ = false;
    std::optional<std::size_t> dropping_;  // the m-line that our open offer switches off

    // What a refused offer goes back to.
    struct Before {
        bool paused = false;
        std::uint64_t version = 0;
        std::string description;
    };

    Before before_;
    std::uint64_t version_ = 0;
    std::string last_description_;
};

}  // namespace siprec::session
