#include "capture/playback.hpp"

#include <utility>
#include <variant>

namespace siprec::server {
namespace {

/// RFC 5761 4: RTCP is what has a packet type of 192 to 223 where RTP has marker and type; on any
/// port, as the engine took it.
bool is_rtcp(const pcapng::Datagram& datagram) {
    if (datagram.payload.size() < 2) {
        return false;
    }
    const auto type = std::to_integer<unsigned>(datagram.payload[1]);
    return type >= 192 && type <= 223;
}

}  // namespace

Result<PlaybackEnd> CapturePlayback::play(pcapng::Reader& reader) {
    PlaybackEnd end;
    while (true) {
        auto block = reader.next();
        if (!block) {
            if (block.error().code() != ErrorCode::Malformed) {
                return std::move(block).error();
            }
            end.damage = std::move(block).error();
            break;
        }
        if (!*block) {
            break;
        }
        if (auto played = play_block(**block); !played) {
            end.damage = std::move(played).error();
        }
    }
    end.truncated = reader.truncated();
    return end;
}

Result<void> CapturePlayback::play_block(const pcapng::Block& block) {
    if (const auto* datagram = std::get_if<pcapng::Datagram>(&block)) {
        play_datagram(*datagram);
    } else if (const auto* entry = std::get_if<pcapng::JournalEntry>(&block)) {
        return play_event(*entry);
    }
    return {};
}

Result<void> CapturePlayback::play_event(const pcapng::JournalEntry& entry) {
    const auto event = read_event(entry);
    if (!event) {
        return event.error();
    }
    if (!*event) {
        return {};
    }
    if (const auto* opened = std::get_if<StreamOpened>(&(*event)->body)) {
        streams_[opened->interface_id] = opened->stream;
    } else if (const auto* changed = std::get_if<StreamChanged>(&(*event)->body)) {
        for (auto& [interface_id, stream] : streams_) {
            if (stream.id == changed->stream.id) {
                stream = changed->stream;
            }
        }
    }
    visitor_.on_event(**event);
    return {};
}

void CapturePlayback::play_datagram(const pcapng::Datagram& datagram) const {
    const auto stream = streams_.find(datagram.interface_id);
    if (stream == streams_.end()) {
        return;
    }
    if (is_rtcp(datagram)) {
        visitor_.on_rtcp(stream->second,
                         {.bytes = datagram.payload,
                          .arrival = datagram.time,
                          .source = datagram.source,
                          .local = datagram.destination});
        return;
    }
    if (auto packet = parse_rtp(datagram.payload)) {
        packet->arrival = datagram.time;
        packet->source = datagram.source;
        packet->local = datagram.destination;
        visitor_.on_rtp(stream->second, *packet);
    }
}

Result<PlaybackEnd> play_file(const std::string& path, CaptureVisitor& visitor) {
    auto source = pcapng::file_source(path);
    if (!source) {
        return std::move(source).error();
    }
    pcapng::Reader reader(std::move(*source));
    return CapturePlayback(visitor).play(reader);
}

}  // namespace siprec::server
