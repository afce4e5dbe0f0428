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

template <typename Call>
void MediaSession::guarded(const char* what, Call call) {
    if (!sink_) {
        return;
    }
    std::string failure;
    try {
        call(*sink_);
        return;
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
    // Its media sinks are still in use, and may look at it until they are closed.
    failed_sink_ = std::move(sink_);
}

void MediaSession::open(SessionSinkFactory& factory) {
    try {
        sink_ = factory.open_session(*info_);
    } catch (const std::exception& error) {
        logger_.log(
            LogLevel::Error,
            "recorder",
            "the session sink cannot be made",
            {{"rs", info_->id.to_string()}, {"call_id", info_->call_id}, {"error", error.what()}});
    }
}

void MediaSession::record_sip(const SipRecord& record) {
    guarded("on_sip", [&record](SessionSink& sink) {
        sink.on_sip(SipMessage{.bytes = record.bytes,
                               .sent = record.sent,
                               .transport = record.transport,
                               .local = record.local,
                               .remote = record.remote,
                               .time = record.time});
    });
}

void MediaSession::record_document(const DocumentMessage& message) {
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
    guarded("on_metadata", [this, &message](SessionSink& sink) {
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
                               rtp::MediaSockets sockets) {
    if (finished_) {
        return;
    }
    fork::Fork fork(logger_);
    guarded("open_stream", [&fork, &stream](SessionSink& sink) {
        if (auto media_sink = sink.open_stream(stream)) {
            fork.add(std::move(media_sink));
        }
    });
    Stream opened;
    opened.active = stream.direction == sdp::Direction::RecvOnly;
    opened.active_since = thread.steady_now();
    StreamInfo info = stream;
    info.rtcp_cname = cname_;
    opened.handle = thread.open_stream(std::move(info), std::move(sockets), std::move(fork));
    streams_.emplace(stream.id, opened);
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
    guarded("on_ended", [&end](SessionSink& sink) { sink.on_ended(end); });
    sink_.reset();
    failed_sink_.reset();
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
