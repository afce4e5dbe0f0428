#include "archive/conversation_keys.hpp"

#include <algorithm>
#include <cctype>

namespace siprec::server {
namespace {

// 16 octets in base64 without padding have 22 characters.
constexpr std::size_t kUniqueLength = 22;
constexpr std::size_t kUniqueFieldLength = 16;
constexpr std::size_t kSessionIdLength = 32;  // RFC 7989 5

std::string id_key(std::string_view kind, const std::string& id, const RecordingRecord& record) {
    const std::string scope =
        id.size() < kUniqueLength ? record.recording_session.to_string() + ":" : std::string();
    return std::string(kind) + scope + id;
}

/// One half of a Session-ID; empty for the nil UUID, which stands for a peer without one.
std::string session_id_half(std::string_view text) {
    std::string half;
    for (const char c : text) {
        if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
            break;
        }
        half.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    }
    const bool is_nil = half.find_first_not_of('0') == std::string::npos;
    return half.size() == kSessionIdLength && !is_nil ? half : std::string();
}

void add_session_id(std::vector<std::string>& keys, std::string_view written) {
    constexpr std::string_view kRemote = "remote=";
    const auto remote = written.find(kRemote);
    for (const std::string& half :
         {session_id_half(written),
          remote == std::string_view::npos
              ? std::string()
              : session_id_half(written.substr(remote + kRemote.size()))}) {
        if (!half.empty()) {
            keys.push_back("sip-session:" + half);
        }
    }
}

}  // namespace

std::vector<std::string> conversation_keys(const RecordingRecord& record, bool is_whole_session) {
    std::vector<std::string> keys;
    for (const CommunicationSessionRecord& session : record.sessions) {
        if (!session.src_id.empty()) {
            keys.push_back(id_key("cs:", session.src_id, record));
        }
        if (!session.group_src_id.empty()) {
            keys.push_back(id_key("group:", session.group_src_id, record));
        }
        for (const std::string& id : session.sip_session_ids) {
            add_session_id(keys, id);
        }
    }
    for (const FieldRecord& field : record.fields) {
        const bool is_call_id =
            field.name == "ucid" || field.name == "cisco_guid" || field.name == "call_uuid";
        if (is_whole_session && is_call_id && field.value.size() >= kUniqueFieldLength) {
            keys.push_back(field.name + ":" + field.value);
        }
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

}  // namespace siprec::server
