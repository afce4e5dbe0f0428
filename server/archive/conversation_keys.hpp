#pragma once

#include "catalog/records.hpp"

#include <string>
#include <vector>

namespace siprec::server {

/// What ties a recording to others of the same conversation: its CS (the same CS seen by two SRCs
/// is one), the CS's group, and the SIP Session-IDs of its dialogs (RFC 7989), never a number. An
/// id that is too short to be unique in the world counts within its recording session only.
/// @param is_whole_session  the recording session carried this call alone, so that the call ids in
///                          its headers (UCID, Cisco GUID) are the call's
[[nodiscard]] std::vector<std::string> conversation_keys(const RecordingRecord& record,
                                                         bool is_whole_session);

}  // namespace siprec::server
