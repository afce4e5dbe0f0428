#include "capture/events.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace siprec::server {
namespace {

using nlohmann::json;

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

std::int64_t to_ns(WallTime time) {
    return time.time_since_epoch().count();
}

WallTime from_ns(const json& value) {
    return WallTime(std::chrono::nanoseconds(value.get<std::int64_t>()));
}

// The text of a field that a malformed sender filled may be any bytes; the message itself is in the
// capture as received, so what is no UTF-8 may be replaced here.
std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Endpoint endpoint_of(const json& value) {
    return Endpoint::parse(value.get_ref<const std::string&>()).value_or(Endpoint{});
}

Transport transport_of(std::string_view name) {
    for (const Transport transport : {Transport::Tcp, Transport::Tls}) {
        if (name == to_string(transport)) {
            return transport;
        }
    }
    return Transport::Udp;
}

sdp::Direction direction_of(std::string_view name) {
    using sdp::Direction;
    for (const Direction direction :
         {Direction::SendRecv, Direction::SendOnly, Direction::Inactive}) {
        if (name == sdp::to_string(direction)) {
            return direction;
        }
    }
    return Direction::RecvOnly;
}

Uuid uuid_of(const json& value) {
    return Uuid::parse(value.get_ref<const std::string&>()).value_or(Uuid{});
}

json encode(const SessionInfo& session) {
    return {{"id", session.id.to_string()},
            {"call_id", session.call_id},
            {"from_uri", session.from_uri},
            {"from_display", session.from_display},
            {"to_uri", session.to_uri},
            {"request_uri", session.request_uri},
            {"contact_uri", session.contact_uri},
            {"user_agent", session.user_agent},
            {"headers", session.headers},
            {"transport", to_string(session.transport)},
            {"source", session.source.to_string()},
            {"local", session.local.to_string()},
            {"evidence",
             {{"require_tag", session.evidence.require_tag},
              {"supported_tag", session.evidence.supported_tag},
              {"contact_tag", session.evidence.contact_tag},
              {"metadata_part", session.evidence.metadata_part}}},
            {"record_aware", session.record_aware},
            {"started_by_us", session.started_by_us},
            {"replaces", session.replaces ? session.replaces->to_string() : ""},
            {"started_ns", to_ns(session.started)}};
}

SessionInfo decode_session(const json& data) {
    SessionInfo session;
    session.id = uuid_of(data.at("id"));
    session.call_id = data.at("call_id").get<std::string>();
    session.from_uri = data.at("from_uri").get<std::string>();
    session.from_display = data.at("from_display").get<std::string>();
    session.to_uri = data.at("to_uri").get<std::string>();
    session.request_uri = data.at("request_uri").get<std::string>();
    session.contact_uri = data.at("contact_uri").get<std::string>();
    session.user_agent = data.at("user_agent").get<std::string>();
    session.headers = data.at("headers").get<decltype(session.headers)>();
    session.transport = transport_of(data.at("transport").get_ref<const std::string&>());
    session.source = endpoint_of(data.at("source"));
    session.local = endpoint_of(data.at("local"));
    const json& evidence = data.at("evidence");
    session.evidence = {.require_tag = evidence.at("require_tag").get<bool>(),
                        .supported_tag = evidence.at("supported_tag").get<bool>(),
                        .contact_tag = evidence.at("contact_tag").get<bool>(),
                        .metadata_part = evidence.at("metadata_part").get<bool>()};
    session.record_aware = data.value("record_aware", false);
    session.started_by_us = data.value("started_by_us", false);
    session.replaces = Uuid::parse(data.value("replaces", ""));
    session.started = from_ns(data.at("started_ns"));
    return session;
}

KeyExchange key_exchange_of(const std::string& name) {
    for (const KeyExchange known : {KeyExchange::Sdes, KeyExchange::Dtls}) {
        if (name == to_string(known)) {
            return known;
        }
    }
    return KeyExchange::None;
}

json encode(const StreamInfo& stream) {
    json formats = json::array();
    for (const PayloadFormat& format : stream.formats) {
        formats.push_back({{"payload_type", format.payload_type},
                           {"encoding", format.encoding},
                           {"clock_rate", format.clock_rate},
                           {"channels", format.channels},
                           {"parameters", format.parameters}});
    }
    json data = {{"id", stream.id.to_string()},
                 {"media_index", stream.media_index},
                 {"label", stream.label},
                 {"media_type", stream.media_type},
                 {"protocol", stream.protocol},
                 {"formats", std::move(formats)},
                 {"direction", sdp::to_string(stream.direction)},
                 {"rtcp_mux", stream.rtcp_mux},
                 {"record", stream.record},
                 {"recordpref", stream.recordpref},
                 {"local_rtp", stream.local_rtp.to_string()},
                 {"local_rtcp", stream.local_rtcp.to_string()}};
    for (const SourceName& source : stream.sources) {
        data["sources"].push_back({{"ssrc", source.ssrc}, {"cname", source.cname}});
    }
    if (stream.key_exchange != KeyExchange::None) {
        data["key_exchange"] = to_string(stream.key_exchange);
        data["crypto_suite"] = stream.crypto_suite;
    }
    if (stream.remote_rtp) {
        data["remote_rtp"] = stream.remote_rtp->to_string();
    }
    if (stream.remote_rtcp) {
        data["remote_rtcp"] = stream.remote_rtcp->to_string();
    }
    return data;
}

StreamInfo decode_stream(const json& data) {
    StreamInfo stream;
    stream.id = uuid_of(data.at("id"));
    stream.media_index = data.at("media_index").get<std::uint32_t>();
    stream.label = data.at("label").get<std::string>();
    stream.media_type = data.at("media_type").get<std::string>();
    stream.protocol = data.at("protocol").get<std::string>();
    for (const json& format : data.at("formats")) {
        stream.formats.push_back({.payload_type = format.at("payload_type").get<std::uint8_t>(),
                                  .encoding = format.at("encoding").get<std::string>(),
                                  .clock_rate = format.at("clock_rate").get<std::uint32_t>(),
                                  .channels = format.at("channels").get<std::uint8_t>(),
                                  .parameters = format.at("parameters").get<std::string>()});
    }
    stream.direction = direction_of(data.at("direction").get_ref<const std::string&>());
    stream.rtcp_mux = data.at("rtcp_mux").get<bool>();
    stream.record = data.value("record", "");
    stream.recordpref = data.value("recordpref", "");
    stream.local_rtp = endpoint_of(data.at("local_rtp"));
    stream.local_rtcp = endpoint_of(data.at("local_rtcp"));
    for (const json& source : data.value("sources", json::array())) {
        stream.sources.push_back({.ssrc = source.at("ssrc").get<std::uint32_t>(),
                                  .cname = source.at("cname").get<std::string>()});
    }
    stream.key_exchange = key_exchange_of(data.value("key_exchange", std::string{}));
    stream.crypto_suite = data.value("crypto_suite", std::string{});
    if (data.contains("remote_rtp")) {
        stream.remote_rtp = endpoint_of(data.at("remote_rtp"));
    }
    if (data.contains("remote_rtcp")) {
        stream.remote_rtcp = endpoint_of(data.at("remote_rtcp"));
    }
    return stream;
}

json encode(const StreamStats& stats) {
    return {{"packets", stats.packets},
            {"bytes", stats.bytes},
            {"duplicates", stats.duplicates},
            {"reordered", stats.reordered},
            {"lost", stats.lost},
            {"ssrc_changes", stats.ssrc_changes},
            {"unknown_payload", stats.unknown_payload},
            {"dropped_malformed", stats.dropped_malformed},
            {"dropped_stranger", stats.dropped_stranger},
            {"dropped_inactive", stats.dropped_inactive},
            {"dropped_auth", stats.dropped_auth},
            {"dropped_replay", stats.dropped_replay},
            {"rtcp_packets", stats.rtcp_packets},
            {"jitter_ns", stats.jitter.count()}};
}

StreamStats decode_stats(const json& data) {
    StreamStats stats;
    stats.packets = data.at("packets").get<std::uint64_t>();
    stats.bytes = data.at("bytes").get<std::uint64_t>();
    stats.duplicates = data.at("duplicates").get<std::uint64_t>();
    stats.reordered = data.at("reordered").get<std::uint64_t>();
    stats.lost = data.at("lost").get<std::int64_t>();
    stats.ssrc_changes = data.at("ssrc_changes").get<std::uint64_t>();
    stats.unknown_payload = data.at("unknown_payload").get<std::uint64_t>();
    stats.dropped_malformed = data.at("dropped_malformed").get<std::uint64_t>();
    stats.dropped_stranger = data.at("dropped_stranger").get<std::uint64_t>();
    stats.dropped_inactive = data.at("dropped_inactive").get<std::uint64_t>();
    // Captures of before there was SRTP lack them.
    stats.dropped_auth = data.value("dropped_auth", std::uint64_t{0});
    stats.dropped_replay = data.value("dropped_replay", std::uint64_t{0});
    stats.rtcp_packets = data.at("rtcp_packets").get<std::uint64_t>();
    stats.jitter = std::chrono::nanoseconds(data.at("jitter_ns").get<std::int64_t>());
    return stats;
}

/// One event as the fields of its journal entry.
struct Encoded {
    std::string_view name;
    std::string message;  // for people who read the capture in Wireshark
    json data;
    std::string_view document;
};

Encoded encode_body(const EventBody& body) {
    return std::visit(
        Overloaded{
            [](const SessionStarted& event) {
                return Encoded{"session-started",
                               "recording session " + event.session.id.to_string() + " started",
                               encode(event.session),
                               {}};
            },
            [](const StreamOpened& event) {
                return Encoded{
                    "stream-opened",
                    "stream opened, label '" + event.stream.label + "'",
                    {{"interface", event.interface_id}, {"stream", encode(event.stream)}},
                    {}};
            },
            [](const StreamChanged& event) {
                return Encoded{"stream-changed",
                               "stream changed, label '" + event.stream.label + "'",
                               {{"stream", encode(event.stream)}},
                               {}};
            },
            [](const StreamClosed& event) {
                return Encoded{
                    "stream-closed",
                    "stream closed after " + std::to_string(event.stats.packets) + " packets",
                    {{"stream", event.stream.to_string()}, {"stats", encode(event.stats)}},
                    {}};
            },
            [](const MetadataReceived& event) {
                json data = {{"content_type", event.content_type},
                             {"method", event.method},
                             {"usable", event.usable}};
                if (event.repeated) {
                    data["repeated"] = true;
                }
                return Encoded{"metadata",
                               "metadata document received in " + event.method,
                               std::move(data),
                               event.document};
            },
            [](const SessionEnded& event) {
                return Encoded{"session-ended",
                               "recording session ended: " + event.cause,
                               {{"cause", event.cause}, {"reason", event.reason}},
                               {}};
            },
            [](const Gap& event) {
                return Encoded{"gap",
                               std::to_string(event.packets) + " packets could not be written",
                               {{"from_ns", to_ns(event.from)},
                                {"until_ns", to_ns(event.until)},
                                {"packets", event.packets}},
                               {}};
            },
            [](const LongSipMessage& event) {
                return Encoded{"sip-message",
                               "SIP message of " + std::to_string(event.bytes.size()) + " bytes",
                               json::object(),
                               event.bytes};
            },
            [](const CaptureContinued& event) {
                return Encoded{"capture-continued",
                               "part " + std::to_string(event.part) + " of the capture begins",
                               {{"part", event.part}, {"tracker", event.tracker}},
                               event.document};
            },
            [](const CaptureRotated& event) {
                return Encoded{"capture-rotated",
                               "the capture goes on in part " + std::to_string(event.next_part),
                               {{"next_part", event.next_part}},
                               {}};
            },
        },
        body);
}

std::optional<EventBody> decode_body(std::string_view name,
                                     const json& data,
                                     std::string_view document) {
    if (name == "session-started") {
        return SessionStarted{decode_session(data)};
    }
    if (name == "stream-opened") {
        return StreamOpened{data.at("interface").get<std::uint32_t>(),
                            decode_stream(data.at("stream"))};
    }
    if (name == "stream-changed") {
        return StreamChanged{decode_stream(data.at("stream"))};
    }
    if (name == "stream-closed") {
        return StreamClosed{uuid_of(data.at("stream")), decode_stats(data.at("stats"))};
    }
    if (name == "metadata") {
        return MetadataReceived{std::string(document),
                                data.at("content_type").get<std::string>(),
                                data.at("method").get<std::string>(),
                                data.at("usable").get<bool>(),
                                data.value("repeated", false)};
    }
    if (name == "session-ended") {
        return SessionEnded{data.at("cause").get<std::string>(),
                            data.at("reason").get<std::string>()};
    }
    if (name == "gap") {
        return Gap{from_ns(data.at("from_ns")),
                   from_ns(data.at("until_ns")),
                   data.at("packets").get<std::uint64_t>()};
    }
    if (name == "sip-message") {
        return LongSipMessage{std::string(document)};
    }
    if (name == "capture-continued") {
        return CaptureContinued{data.at("part").get<std::uint32_t>(),
                                data.at("tracker").get<std::string>(),
                                std::string(document)};
    }
    if (name == "capture-rotated") {
        return CaptureRotated{data.at("next_part").get<std::uint32_t>()};
    }
    return std::nullopt;
}

}  // namespace

void append_event(std::vector<std::byte>& out, const Event& event) {
    Encoded encoded = encode_body(event.body);
    encoded.data["time_ns"] = to_ns(event.time);
    const std::string data = dump(encoded.data);
    const std::string realtime = std::to_string(
        std::chrono::floor<std::chrono::microseconds>(event.time).time_since_epoch().count());
    // systemd's journal export format wants __REALTIME_TIMESTAMP in microseconds; the exact time is
    // in the data.
    std::vector<std::pair<std::string_view, std::string_view>> fields{
        {"__REALTIME_TIMESTAMP", realtime},
        {"MESSAGE", encoded.message},
        {"SIPREC_EVENT", encoded.name},
        {"SIPREC_DATA", data}};
    if (!encoded.document.empty()) {
        fields.emplace_back("SIPREC_DOCUMENT", encoded.document);
    }
    pcapng::Writer::journal_entry(out, fields);
}

Result<std::optional<Event>> read_event(const pcapng::JournalEntry& entry) {
    const std::string_view name = entry.get("SIPREC_EVENT");
    if (name.empty()) {
        return std::optional<Event>{};
    }
    try {
        const json data = json::parse(entry.get("SIPREC_DATA"));
        auto body = decode_body(name, data, entry.get("SIPREC_DOCUMENT"));
        if (!body) {
            return std::optional<Event>{};
        }
        return std::optional<Event>(Event{from_ns(data.at("time_ns")), std::move(*body)});
    } catch (const json::exception& failure) {
        return Error(ErrorCode::Malformed,
                     "capture event '" + std::string(name) + "': " + failure.what());
    }
}

}  // namespace siprec::server
