#include "recorder/media_task.hpp"
#include "recorder/recorder_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace siprec::recorder {

void RecorderImpl::hand_over(LiveSession& live,
                             const sip::Request& request,
                             session::Outcome& outcome,
                             std::map<Uuid, rtp::MediaSockets>& sockets) {
    using Kind = session::StreamChange::Kind;
    for (session::StreamChange& change : outcome.changes) {
        switch (change.kind) {
            case Kind::Open: {
                auto node = sockets.extract(change.stream.id);
                // A task has to be movable only; the closure holds the sockets until it runs.
                post(live,
                     make_task(
                         [media = live.media,
                          stream = std::move(change.stream),
                          opened = std::move(node.mapped())](rtp::MediaThread& thread) mutable {
                             media->open_stream(thread, stream, std::move(opened));
                         }));
                break;
            }
            case Kind::Change:
                post(live,
                     make_task([media = live.media,
                                stream = std::move(change.stream)](rtp::MediaThread& thread) {
                         media->change_stream(thread, stream);
                     }));
                break;
            case Kind::Close:
                // What the re-INVITE overtook still belongs to the stream.
                linger(
                    live,
                    make_task(
                        [media = live.media, id = change.stream.id, when = request.wire.time](
                            rtp::MediaThread& thread) { media->close_stream(thread, id, when); }));
                break;
        }
    }
    for (BodyPart& part : outcome.documents) {
        DocumentMessage message{.document = std::move(part.content),
                                .content_type = std::move(part.content_type_full),
                                .method = request.method_name,
                                .received = request.wire.time,
                                .parsed = Error(ErrorCode::Internal, "not parsed")};
        message.parsed = metadata::parse(message.document, part.charset, config_.limits.metadata);
        ++documents_;
        note_findings(*live.info, message);
        post(live, make_task([media = live.media, message = std::move(message)](rtp::MediaThread&) {
                 media->record_document(message);
             }));
    }
}

/// Says what was wrong with a document: why it is unusable, or what was made of it.
void RecorderImpl::note_findings(const SessionInfo& info, const DocumentMessage& message) {
    constexpr std::size_t kMostLines = 5;
    const auto log = [&](LogLevel level, std::string_view text, std::string_view code) {
        logger_.log(level,
                    "metadata",
                    text,
                    {{"rs", info.id.to_string()},
                     {"call_id", info.call_id},
                     {"method", message.method},
                     {"code", code}});
    };
    if (!message.parsed) {
        ++documents_unusable_;
        log(LogLevel::Warning,
            fmt::format("metadata kept, but unusable: {}", message.parsed.error().to_string()),
            "unusable");
        return;
    }
    const bool salvaged = message.parsed->dialect == metadata::Dialect::Salvaged;
    const auto& findings = message.parsed->findings;
    for (std::size_t i = 0; i < std::min(findings.size(), kMostLines); ++i) {
        log(salvaged ? LogLevel::Warning : LogLevel::Info, findings[i].message, findings[i].code);
    }
    if (findings.size() > kMostLines) {
        log(LogLevel::Info, fmt::format("{} findings in all", findings.size()), "more-findings");
    }
}

void RecorderImpl::note(const SessionInfo& info,
                        const session::Outcome& outcome,
                        const sip::Request& request) {
    for (const std::string& text : outcome.notes) {
        logger_.log(LogLevel::Warning,
                    "session",
                    text,
                    {{"rs", info.id.to_string()},
                     {"call_id", info.call_id},
                     {"method", request.method_name}});
    }
}

void RecorderImpl::post(LiveSession& live, std::unique_ptr<rtp::Task> task) {
    if (!engine_->post_always(live.thread, std::move(task))) {
        logger_.log(LogLevel::Error,
                    "recorder",
                    "the media thread has stopped",
                    {{"rs", live.info->id.to_string()}, {"call_id", live.info->call_id}});
    }
}

void RecorderImpl::record_wire(LiveSession& live, const sip::WireMessage& message) {
    SipRecord record{.bytes = sdp::blank_keys(message.bytes),
                     .sent = message.sent,
                     .transport = message.transport,
                     .local = message.local,
                     .remote = message.remote,
                     .time = message.time};
    post(live, make_task([media = live.media, record = std::move(record)](rtp::MediaThread&) {
             media->record_sip(record);
         }));
}

void RecorderImpl::linger(LiveSession& live, std::unique_ptr<rtp::Task> task) {
    post(live,
         make_task([task = std::move(task),
                    delay = config_.media.linger](rtp::MediaThread& thread) mutable {
             thread.run_after(delay, std::move(task));
         }));
}

}  // namespace siprec::recorder
