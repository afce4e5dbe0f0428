#pragma once

// The catalogue: PostgreSQL, spoken to by libpqxx in this folder only.

#include "catalog/records.hpp"

#include <siprec/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siprec::server {

/// What `Catalog::list` is asked. Every filter that is set must hold.
struct RecordingQuery {
    std::optional<WallTime> from;   // start at or after
    std::optional<WallTime> until;  // start before
    std::string number;             // of any participant; `*` stands for anything; any case
    std::string name;               // likewise
    std::string participant;        // AOR, name or number, likewise
    std::string direction;
    std::string src;           // SRC's From URI, address or User-Agent, likewise
    std::string call_id;       // exact
    std::string state;         // exact
    std::string conversation;  // exact; a UUID
    std::string field;         // of any lifted field, likewise
    std::vector<std::pair<std::string, std::string>> fields;  // name; value, likewise
    std::uint32_t limit = 50;                                 // 1 to 1000
    std::string cursor;                                       // from the page before
};

struct RecordingPage {
    std::vector<RecordingRecord> recordings;  // without documents and associations; newest first
    std::string next;                         // cursor; empty on the last page
};

/// One connection to the catalogue, re-opened by itself after a failure. One thread at a time.
class Catalog {
  public:
    /// Does not connect yet.
    /// @param url  a libpq connection string or postgresql:// URI
    [[nodiscard]] static std::unique_ptr<Catalog> create(std::string url);
    Catalog() = default;
    Catalog(const Catalog&) = delete;
    Catalog& operator=(const Catalog&) = delete;
    virtual ~Catalog() = default;

    /// Applies the migrations that are missing, under an advisory lock, so that two starters do not
    /// collide. @return Unavailable when the database does not answer
    [[nodiscard]] virtual Result<void> migrate() = 0;

    /// Writes a recording with all that hangs on it, in one transaction, in the place of whatever
    /// is there under its id: the same call twice changes nothing.
    /// @return Unavailable (try again later), Timeout (unknown whether it was done; repeat it)
    [[nodiscard]] virtual Result<void> put(const RecordingRecord& recording) = 0;

    /// Likewise a part of a capture that belongs to no recording.
    [[nodiscard]] virtual Result<void> put_capture(const SessionCaptureRecord& capture) = 0;

    [[nodiscard]] virtual Result<RecordingPage> list(const RecordingQuery& query) = 0;

    /// Everything. @return NotFound
    [[nodiscard]] virtual Result<RecordingRecord> get(const Uuid& id) = 0;

    /// Cheap: does the database answer?
    [[nodiscard]] virtual Result<void> ping() = 0;
};

}  // namespace siprec::server
