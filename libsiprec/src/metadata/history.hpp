#pragma once

#include <siprec/metadata.hpp>

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace siprec::metadata {

/// Brings the history of participation up to date with a document that was merged: what the state
/// holds and the history does not is opened, what the history holds open and the state does not is
/// closed. SRC times count where there are any, else the time of receipt. Lives for one
/// `State::apply`.
class HistoryUpdate {
  public:
    /// @param document  what arrived
    /// @param state     what is known now that it is merged
    HistoryUpdate(std::vector<ParticipationInterval>& history,
                  const Document& document,
                  const Document& state,
                  WallTime received);

    void run();

  private:
    /// What of a participant goes on at the moment, or has ended and when.
    struct Presence {
        bool is_listed = false;
        bool is_present = false;
        std::optional<WallTime> left;
    };

    void remember(std::size_t position);
    [[nodiscard]] ParticipationInterval* open_interval(const std::string& key);
    void add(ParticipationInterval interval);
    void note_dated(ParticipationInterval subject, const Interval& dated);
    void want(ParticipationInterval subject, std::optional<WallTime> from);
    [[nodiscard]] std::optional<WallTime> stop_of(const std::string& session_id) const;

    void note_document();
    void follow_sessions();
    void follow_streams();
    void follow_streams_of(const ParticipantStreamAssoc& assoc);
    void close_unwanted();

    std::vector<ParticipationInterval>& history_;
    const Document& document_;
    const Document& state_;
    WallTime received_;
    std::unordered_map<std::string, std::size_t> latest_;      // interval by key
    std::unordered_set<std::string> dated_;                    // what was known from when, before
    std::unordered_set<std::string> wanted_;                   // keys
    std::unordered_map<std::string, WallTime> ended_;          // by key
    std::unordered_map<std::string, WallTime> sending_ended_;  // by participant
    std::unordered_map<std::string, Presence> presence_;       // by participant
    std::unordered_map<std::string, WallTime> stopped_;        // by session
    std::unordered_map<std::string, std::string> session_of_stream_;
};

}  // namespace siprec::metadata
