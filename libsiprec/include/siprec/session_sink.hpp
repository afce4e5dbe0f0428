#pragma once

#include <siprec/export.hpp>
#include <siprec/media_sink.hpp>
#include <siprec/result.hpp>
#include <siprec/session.hpp>

#include <memory>
#include <vector>

namespace siprec {

/// Receives what happens in one recording session. One instance a session, made by
/// `SessionSinkFactory`. All calls, and those of the session's media sinks, come from one media
/// thread in the order in which things happened; same rules as for `MediaSink`.
///
/// Order: `on_sip` of the INVITE, `open_stream` for each accepted m-line, then any order until
/// `on_closed` of every media sink, then `on_ended`, then destruction.
class SIPREC_EXPORT SessionSink {
  public:
    SessionSink() = default;
    SessionSink(const SessionSink&) = delete;
    SessionSink& operator=(const SessionSink&) = delete;
    virtual ~SessionSink();

    /// A SIP message of the dialog was received or sent.
    virtual void on_sip(const SipMessage& message);

    /// A metadata document arrived, readable or not.
    virtual void on_metadata(const MetadataEvent& event);

    /// A media stream begins. @return its sink, or null when this stream is of no interest
    [[nodiscard]] virtual std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) = 0;

    /// The session is over; the last call.
    virtual void on_ended(const SessionEnd& end);
};

/// Makes the sink of each session. *Called from every media thread*, once a session; must outlive
/// the recorder.
class SIPREC_EXPORT SessionSinkFactory {
  public:
    SessionSinkFactory() = default;
    SessionSinkFactory(const SessionSinkFactory&) = delete;
    SessionSinkFactory& operator=(const SessionSinkFactory&) = delete;
    virtual ~SessionSinkFactory();

    /// @return the sink, or null when the session is to run without one
    [[nodiscard]] virtual std::unique_ptr<SessionSink> open_session(const SessionInfo& session) = 0;
};

}  // namespace siprec
