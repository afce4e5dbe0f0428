#pragma once

// When which communication session (CS) is on record in a recording session (RS): documents in
// order of arrival in, stays out. The live wing asks it when a capture can rotate, the archive wing
// where to cut. The rules are in docs/communication-sessions.md.

#include <siprec/clock.hpp>
#include <siprec/metadata.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siprec::server {

/// A stretch of a CS on record. Media belongs to it by its place in the capture: what stands
/// between the document that opened it and the one that closed it, so that nothing is lost or
/// doubled where it begins and ends.
struct StayWindow {
    WallTime from;
    std::optional<WallTime> until;  ///< none: goes on
    /// Counts of the documents before its first and before the first thing behind it.
    std::size_t from_document = 0;
    std::optional<std::size_t> until_document;
};

/// One CS in one RS. A CS that comes back after its stay was over begins another.
struct SessionStay {
    enum class State : std::uint8_t {
        Open,
        Away,  ///< left without being stopped (RFC 7865 6.4): may come back
        Over
    };

    std::string session_id;
    std::uint32_t number = 1;      ///< of the stays of this CS
    bool is_first = false;         ///< of all stays of the RS
    std::uint32_t first_part = 1;  ///< the capture's part that holds its beginning
    State state = State::Open;
    std::vector<StayWindow> windows;  ///< at least one; in order of time

    [[nodiscard]] bool is_over() const noexcept { return state == State::Over; }

    /// From the beginning of the RS to its end.
    [[nodiscard]] bool covers_everything() const noexcept {
        return is_first && windows.size() == 1 && windows.front().from_document == 0 &&
               !windows.front().until_document;
    }

    /// On record when so many documents had come.
    [[nodiscard]] bool has(std::size_t documents) const noexcept;
};

/// Value type, owned by one thread.
class SessionTracker {
  public:
    SessionTracker() = default;

    /// @param beginning  of the RS
    explicit SessionTracker(WallTime beginning) : beginning_(beginning) {}

    /// A usable document arrived.
    /// @param update    as it came; what a salvaged one leaves out means nothing
    /// @param state     after its merge
    /// @param in_bye    the RS ends with it, and with the RS what is open: not with its document
    /// @param part      the capture's part that is being written
    void apply(const metadata::ParsedDocument& update,
               const metadata::State& state,
               WallTime time,
               bool in_bye,
               std::uint32_t part);

    /// A document arrived that could not be read.
    void skip_document() noexcept { ++documents_; }

    /// The last document opened it.
    [[nodiscard]] bool is_fresh(const SessionStay& stay) const noexcept;

    /// The capture rotates: what is away will come back as another stay. What is fresh begins in
    /// the part that follows.
    void rotate(std::uint32_t next_part);

    /// The RS ended.
    void close(WallTime time);

    /// Forgets a stay that is over but for its name.
    void forget(const std::string& session_id, std::uint32_t number);

    /// In order of their beginning; those that were forgotten are not in it.
    [[nodiscard]] const std::vector<SessionStay>& stays() const noexcept { return stays_; }

    /// How many documents have come.
    [[nodiscard]] std::size_t documents() const noexcept { return documents_; }

    /// Some CS was named that could be cut out: what belongs to none is in no recording.
    [[nodiscard]] bool has_named() const noexcept { return has_named_; }

    /// The client has said that there is no call, and no document has named one since.
    [[nodiscard]] bool is_idle() const noexcept;

    /// Everything that it knows, for the beginning of another part.
    [[nodiscard]] std::string to_json() const;

    /// @return nothing when the text is damaged
    [[nodiscard]] static std::optional<SessionTracker> from_json(std::string_view text);

  private:
    [[nodiscard]] SessionStay* latest(const std::string& session_id);
    [[nodiscard]] std::uint32_t past_stays(const std::string& session_id) const;
    void begin(const std::string& session_id, StayWindow window, std::uint32_t part);
    void open(const std::string& session_id, WallTime time, std::uint32_t part);
    void end(SessionStay& stay, WallTime time, SessionStay::State state);
    void remember(const SessionStay& stay);

    std::vector<SessionStay> stays_;
    /// CSs that are over: so that a document that repeats them does not bring them back.
    std::vector<std::pair<std::string, std::uint32_t>> past_;
    std::size_t documents_ = 0;
    bool has_named_ = false;
    bool said_idle_ = false;
    WallTime beginning_{};
};

}  // namespace siprec::server
