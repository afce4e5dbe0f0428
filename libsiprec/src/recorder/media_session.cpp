#include "recorder/media_session.hpp"

#include "fork/fork.hpp"
#include "rtp/rtcp_reporter.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace siprec::recorder {
namespace {

// A later document may still speak of them; a session that lives for weeks must not grow.
constexpr std::size_t kEndedSessionsKept = 32;

}  // namespace

MediaSession::MediaSession(std::shared_ptr<const SessionInfo> info,
                           Logger& logger,
                           std::function<void()> on_finished)
    : info_(std::move(info)),
      logger_(logger),
      on_finished_(std::move(on_finished)),
      cname_(rtp::random_cname(rtp::system_random())) {}

/// @return whether it went well
template <typename Call>
bool MediaSession::guarded(const char* what, Call call) noexcept {
    std::string failure;
    try {
        call();
        return true;
    } catch (const std::exception& error) {
        failure = error.what();
    } catch (...) {
        failure = "unknown exception";
    }
    logger_.log(LogLevel::Error,
                "recorder",
                "a session sink threw and is closed",
                {{"rs", info_->id.to_string()},
                 {"call_id", info_->call_id},
                 {"call", what},
                 {"error", failure}});
    return false;
}

template <typename Call>
void MediaSession::each(const char* what, Call call) {
    for (std::unique_ptr<SessionSink>& sink : sinks_) {
        if (!guarded(what, [&] { call(*sink); })) {
            // Its media sinks are still in use, and may look at it until they are closed.
            failed_sinks_.push_back(std::move(sink));
        }
    }
    std::erase(sinks_, nullptr);
}

void MediaSession::add_sink(rtp::MediaThread& thread, SessionSinkFactory& factory, WallTime now) {
    if (finished_) {
        return;
    }
    std::unique_ptr<SessionSink> sink;
    const bool added = guarded("open_session", [&] {
        sink = factory.open_session(*info_);
        if (!sink) {
            return;
        }
        tell_state(*sink, now);
        for (const auto& [id, stream] : streams_) {
            if (auto media_sink = sink->open_stream(stream.info)) {
                thread.add_sink(stream.handle, std::move(media_sink));
            }
        }
    });
    if (sink) {
        (added ? sinks_ : failed_sinks_).push_back(std::move(sink));
    }
}

void MediaSession::tell_state(SessionSink& sink, WallTime now) const {
    if (!state_.has_document()) {
        return;
    }
    const std::string document = metadata::write(state_.current());
    const Result<metadata::ParsedDocument> parsed(
        metadata::ParsedDocument{.document = state_.current(), .dialect = {}, .findings = {}});
    sink.on_metadata(MetadataEvent{.document = document,
                                   .content_type = "application/rs-metadata+xml",
                                   .method = {},
                                   .received = now,
                                   .parsed = parsed,
                                   .state = state_});
}

void MediaSession::record_sip(const SipRecord& record) {
    each("on_sip", [&record](SessionSink& sink) {
        sink.on_sip(SipMessage{.bytes = record.bytes,
                               .sent = record.sent,
                               .transport = record.transport,
                               .local = record.local,
                               .remote = record.remote,
                               .time = record.time});
    });
}

void MediaSession::record_document(rtp::MediaThread& thread, const DocumentMessage& message) {
    // Recordings are cut where a document stands among the packets.
    for (const auto& [id, stream] : streams_) {
        thread.drain(stream.handle);
    }
    if (message.parsed) {
        state_.forget_ended(kEndedSessionsKept);
        for (const metadata::Finding& finding :
             state_.apply(message.parsed->document, message.received)) {
            logger_.log(LogLevel::Info,
                        "metadata",
                        finding.message,
                        {{"rs", info_->id.to_string()},
                         {"call_id", info_->call_id},
                         {"code", finding.code},
                         {"path", finding.path}});
        }
    }
    each("on_metadata", [this, &message](SessionSink& sink) {
        sink.on_metadata(MetadataEvent{.document = message.document,
                                       .content_type = message.content_type,
                                       .method = message.method,
                                       .received = message.received,
                                       .parsed = message.parsed,
                                       .state = state_});
    });
}

void MediaSession::open_stream(rtp::MediaThread& thread,
                               const StreamInfo& stream,
                               rtp::MediaSockets sockets,
                               const srtp::Keying& keying) {
    if (finished_) {
        return;
    }
    fork::Fork fork(logger_);
    each("open_stream", [&fork, &stream](SessionSink& sink) {
        if (auto media_sink = sink.open_stream(stream)) {
            fork.add(std::move(media_sink));
        }
    });
    Stream opened;
    opened.info = stream;
    opened.active = stream.direction == sdp::Direction::RecvOnly;
    opened.active_since = thread.steady_now();
    StreamInfo info = stream;
    info.rtcp_cname = cname_;
    opened.handle =
        thread.open_stream(std::move(info), std::move(sockets), std::move(fork), keying);
    streams_.emplace(stream.id, std::move(opened));
}

void MediaSession::change_stream(rtp::MediaThread& thread, const StreamInfo& stream) {
    const auto found = streams_.find(stream.id);
    if (found == streams_.end()) {
        return;
    }
    const bool active = stream.direction == sdp::Direction::RecvOnly;
    if (active && !found->second.active) {
        found->second.active_since = thread.steady_now();
    }
    found->second.active = active;
    found->second.info = stream;
    thread.change_stream(found->second.handle, stream);
}

void MediaSession::secure_stream(rtp::MediaThread& thread,
                                 const Uuid& stream,
                                 const srtp::Keying& keying) {
    if (const auto found = streams_.find(stream); found != streams_.end()) {
        thread.secure_stream(found->second.handle, keying);
    }
}

void MediaSession::close_stream(rtp::MediaThread& thread, const Uuid& stream, WallTime when) {
    if (const auto found = streams_.find(stream); found != streams_.end()) {
        thread.close_stream(found->second.handle, when);
        streams_.erase(found);
    }
}

void MediaSession::finish(rtp::MediaThread& thread, const SessionEnd& end) {
    if (std::exchange(finished_, true)) {
        return;
    }
    // Whatever happens below: somebody may be waiting for the last session to finish.
    const std::shared_ptr<void> at_the_end(nullptr, [this](void*) { on_finished_(); });
    for (const auto& [id, stream] : streams_) {
        thread.close_stream(stream.handle, end.time);
    }
    streams_.clear();
    state_.close(end.time);
    each("on_ended", [&end](SessionSink& sink) { sink.on_ended(end); });
    sinks_.clear();
    failed_sinks_.clear();
}

std::optional<SteadyTime> MediaSession::last_media(const rtp::MediaThread& thread) const {
    std::optional<SteadyTime> last;
    for (const auto& [id, stream] : streams_) {
        if (!stream.active) {
            continue;
        }
        SteadyTime seen = stream.active_since;
        if (const auto heard = thread.last_heard(stream.handle)) {
            seen = std::max(seen, *heard);
        }
        last = last ? std::max(*last, seen) : seen;
    }
    return last;
}

}  // namespace siprec::recorder
