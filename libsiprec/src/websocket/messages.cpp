#include "websocket/messages.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace siprec::websocket {

namespace {

using Json = nlohmann::ordered_json;

/// Text that came from the network may not be UTF-8; what is not becomes U+FFFD.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::set<std::uint32_t> numbers_of(const std::string& participant,
                                   const metadata::Document& document,
                                   const Streams& streams) {
    std::set<std::uint32_t> numbers;
    for (const metadata::ParticipantStreamAssoc& association : document.participant_stream_assocs) {
        if (association.participant_id != participant || association.associated.until) {
            continue;
        }
        for (const std::string& id : association.send) {
            const auto described =
                std::ranges::find(document.streams, id, &metadata::MediaStream::id);
            if (described == document.streams.end() || !described->label) {
                continue;
            }
            for (const auto& [number, stream] : streams) {
                if (stream.label == *described->label) {
                    numbers.insert(number);
                }
            }
        }
    }
    return numbers;
}

bool is_present(const std::string& participant, const metadata::Document& document) {
    bool was_there = false;
    for (const auto& association : document.participant_session_assocs) {
        if (association.participant_id == participant) {
            was_there = true;
            if (!association.associated.until) {
                return true;
            }
        }
    }
    return !was_there;  // named, and no word of a session: some clients write none
}

void put_network(std::string& out, std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) {
        out.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
    }
}

}  // namespace

std::string start_message(const SessionInfo& session,
                          std::uint32_t sample_rate,
                          std::chrono::milliseconds frame,
                          bool resumed) {
    return dump({{"type", "start"},
                 {"version", 1},
                 {"session", session.id.to_string()},
                 {"call_id", session.call_id},
                 {"from", session.from_uri},
                 {"to", session.to_uri},
                 {"user_agent", session.user_agent},
                 {"started", to_rfc3339(session.started)},
                 {"resumed", resumed},
                 {"audio",
                  {{"encoding", "pcm_s16le"},
                   {"sample_rate", sample_rate},
                   {"channels", 1},
                   {"frame_ms", frame.count()}}}});
}

std::string stream_message(const StreamInfo& stream, bool is_open) {
    return dump({{"type", "stream"},
                 {"stream", stream.media_index},
                 {"id", stream.id.to_string()},
                 {"label", stream.label},
                 {"codec", stream.formats.empty() ? "" : stream.formats.front().encoding},
                 {"open", is_open},
                 {"active", is_open && stream.direction == sdp::Direction::RecvOnly}});
}

std::map<std::string, std::string> participant_messages(const metadata::Document& document,
                                                        const Streams& streams) {
    std::map<std::string, std::string> messages;
    for (const metadata::Participant& participant : document.participants) {
        const metadata::NameId name =
            participant.names.empty() ? metadata::NameId{} : participant.names.front();
        messages[participant.id] =
            dump({{"type", "participant"},
                  {"id", participant.id},
                  {"present", is_present(participant.id, document)},
                  {"aor", name.aor},
                  {"name", name.name},
                  {"streams", numbers_of(participant.id, document, streams)}});
    }
    return messages;
}

std::string participant_left_message(const std::string& id) {
    return dump({{"type", "participant"}, {"id", id}, {"present", false}});
}

std::string metadata_message(const metadata::Document& document) {
    Json sessions = Json::array();
    for (const metadata::CommunicationSession& session : document.sessions) {
        sessions.push_back({{"id", session.id},
                            {"group", session.group_ref.value_or("")},
                            {"sip_session_ids", session.sip_session_ids}});
    }
    return dump({{"type", "metadata"},
                 {"sessions", std::move(sessions)},
                 {"document", metadata::write(document)}});
}

std::string loss_message(std::uint32_t stream, const Loss& loss) {
    return dump({{"type", "loss"},
                 {"stream", stream},
                 {"samples", loss.samples},
                 {"packets", loss.packets}});
}

std::string stop_message(const SessionEnd& end) {
    return dump({{"type", "stop"},
                 {"cause", std::string(to_string(end.cause))},
                 {"reason", end.reason},
                 {"ended", to_rfc3339(end.time)}});
}

std::string audio_message(std::uint32_t stream, const AudioBlock& block) {
    constexpr std::size_t kHeader = 12;
    std::string message;
    message.reserve(kHeader + block.samples.size() * 2);
    message.push_back('\x01');
    message.push_back(static_cast<char>(block.kind));
    put_network(message, stream, 2);
    put_network(message, block.position, 8);
    for (const std::int16_t sample : block.samples) {
        const auto bits = static_cast<std::uint16_t>(sample);
        message.push_back(static_cast<char>(bits & 0xFFU));
        message.push_back(static_cast<char>(bits >> 8U));
    }
    return message;
}

}  // namespace siprec::websocket
