#pragma once

// The media side of one recording session: its sinks, its metadata state and its streams, all on
// the media thread that owns it.

#include "rtp/engine.hpp"

#include <siprec/log.hpp>
#include <siprec/session_sink.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace siprec::recorder {

/// A metadata document on its way from the SIP thread, parsed there.
struct DocumentMessage {
    std::string document;
    std::string content_type;
    std::string method;
    WallTime received;
    Result<metadata::ParsedDocument> parsed;
};

/// A SIP message on its way from the SIP thread.
struct SipRecord {
    std::string bytes;
    bool sent = false;
    Transport transport = Transport::Udp;
    Endpoint local;
    Endpoint remote;
    WallTime time;
};

/// *Owner media thread only*, but for construction.
class MediaSession {
  public:
    /// @param on_finished  called on the media thread after the sinks had their last call
    MediaSession(std::shared_ptr<const SessionInfo> info,
                 Logger& logger,
                 std::function<void()> on_finished);

    /// Adds the sink that the factory makes of the session: at its start, or while it runs. One
    /// that comes late is told the metadata and the streams as they are.
    void add_sink(rtp::MediaThread& thread, SessionSinkFactory& factory, WallTime now);
    void record_sip(const SipRecord& record);
    void record_document(rtp::MediaThread& thread, const DocumentMessage& message);
    void open_stream(rtp::MediaThread& thread,
                     const StreamInfo& stream,
                     rtp::MediaSockets sockets,
                     const srtp::Keying& keying);
    void change_stream(rtp::MediaThread& thread, const StreamInfo& stream);
    void secure_stream(rtp::MediaThread& thread, const Uuid& stream, const srtp::Keying& keying);
    void close_stream(rtp::MediaThread& thread, const Uuid& stream, WallTime when);

    /// Closes every stream and tells the sink; safe to call twice.
    void finish(rtp::MediaThread& thread, const SessionEnd& end);

    /// When any active stream last received something, or when the newest active one was opened;
    /// nothing while no stream is active, because silence is legal then.
    [[nodiscard]] std::optional<SteadyTime> last_media(const rtp::MediaThread& thread) const;

    [[nodiscard]] bool is_finished() const noexcept { return finished_; }

  private:
    struct Stream {
        StreamInfo info;
        rtp::StreamHandle handle{};
        bool active = false;
        SteadyTime active_since;
    };

    /// Runs a call of the program's for every sink; one that throws loses the sink, not the
    /// session.
    template <typename Call>
    void each(const char* what, Call call);
    template <typename Call>
    bool guarded(const char* what, Call call) noexcept;
    void tell_state(SessionSink& sink, WallTime now) const;

    std::shared_ptr<const SessionInfo> info_;
    Logger& logger_;
    std::function<void()> on_finished_;
    const std::string cname_;
    std::vector<std::unique_ptr<SessionSink>> sinks_;
    std::vector<std::unique_ptr<SessionSink>> failed_sinks_;  // those that threw
    metadata::State state_;
    std::map<Uuid, Stream> streams_;
    bool finished_ = false;
};

}  // namespace siprec::recorder
