#pragma once

#include "catalog/query.hpp"
#include "catalog/records.hpp"

#include <pqxx/transaction_base>

#include <vector>

namespace siprec::server {

/// The recordings that the conditions name, with participants and tracks. Throws as libpqxx does.
[[nodiscard]] std::vector<RecordingRecord> read_recordings(pqxx::transaction_base& transaction,
                                                           const ListSql& conditions);

/// One recording with everything; none when the id is not known. Throws as libpqxx does.
[[nodiscard]] std::optional<RecordingRecord> read_recording(pqxx::transaction_base& transaction,
                                                            const Uuid& id);

}  // namespace siprec::server
