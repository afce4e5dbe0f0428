#pragma once

#include "catalog/records.hpp"

#include <pqxx/transaction_base>

namespace siprec::server {

/// Puts a recording with all that hangs on it in the place of whatever is there under its id.
/// Throws as libpqxx does; the transaction is the caller's.
void write_recording(pqxx::transaction_base& transaction, const RecordingRecord& recording);

/// Puts a part of a session's capture in the place of what is there. Throws likewise.
void write_capture(pqxx::transaction_base& transaction, const SessionCaptureRecord& capture);

}  // namespace siprec::server
